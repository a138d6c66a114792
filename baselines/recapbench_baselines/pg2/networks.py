"""The two generators of PG2 (sections 3.1 to 3.3) and its discriminator.

Shapes: B batch, J = 18 joints, C channels, H x W pixels. Level 1 has the image's resolution.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.maps import as_map
from recapbench_baselines.pg2.config import Pg2Config
from recapbench_baselines.pg2.layers import (
    Convolutions,
    Residual,
    SameConv2d,
    enlarge,
    start_glorot,
    start_small,
)

SLOPE = 0.2
"""Slope of D's leaky ReLUs."""


class CoarseGenerator(nn.Module):
    """G1 of stage 1: a U-Net of residual blocks around a fully connected layer.

    Args:
        config: settings.
        size: height and width of the image in pixels.
    """

    def __init__(self, config: Pg2Config, size: tuple[int, int]) -> None:
        super().__init__()
        width, levels = config.width, config.levels
        channels = [width * level for level in range(1, levels + 1)]
        self.small = (width, size[0] >> (levels - 1), size[1] >> (levels - 1))
        area = self.small[1] * self.small[2]
        self.stem = SameConv2d(3 + NUM_JOINTS, width, 3)
        self.encoders = nn.ModuleList(Residual(each) for each in channels)
        self.downs = nn.ModuleList(
            SameConv2d(here, below, 3, stride=2) for here, below in pairwise(channels)
        )
        self.squeeze = nn.Linear(channels[-1] * area, config.code)
        self.spread = nn.Linear(config.code, width * area)
        into = [*(2 * each for each in channels[:-1]), channels[-1] + width]
        self.decoders = nn.ModuleList(Residual(each) for each in into)
        self.ups = nn.ModuleList(
            SameConv2d(below, here, 1) for here, below in zip(channels, into[1:], strict=False)
        )
        self.image = SameConv2d(2 * width, 3, 3)
        self.apply(start_glorot)

    def forward(self, image_BCHW: Tensor, pose_BJHW: Tensor) -> Tensor:
        """The coarse image (B,3,H,W), about [-1, 1], from source image and target heatmaps."""
        both = torch.cat([as_map(image_BCHW), as_map(pose_BJHW) * 2 - 1], 1)
        features, skips = functional.relu(self.stem(both)), list[Tensor]()
        for level, encoder in enumerate(self.encoders):
            if level:
                features = functional.relu(self.downs[level - 1](features))
            features = encoder(features)
            skips.append(features)
        features = as_map(self.spread(self.squeeze(features.flatten(1))).unflatten(1, self.small))
        for level in reversed(range(len(skips))):
            features = self.decoders[level](torch.cat([features, skips[level]], 1))
            if level:  # a 1x1 convolution before enlarging is the one after it, at a quarter's cost
                features = enlarge(functional.relu(self.ups[level - 1](features)))
        return self.image(features).float()


class RefiningGenerator(nn.Module):
    """G2 of stage 2: a U-Net without a fully connected layer that makes a difference map."""

    def __init__(self, config: Pg2Config) -> None:
        super().__init__()
        width, levels = config.width, config.levels - 2
        channels = [width * level for level in range(1, levels + 1)]
        self.first_skip = config.first_skip
        self.stem = SameConv2d(6, width, 3)
        self.encoders = nn.ModuleList(
            Convolutions(above, here)
            for above, here in zip([width, *channels], channels, strict=False)
        )
        self.downs = nn.ModuleList(SameConv2d(each, each, 3, stride=2) for each in channels[:-1])
        coming = [*(width for _ in channels[:-1]), channels[-1]]
        self.decoders = nn.ModuleList(
            Convolutions(below + (here if self._has_skip(level) else 0), width)
            for level, (below, here) in enumerate(zip(coming, channels, strict=True))
        )
        self.image = SameConv2d(width, 3, 3)
        self.apply(start_glorot)
        nn.init.zeros_(self.image.weight)

    def _has_skip(self, level: int) -> bool:
        return level > 0 or self.first_skip

    def forward(self, coarse_BCHW: Tensor, image_BCHW: Tensor) -> Tensor:
        """The difference (B,3,H,W) to add to G1's image, from that and the source image."""
        both = torch.cat([as_map(coarse_BCHW), as_map(image_BCHW)], 1)
        features, skips = functional.relu(self.stem(both)), list[Tensor]()
        for level, encoder in enumerate(self.encoders):
            if level:
                features = functional.relu(self.downs[level - 1](features))
            features = encoder(features)
            skips.append(features)
        for level in reversed(range(len(skips))):  # the last level meets itself, as in the code
            seen = [features, skips[level]] if self._has_skip(level) else [features]
            features = self.decoders[level](torch.cat(seen, 1))
            if level:
                features = enlarge(features)
        return self.image(features).float()


class Generator(nn.Module):
    """Both stages: `first` is G1, `second` is G2."""

    def __init__(self, config: Pg2Config, size: tuple[int, int]) -> None:
        super().__init__()
        self.first = CoarseGenerator(config, size)
        self.second = RefiningGenerator(config)

    def refine(self, coarse_BCHW: Tensor, image_BCHW: Tensor) -> Tensor:
        """G1's image with G2's difference added, (B,3,H,W), about [-1, 1]."""
        return coarse_BCHW + self.second(coarse_BCHW, image_BCHW)


class Discriminator(nn.Module):
    """D: strided 5x5 convolutions and one linear layer (DCGAN's), a logit for an image.

    Batch normalisation knows no other statistics than those of the images it is given, so that
    real and generated ones belong into one call.

    Args:
        config: settings.
        size: height and width of the image in pixels.
    """

    def __init__(self, config: Pg2Config, size: tuple[int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for layer in range(config.levels - 1):
            wider = config.discriminator_width * min(2**layer, 8)
            layers.append(SameConv2d(channels, wider, 5, stride=2))
            if layer:
                layers.append(nn.BatchNorm2d(wider, track_running_stats=False))
            layers.append(nn.LeakyReLU(SLOPE))
            channels = wider
        self.layers = nn.Sequential(*layers)
        area = (size[0] >> (config.levels - 1)) * (size[1] >> (config.levels - 1))
        self.judge = nn.Linear(channels * area, 1)
        self.apply(start_small)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Logits (B,), positive for images that look real."""
        return self.judge(self.layers(as_map(image_BCHW)).flatten(1)).flatten()
