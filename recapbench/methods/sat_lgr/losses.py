"""The losses of equations (8)-(15). Norms are means, so that weights do not depend on the size.

Equation (16), the perceptual loss, is `recapbench.methods.perceptual`.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Equation (9) on logits: -log D(real) - log(1 - D(fake)), mean over patches."""
    return functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()


def generator_loss(fake: Tensor, form: Literal["non_saturating", "saturating"]) -> Tensor:
    """The generator's adversarial loss on logits, mean over patches.

    ``saturating`` is the printed equation (10), log(1 - D(fake)), whose gradient vanishes where
    the discriminator wins; ``non_saturating`` is -log D(fake).
    """
    fake = fake.float()
    if form == "saturating":
        return -functional.softplus(fake).mean()
    return functional.softplus(-fake).mean()


def layout_loss(logits_BNHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """Equation (8): per-pixel cross-entropy of the layout, mean over pixels."""
    logits_PN = logits_BNHW.permute(0, 2, 3, 1).flatten(0, 2)
    return functional.cross_entropy(logits_PN.float(), labels_BHW.flatten())


def pixel_loss(generated: Tensor, target: Tensor) -> Tensor:
    """Equation (15): mean absolute difference in [-1, 1]."""
    return functional.l1_loss(generated.float(), target.float())


def coarse_loss(generated: Tensor, target: Tensor, side: int) -> Tensor:
    """Mean absolute difference of the means of squares, in [-1, 1]. Not in the paper.

    Blind to where within a square a stripe lies, which no source can tell to the pixel.

    Args:
        generated: (B,C,H,W).
        target: the same shape.
        side: of the squares, in pixels; divides H and W.
    """
    return functional.l1_loss(
        functional.avg_pool2d(generated.float(), side), functional.avg_pool2d(target.float(), side)
    )
