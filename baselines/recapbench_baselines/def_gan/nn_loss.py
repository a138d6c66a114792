"""The nearest-neighbour loss.

Each position of the generated image is compared with the most similar position of a small
neighbourhood of the ground truth, so that a detail some pixels off costs little.

Shapes: B images, C channels, H x W positions; K x K positions of a neighbourhood.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import torch
from torch import Tensor, nn

SCALES: Final = {"vgg19": 255 * 0.226, "effnet_lite0": 127.5}
"""Grey levels in one unit of each network's input, what its features are multiplied by.

The paper's VGG-19 reads grey levels from 0 to 255; torchvision's reads them divided by 255 and by
ImageNet's standard deviation, EfficientNet-Lite0 from -1 to 1. So one weight serves all."""


def nearest_rows(generated_BHWC: Tensor, truth_BHWC: Tensor, side: int) -> Tensor:
    """For every position the most similar one of the truth around it.

    Args:
        generated_BHWC: features of the generated images.
        truth_BHWC: those of the ground truth.
        side: of the neighbourhood in positions, odd; what lies outside the image is left out.

    Returns:
        int64 (B,H,W): number of the row in ``truth_BHWC.flatten(0, 2)``.
    """
    batch, height, width, _ = generated_BHWC.shape
    best_BHW = generated_BHWC.new_full((batch, height, width), torch.inf, dtype=torch.float32)
    rows_BHW = torch.arange(best_BHW.numel(), device=best_BHW.device).view_as(best_BHW)
    nearest_BHW = rows_BHW.clone()
    for dy, dx in product(_offsets(side, height), _offsets(side, width)):
        here = slice(None), _shifted(height, -dy), _shifted(width, -dx)
        there = slice(None), _shifted(height, dy), _shifted(width, dx)
        gap_BHWC = (generated_BHWC[here] - truth_BHWC[there]).abs_()
        distance_BHW = gap_BHWC.sum(dim=3, dtype=torch.float32)
        closer_BHW = distance_BHW < best_BHW[here]
        best_BHW[here] = torch.minimum(distance_BHW, best_BHW[here])
        nearest_BHW[here] = torch.where(closer_BHW, rows_BHW[there], nearest_BHW[here])
    return nearest_BHW


def _offsets(side: int, extent: int) -> range:
    """Offsets within a neighbourhood that some position of the image has."""
    reach = min(side // 2, extent - 1)
    return range(-reach, reach + 1)


def _shifted(extent: int, by: int) -> slice:
    """The positions from which a step backwards by ``by`` stays inside."""
    return slice(max(by, 0), extent + min(by, 0))


def nn_loss(generated_BCHW: Tensor, truth_BCHW: Tensor, side: int) -> Tensor:
    """Mean over positions of the least channel-summed L1 distance to a neighbourhood of the truth.

    Args:
        generated_BCHW: features of the generated images.
        truth_BCHW: features of the ground truth; gradients do not reach them.
        side: of the neighbourhood in positions, odd.

    Returns:
        A float32 scalar.
    """
    generated_BHWC = generated_BCHW.permute(0, 2, 3, 1)
    truth_BHWC = truth_BCHW.detach().permute(0, 2, 3, 1).contiguous()
    with torch.no_grad():
        nearest_R = nearest_rows(generated_BHWC.contiguous(), truth_BHWC, side).flatten()
        chosen_RC = truth_BHWC.flatten(0, 2).index_select(0, nearest_R)
    gap_RC = generated_BHWC.reshape(chosen_RC.shape).float() - chosen_RC.float()
    return gap_RC.abs().sum(dim=1).mean()


class NearestNeighbourLoss(nn.Module):
    """The loss between features of an early layer of an ImageNet network.

    Args:
        features: maps RGB in [-1, 1] (B,3,H,W) to a feature map; its parameters are frozen.
        network: name of the network that they are of, one of `SCALES`.
        side: of the neighbourhood, in positions of the feature map.
    """

    def __init__(self, features: nn.Module, network: str, side: int) -> None:
        super().__init__()
        self.network = network
        self.features = features.eval().requires_grad_(False)
        self.scale, self.side = SCALES[network], side

    def forward(self, generated_BCHW: Tensor, truth_BCHW: Tensor) -> Tensor:
        """The loss of generated images (B,3,H,W) in [-1, 1] against the ground truth."""
        with torch.no_grad():
            wanted = self.features(truth_BCHW)
        return self.scale * nn_loss(self.features(generated_BCHW), wanted, self.side)
