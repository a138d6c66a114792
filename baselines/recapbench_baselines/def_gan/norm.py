"""Instance normalisation as keras-contrib's default: over height, width and channels together.

Shapes: B images, N values of an image (C H W of them).
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

EPSILON: Final = 1e-3
"""Added to the standard deviation, not to the variance."""


class InstanceNorm(nn.Module):
    """``gamma (x - mean) / (std + 1e-3) + beta``, with statistics of each image and two scalars."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(()))
        self.beta = nn.Parameter(torch.zeros(()))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B,C,H,W) in the type of ``x_BCHW``, channels last in memory."""
        x_BHWC = x_BCHW.permute(0, 2, 3, 1)
        rows_BN: Tensor = _Normalise.apply(x_BHWC.flatten(1), self.gamma, self.beta)
        return rows_BN.view(x_BHWC.shape).permute(0, 3, 1, 2)


class _Normalise(torch.autograd.Function):
    """The same on rows. In few passes over memory, which cost more than the arithmetic."""

    @staticmethod
    def forward(ctx: Any, x_BN: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        # The tiny eps only keeps rows of one value finite; ours is that of `share_B`.
        plain_BN, _, rate_B1 = torch.native_layer_norm(x_BN, [x_BN.shape[1]], None, None, 1e-12)
        rate_B = rate_B1[:, 0].to(gamma.dtype)
        share_B = 1 / (1 + EPSILON * rate_B)  # std / (std + 1e-3)
        ctx.save_for_backward(plain_BN, rate_B, share_B, gamma)
        return _affine(plain_BN, gamma * share_B, beta.expand(len(x_BN)))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BN: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        plain_BN, rate_B, share_B, gamma = ctx.saved_tensors
        sum_B = gradient_BN.sum(dim=1, dtype=gamma.dtype)
        along_B = (gradient_BN * plain_BN).sum(dim=1, dtype=gamma.dtype)
        slope_B, count = gamma * share_B * rate_B, plain_BN.shape[1]
        to_x_BN = _affine(gradient_BN, slope_B, -slope_B * sum_B / count)
        scale_B = slope_B * share_B * along_B / count
        to_x_BN.sub_(_affine(plain_BN, scale_B, torch.zeros_like(scale_B)))
        return to_x_BN, (share_B * along_B).sum(), sum_B.sum()


def _affine(x_BN: Tensor, scale_B: Tensor, shift_B: Tensor) -> Tensor:
    """``x scale + shift`` in one pass that reckons in the scalars' type and rounds once."""
    zeros_B, ones_B = torch.zeros_like(scale_B), torch.ones_like(scale_B)
    return functional.batch_norm(x_BN[None], zeros_B, ones_B, scale_B, shift_B, False, 0.0, 0.0)[0]
