"""The networks of Def-GAN: two encoders, a decoder with deformable skips, the discriminator.

Every layer is the public code's: its parameter counts are met exactly. Features are handed on
before their activation, as there; the decoder's ReLU follows the concatenation.

Shapes: B images, C channels, H x W positions, J = 18 joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from recapbench.data.query import Query
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.maps import as_map
from recapbench_baselines.def_gan.norm import InstanceNorm
from recapbench_baselines.def_gan.warp import Places, places, warp

SLOPE: Final = 0.2
IMAGE_CHANNELS: Final = 3
WARPED_LEVELS: Final = 4
"""How many of the finest skips are deformable."""
_DROPPED_LEVELS: Final = 3
"""How many of the decoder's first layers have dropout."""


@dataclass(frozen=True)
class Maps:
    """What the networks read of B pairs, laid out for them.

    Attributes:
        image_BCHW: source image.
        source_pose_BJHW: heatmaps of the source's joints.
        target_pose_BJHW: heatmaps of the target's.
        where: for each deformable skip, where its positions come from.
    """

    image_BCHW: Tensor
    source_pose_BJHW: Tensor
    target_pose_BJHW: Tensor
    where: Sequence[Places]

    @staticmethod
    def of(query: Query) -> Maps:
        """The maps of a query."""
        image = query.source_image
        size = image.shape[2], image.shape[3]
        return Maps(
            as_map(image),
            as_map(query.source_pose),
            as_map(query.target_pose),
            places(query.source_keypoints, query.target_keypoints, size, WARPED_LEVELS),
        )


def channels_of(width: int, level: int) -> int:
    """Channels at a level (from 0): the width, doubled per level up to eight times."""
    return width * min(2**level, 8)


def down(channels_in: int, channels_out: int, normalise: bool = True) -> nn.Module:
    """Leaky ReLU, 4x4 convolution of stride 2 without bias, normalisation: halves the size."""
    return nn.Sequential(
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(channels_in, channels_out, 4, 2, 1, bias=False),
        InstanceNorm() if normalise else nn.Identity(),
    )


def up(channels_in: int, channels_out: int, dropout: float) -> nn.Module:
    """ReLU, transposed 4x4 convolution without bias, normalisation, dropout: doubles the size."""
    return nn.Sequential(
        nn.ReLU(),
        nn.ConvTranspose2d(channels_in, channels_out, 4, 2, 1, bias=False),
        InstanceNorm(),
        nn.Dropout(dropout),
    )


def initialise(module: nn.Module) -> None:
    """Glorot's uniform weights and zero biases, the public code's: for `nn.Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Encoder(nn.Module):
    """A pyramid of features: level l (from 0) has 1/2^l of the input's size.

    Args:
        channels_in: channels of the input.
        width: channels at level 0.
        levels: number of levels; the last is not normalised.
    """

    def __init__(self, channels_in: int, width: int, levels: int) -> None:
        super().__init__()
        steps: list[nn.Module] = [nn.Conv2d(channels_in, width, 3, padding=1)]
        for level in range(1, levels):
            before, after = channels_of(width, level - 1), channels_of(width, level)
            steps.append(down(before, after, normalise=level < levels - 1))
        self.steps = nn.ModuleList(steps)

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        """Features of each level, a list of (B,C_l,H_l,W_l)."""
        features = []
        for step in self.steps:
            x_BCHW = step(x_BCHW)
            features.append(x_BCHW)
        return features


class Decoder(nn.Module):
    """From skips of both encoders to an image.

    Args:
        width: channels at level 0 of either encoder.
        levels: their levels.
        dropout: share of the values that the first three layers drop.
    """

    def __init__(self, width: int, levels: int, dropout: float) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        before = 0
        for level in reversed(range(levels - 1)):
            after = channels_of(width, level + 1)
            share = dropout if len(steps) < _DROPPED_LEVELS else 0.0
            steps.append(up(before + 2 * channels_of(width, level + 1), after, share))
            before = after
        self.steps = nn.ModuleList(steps)
        self.last = nn.Conv2d(before + 2 * width, IMAGE_CHANNELS, 3, padding=1)

    def forward(self, skips: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """RGB (B,3,H,W) in [-1, 1] from the skips of each level, finest first."""
        *finer, deepest = skips
        x_BCHW = self.steps[0](torch.cat(deepest, dim=1))
        for step, skip in zip(self.steps[1:], reversed(finer[1:]), strict=True):
            x_BCHW = step(torch.cat([x_BCHW, *skip], dim=1))
        return self.last(torch.cat([x_BCHW, *finer[0]], dim=1).relu_()).tanh()


class Generator(nn.Module):
    """Source image, source pose and target pose to an image.

    Args:
        width: channels at level 0; 64 in the paper.
        levels: of the encoders; 6 at 128x64, 7 at 256x256.
        dropout: share of the values that the decoder's first three layers drop.
    """

    def __init__(self, width: int, levels: int, dropout: float) -> None:
        super().__init__()
        self.appearance = Encoder(IMAGE_CHANNELS + NUM_JOINTS, width, levels)
        self.pose = Encoder(NUM_JOINTS, width, levels)
        self.decoder = Decoder(width, levels, dropout)
        self.apply(initialise)

    def forward(self, maps: Maps) -> Tensor:
        """RGB (B,3,H,W) in [-1, 1]."""
        source = self.appearance(torch.cat([maps.image_BCHW, maps.source_pose_BJHW], dim=1))
        moved = [warp(found, level) for found, level in zip(source, maps.where, strict=False)]
        skips = zip(moved + source[len(moved) :], self.pose(maps.target_pose_BJHW), strict=True)
        return self.decoder(list(skips))


class Discriminator(nn.Module):
    """Whether a picture is the source's person in the target pose: one logit per patch.

    Five 4x4 convolutions of stride 2 on source, both poses and picture (42 channels). The first
    does not pad, the others pad by one: see the README.

    Args:
        width: channels of the first layer; 64 in the paper.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        channels_in = 2 * (IMAGE_CHANNELS + NUM_JOINTS)
        steps: list[nn.Module] = [nn.Conv2d(channels_in, width, 4, 2)]
        channels = [channels_of(width, level) for level in range(4)]
        steps += [down(before, after) for before, after in pairwise(channels)]
        self.body = nn.Sequential(*steps, down(channels[-1], 1, normalise=False))
        self.apply(initialise)

    def forward(self, maps: Maps, picture_BCHW: Tensor) -> Tensor:
        """Logits (B,1,h,w): positive for real; 7x7 at 256x256, 3x1 at 128x64."""
        condition = maps.image_BCHW, maps.source_pose_BJHW, maps.target_pose_BJHW
        return self.body(torch.cat([*condition, as_map(picture_BCHW)], dim=1))
