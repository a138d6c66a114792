"""What generator and discriminators are made of: padding, normalisation, dropout, stem.

Maps are laid out as convolutions take them fastest: channels last, bfloat16 under autocast.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Normalisation = Literal["batch", "instance"]


class ReflectionPad(nn.Module):
    """Reflection at the border, in the map's own type: autocast on the CPU would make it float32.

    Args:
        width: rows and columns on every side.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x_BCHW: Tensor) -> Tensor:
        with torch.autocast(x_BCHW.device.type, enabled=False):
            return functional.pad(x_BCHW, [self.width] * 4, mode="reflect")


class DropHalf(nn.Module):
    """Dropout with probability 1/2 while training: a fair coin for every feature.

    A coin is the sign of a random byte, eight of them a draw; `nn.Dropout` draws a number for
    every coin, which on the CPU takes longer than the convolution before it.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if not self.training:
            return x_BCHW
        batch, channels, height, width = x_BCHW.shape
        draws = torch.empty(-(-x_BCHW.numel() // 8), dtype=torch.int64, device=x_BCHW.device)
        coins = draws.random_(-(2**63), None).view(torch.int8)[: x_BCHW.numel()] >= 0
        kept_BHWC = coins.view(batch, height, width, channels).to(x_BCHW.dtype)
        return x_BCHW * (kept_BHWC * 2).permute(0, 3, 1, 2)


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation that keeps channels last on the CPU.

    There torch turns every map into planes and leaves it so, which takes a third of a step;
    batch normalisation of one image is the same thing, and does not.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if x_BCHW.device.type != "cpu":
            return super().forward(x_BCHW)
        images = x_BCHW.split(1)
        return torch.cat([functional.batch_norm(x, None, None, training=True) for x in images])


def norm(kind: Normalisation, channels: int) -> nn.Module:
    """Batch normalisation with gain and offset, or instance normalisation without."""
    return nn.BatchNorm2d(channels) if kind == "batch" else InstanceNorm(channels)


def has_bias(kind: Normalisation) -> bool:
    """Whether convolutions have a bias: not where batch normalisation adds its own."""
    return kind == "instance"


def conv3(kind: Normalisation, channels_in: int, channels_out: int) -> list[nn.Module]:
    """Reflection and a 3x3 convolution that keeps the size."""
    return [
        ReflectionPad(1),
        nn.Conv2d(channels_in, channels_out, 3, bias=has_bias(kind)),
    ]


def stem(kind: Normalisation, channels_in: int, width: int) -> list[nn.Module]:
    """7x7 convolution and two halvings: (B,C,H,W) -> (B,4*width,H/4,W/4)."""
    steps: list[nn.Module] = [
        ReflectionPad(3),
        nn.Conv2d(channels_in, width, 7, bias=has_bias(kind)),
        norm(kind, width),
        nn.ReLU(inplace=True),
    ]
    for channels in (width, 2 * width):
        steps += [
            nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=has_bias(kind)),
            norm(kind, 2 * channels),
            nn.ReLU(inplace=True),
        ]
    return steps


def transform(
    kind: Normalisation, channels_in: int, channels_out: int, dropout: bool
) -> list[nn.Module]:
    """Two 3x3 convolutions with normalisation, ReLU and dropout between them, and none after."""
    return [
        *conv3(kind, channels_in, channels_in),
        norm(kind, channels_in),
        nn.ReLU(inplace=True),
        *([DropHalf()] if dropout else []),
        *conv3(kind, channels_in, channels_out),
    ]
