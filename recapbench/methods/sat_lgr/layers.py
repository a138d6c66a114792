"""Building blocks: spectrally normalised convolutions, down and up steps, residual blocks.

Section 4.1: spectral norm on every layer of generator and discriminators. Between them activations
are normalised over channels and space of each sample (Def-GAN's form), since spectral norm alone
lets the signal shrink layer by layer; a sample never sees another of its batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from recapbench.data import parsing
from recapbench.methods.maps import compute_dtype

SLOPE = 0.2
"""Slope of every leaky ReLU."""


def one_hot(labels_BHW: Tensor, parts: int) -> Tensor:
    """One-hot parts (B,N,H,W) of labels (B,H,W) int64, as `as_map` lays maps out."""
    return parsing.one_hot(labels_BHW, parts, compute_dtype(labels_BHW.device))


def probabilities(logits_BNHW: Tensor) -> Tensor:
    """Softmax over the parts, float32, channels last in memory.

    `softmax(dim=1)` would hand out contiguous planes, which everything behind it has to turn.
    """
    return logits_BNHW.permute(0, 2, 3, 1).softmax(dim=3, dtype=torch.float32).permute(0, 3, 1, 2)


def conv(
    channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Module:
    """A spectrally normalised convolution that keeps (stride 1) or halves (stride 2) the size."""
    padding = dilation * (kernel - 1) // 2
    return spectral_norm(
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding, dilation=dilation)
    )


def linear(features_in: int, features_out: int) -> nn.Module:
    """A spectrally normalised linear map without bias."""
    return spectral_norm(nn.Linear(features_in, features_out, bias=False))


def fix_spectral_norm(module: nn.Module) -> None:
    """Divide every weight by its norm once and for all: a trained network generates faster so.

    The module can no longer be trained under spectral norm.
    """
    for layer in module.modules():
        if is_parametrized(layer, "weight"):
            remove_parametrizations(layer, "weight", leave_parametrized=True)
    module.to(memory_format=torch.channels_last)


def norm(channels: int) -> nn.Module:
    """Normalisation over channels and space of each sample, with a gain and offset per channel."""
    return nn.GroupNorm(1, channels)


def channels_of(width: int, layer: int) -> int:
    """Channels at a layer (from 1): the width, doubled per layer up to eight times."""
    return width * min(2 ** (layer - 1), 8)


class Down(nn.Module):
    """Leaky ReLU, 4x4 convolution of stride 2, normalisation: (B,C,H,W) -> (B,D,H/2,W/2)."""

    def __init__(self, channels_in: int, channels_out: int, normalise: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            conv(channels_in, channels_out, 4, 2),
            norm(channels_out) if normalise else nn.Identity(),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.body(x_BCHW)


class Up(nn.Module):
    """Leaky ReLU, transposed 4x4 convolution of stride 2, normalisation: doubles the size."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            spectral_norm(nn.ConvTranspose2d(channels_in, channels_out, 4, 2, 1)),
            norm(channels_out),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.body(x_BCHW)


class Fuse(nn.Module):
    """Concatenation, leaky ReLU, 3x3 convolution, normalisation."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LeakyReLU(SLOPE), conv(channels_in, channels_out), norm(channels_out)
        )

    def forward(self, *parts_BCHW: Tensor) -> Tensor:
        return self.body(torch.cat(parts_BCHW, dim=1))


class Residual(nn.Module):
    """x + two dilated 3x3 convolutions of x.

    With dilations of 2^(2i) and 2^(2i+1) two blocks widen the receptive field by 30 positions, so
    that a position of the SAT layer can tell where on the body it lies.
    """

    def __init__(self, channels: int, index: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LeakyReLU(SLOPE),
            conv(channels, channels, dilation=2 ** (2 * index)),
            norm(channels),
            nn.LeakyReLU(SLOPE),
            conv(channels, channels, dilation=2 ** (2 * index + 1)),
            norm(channels),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + self.body(x_BCHW)


class Encoder(nn.Module):
    """A pyramid of features: layer k (from 1) has 1/2^(k-1) of the input's size.

    Args:
        channels_in: channels of the input.
        width: channels at layer 1.
        layers: number of layers.
        residual_blocks: residual blocks per layer.
        residual_from: first layer that has residual blocks.
    """

    def __init__(
        self,
        channels_in: int,
        width: int,
        layers: int,
        residual_blocks: int = 0,
        residual_from: int = 1,
    ) -> None:
        super().__init__()
        steps: list[nn.Module] = [conv(channels_in, width)]
        for layer in range(2, layers + 1):
            last = layer == layers
            step: list[nn.Module] = [
                Down(channels_of(width, layer - 1), channels_of(width, layer), normalise=not last)
            ]
            if layer >= residual_from and not last:
                step += [Residual(channels_of(width, layer), i) for i in range(residual_blocks)]
            steps.append(nn.Sequential(*step))
        self.steps = nn.ModuleList(steps)

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        """Features of layers 1..L, a list of L tensors (B,C_k,H_k,W_k)."""
        features = []
        for step in self.steps:
            x_BCHW = step(x_BCHW)
            features.append(x_BCHW)
        return features
