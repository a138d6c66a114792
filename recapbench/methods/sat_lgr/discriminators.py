"""The three light patch discriminators of section 3.5, in the shape of Def-GAN's.

D1 sees a layout and the target pose, D2 an image and the target pose, D3 an image and the source
image.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.maps import as_map
from recapbench.methods.sat_lgr.layers import SLOPE, conv

IMAGE_CHANNELS = 3


class PatchDiscriminator(nn.Module):
    """Five 4x4 convolutions of stride 2: one logit per 32x32 step of the input.

    Args:
        channels_in: channels of the judged map and its condition together.
        width: channels of the first layer; doubled up to eight times.
    """

    def __init__(self, channels_in: int, width: int) -> None:
        super().__init__()
        channels = [channels_in, width, 2 * width, 4 * width, 8 * width]
        steps: list[nn.Module] = []
        for before, after in pairwise(channels):
            steps += [conv(before, after, 4, 2), nn.LeakyReLU(SLOPE)]
        self.body = nn.Sequential(*steps, conv(channels[-1], 1, 4, 2))

    def forward(self, judged_BCHW: Tensor, condition_BDHW: Tensor) -> Tensor:
        """Logits (B,1,H/32,W/32): positive for real."""
        return self.body(torch.cat([as_map(judged_BCHW), condition_BDHW], dim=1))


class Discriminators(nn.Module):
    """D1, D2 and D3.

    Args:
        parts: number of part labels N.
        width: channels of each first layer.
    """

    def __init__(self, parts: int, width: int) -> None:
        super().__init__()
        self.layout = PatchDiscriminator(parts + NUM_JOINTS, width)
        self.pose = PatchDiscriminator(IMAGE_CHANNELS + NUM_JOINTS, width)
        self.identity = PatchDiscriminator(2 * IMAGE_CHANNELS, width)
