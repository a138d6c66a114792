"""PATN's adversarial losses and L1, means over pairs, in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor
from torch.nn import functional

Adversarial = Literal["cross_entropy", "least_squares"]


def _cross_entropy(verdicts: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of logits against all real, or all generated."""
    return functional.softplus(-verdicts if real else verdicts).mean()


def _least_squares(verdicts: Tensor, real: bool) -> Tensor:
    """Mean squared distance from 1 (real) or 0 (generated)."""
    return (verdicts - float(real)).square().mean()


_FORMS: Mapping[Adversarial, Callable[[Tensor, bool], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "least_squares": _least_squares,
}


def verdict_loss(verdicts: Tensor, real: bool, form: Adversarial) -> Tensor:
    """How far a discriminator's verdicts are from "all real" or "all generated".

    Args:
        verdicts: any shape; logits for ``cross_entropy``.
        real: what they should say.
        form: the fashion model's least squares, or the Market model's cross-entropy.
    """
    return _FORMS[form](verdicts.float(), real)


def pixel_loss(generated: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference in [-1, 1]."""
    return functional.l1_loss(generated.float(), target.float())
