"""One way to convolve on the CPU, whatever the number of threads."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> Tensor:
    """A convolution without dilation, by oneDNN on the CPU.

    torch takes another way for 1x1 kernels when it has one thread, which is slower and rounds
    differently: features would depend on the number of threads.

    Args:
        x: float32 (B,C,H,W).
        weight: float32 (K,C/groups,h,w).
        bias: float32 (K), None for none.
        stride, padding: rows and columns.
        groups: of channels.
    """
    if x.device.type == "cpu" and torch.backends.mkldnn.is_available():
        return torch.mkldnn_convolution(x, weight, bias, padding, stride, (1, 1), groups)
    return functional.conv2d(x, weight, bias, stride, padding, groups=groups)


class FusedConv2d(nn.Module):
    """A convolution with a fixed batch normalisation inside, for inference."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        fused = fuse_conv_bn_eval(conv, norm)
        self.weight, self.bias = fused.weight, fused.bias
        self.stride = (conv.stride[0], conv.stride[1])
        self.groups = conv.groups

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


def fuse_batch_norms(network: nn.Module) -> None:
    """Join the convolution ``conv`` and the normalisation ``norm`` of every part that has both.

    The values are those of before but for float32 rounding. Convolutions must not pad.
    """
    for module in list(network.modules()):
        conv, norm = getattr(module, "conv", None), getattr(module, "norm", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            if tuple(conv.padding) != (0, 0) or tuple(conv.dilation) != (1, 1):
                raise ValueError(f"expected a plain convolution, got {conv}")
            module.conv, module.norm = FusedConv2d(conv, norm), nn.Identity()
