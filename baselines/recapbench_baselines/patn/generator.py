"""The generator: an image stream and a pose stream, joined by pose-attentional transfer blocks.

Shapes: B pairs, C = 4 * width channels of the image stream, D channels of the pose stream (C into
the first block, 2C into the others), H x W pixels, h x w = H/4 x W/4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recapbench_baselines.patn.config import PatnConfig
from recapbench_baselines.patn.layers import (
    Normalisation,
    ReflectionPad,
    has_bias,
    norm,
    stem,
    transform,
)

_SPREAD = 0.02
"""Standard deviation of the initial weights, the public code's."""


class TransferBlock(nn.Module):
    """A pose-attentional transfer block (section 3.1.2 of the PATN paper).

    Args:
        channels: C.
        pose_channels: D.
        kind: of normalisation.
        dropout: whether training drops features.
    """

    def __init__(
        self, channels: int, pose_channels: int, kind: Normalisation, dropout: bool
    ) -> None:
        super().__init__()
        self.image = nn.Sequential(
            *transform(kind, channels, channels, dropout), norm(kind, channels)
        )
        self.pose = nn.Sequential(*transform(kind, pose_channels, channels, dropout))

    def forward(self, image_BChw: Tensor, pose_BDhw: Tensor) -> tuple[Tensor, Tensor]:
        """Image codes moved where the pose codes attend, and the pose codes that follow them.

        Returns:
            (B,C,h,w) and (B,2C,h,w).
        """
        pose_BChw = self.pose(pose_BDhw)
        moved_BChw = image_BChw + self.image(image_BChw) * torch.sigmoid(pose_BChw)
        return moved_BChw, torch.cat([pose_BChw, moved_BChw], dim=1)


class Generator(nn.Module):
    """Source image and poses to the image in the target pose.

    Args:
        config: settings.
        pose_channels: of the pose stream: heatmaps of both poses, and parsings if any.
    """

    def __init__(self, config: PatnConfig, pose_channels: int) -> None:
        super().__init__()
        kind, channels = config.normalisation, 4 * config.width
        self.image_stem = nn.Sequential(*stem(kind, 3, config.width))
        self.pose_stem = nn.Sequential(*stem(kind, pose_channels, config.width))
        self.blocks = nn.ModuleList(
            TransferBlock(channels, channels if index == 0 else 2 * channels, kind, config.dropout)
            for index in range(config.blocks)
        )
        self.decoder = nn.Sequential(
            *_doubled(kind, channels),
            *_doubled(kind, channels // 2),
            ReflectionPad(3),
            nn.Conv2d(config.width, 3, 7),
        )
        self.apply(_initialise)

    def forward(self, image_BCHW: Tensor, pose_BDHW: Tensor) -> Tensor:
        """RGB (B,3,H,W) float32 in [-1, 1]."""
        image_BChw, pose_BDhw = self.image_stem(image_BCHW), self.pose_stem(pose_BDHW)
        for block in self.blocks:
            image_BChw, pose_BDhw = block(image_BChw, pose_BDhw)
        return torch.tanh(self.decoder(image_BChw).float())


def _doubled(kind: Normalisation, channels: int) -> list[nn.Module]:
    """A transposed convolution that doubles the size and halves the channels."""
    return [
        nn.ConvTranspose2d(channels, channels // 2, 3, 2, 1, output_padding=1, bias=has_bias(kind)),
        norm(kind, channels // 2),
        nn.ReLU(inplace=True),
    ]


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, _SPREAD)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, _SPREAD)
