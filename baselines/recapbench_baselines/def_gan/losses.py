"""The adversarial losses, on logits: binary cross-entropies of their sigmoids."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), mean over patches."""
    return functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """-log D(fake), mean over patches."""
    return functional.softplus(-fake.float()).mean()
