"""Semantic-aware geometric transformation, section 3.2: {S_A, K_A, K_B} -> layout of the target."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.sat_lgr.layers import SLOPE, Encoder, Fuse, Up, channels_of, conv


class GeometricNetwork(nn.Module):
    """A U-Net from the source's parsing and both poses to the logits of the target's parsing.

    Args:
        parts: number of part labels N.
        width: channels at layer 1.
        layers: number of layers.
        stride: work at 1/stride of the image's size; the logits are interpolated back.
    """

    def __init__(self, parts: int, width: int, layers: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.encoder = Encoder(parts + 2 * NUM_JOINTS, width, layers)
        ups, fuses = [], []
        for layer in range(layers - 1, 0, -1):
            channels = channels_of(width, layer)
            ups.append(Up(channels_of(width, layer + 1), channels))
            fuses.append(Fuse(2 * channels, channels))
        self.ups = nn.ModuleList(ups)
        self.fuses = nn.ModuleList(fuses)
        self.head = nn.Sequential(nn.LeakyReLU(SLOPE), conv(width, parts))
        self.log_gain = nn.Parameter(torch.tensor(2.0))

    def forward(
        self, source_BNHW: Tensor, source_pose_BJHW: Tensor, target_pose_BJHW: Tensor
    ) -> Tensor:
        """Logits of the target's parsing.

        Args:
            source_BNHW: one-hot parsing of the source.
            source_pose_BJHW: heatmaps of the source's 18 joints.
            target_pose_BJHW: heatmaps of the target's.

        Returns:
            (B,N,H,W) logits. A learnt gain stands behind the last layer: spectral norm bounds its
            logits, and a bounded softmax cannot become certain.
        """
        maps_BCHW = torch.cat([source_BNHW, source_pose_BJHW, target_pose_BJHW], 1)
        if self.stride > 1:
            maps_BCHW = functional.avg_pool2d(maps_BCHW, self.stride)
        *skips, x = self.encoder(maps_BCHW)
        for up, fuse, skip in zip(self.ups, self.fuses, reversed(skips), strict=True):
            x = fuse(up(x), skip)
        logits_BNHW = self.head(x) * self.log_gain.exp()
        if self.stride == 1:
            return logits_BNHW
        return functional.interpolate(logits_BNHW, scale_factor=self.stride, mode="bilinear")
