"""Convolutions with TensorFlow's SAME padding, residual blocks, and how weights start.

Shapes: B batch, C channels, H x W pixels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis so that it comes out ceil(size / stride) long.

    An odd number of zeros has the additional one at the end, as TensorFlow's SAME has it.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """A convolution with SAME padding: (B,C,H,W) -> (B,C',ceil(H/stride),ceil(W/stride)).

    Args:
        channels: of the input.
        out_channels: of the output.
        kernel: side of the kernel, in pixels.
        stride: in pixels.
    """

    def __init__(self, channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(channels, out_channels, kernel, stride)

    def forward(self, input: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        top, bottom = same_padding(input.shape[2], kernel, stride)
        left, right = same_padding(input.shape[3], kernel, stride)
        if (top, left) == (bottom, right):
            return functional.conv2d(input, self.weight, self.bias, stride, (top, left))
        padded = functional.pad(input, (left, right, top, bottom))
        return functional.conv2d(padded, self.weight, self.bias, stride)


class Convolutions(nn.Sequential):
    """Two 3x3 convolutions, each with a ReLU: (B,C,H,W) -> (B,C',H,W)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(
            SameConv2d(channels, out_channels, 3),
            nn.ReLU(),
            SameConv2d(out_channels, out_channels, 3),
            nn.ReLU(),
        )


class Residual(nn.Module):
    """Section 3.1's residual block: what comes in, plus two convolutions with ReLU of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = Convolutions(channels, channels)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        return features_BCHW + self.branch(features_BCHW)


def enlarge(features_BCHW: Tensor) -> Tensor:
    """Twice the size, by nearest neighbour."""
    return functional.interpolate(features_BCHW, scale_factor=2.0, mode="nearest")


def start_glorot(module: nn.Module) -> None:
    """Glorot's uniform weights and zero biases, the start of the public code's generators."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def start_small(module: nn.Module) -> None:
    """Uniform weights of standard deviation 0.02 and zero biases, the start of D's layers."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        reach = 0.02 * 3**0.5
        nn.init.uniform_(module.weight, -reach, reach)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
