"""PG2's pose mask and losses against literal computations."""

from __future__ import annotations

import math

import pytest
import torch

from recapbench.data.pose import pose_mask
from recapbench.data.skeleton import MASK_LIMBS
from recapbench_baselines.pg2 import losses

SIZE = (64, 48)


def keypoints(seed: int = 0) -> torch.Tensor:
    """Two poses with places on whole pixels, some joints missing."""
    random = torch.Generator().manual_seed(seed)
    places = torch.rand(2, 18, 2, generator=random) * torch.tensor([SIZE[1] - 1, SIZE[0] - 1])
    there = (torch.rand(2, 18, 1, generator=random) < 0.8).float() * 2
    return torch.cat([places.round(), there], 2)


def literal_mask(pose_J3: torch.Tensor) -> torch.Tensor:
    """The mask as it is told: disks along each limb, dilated and eroded by a 5x5 square."""
    height, width = SIZE
    drawn = torch.zeros(height, width, dtype=torch.bool)
    for a, b in MASK_LIMBS:
        (xa, ya, there_a), (xb, yb, there_b) = pose_J3[a].tolist(), pose_J3[b].tolist()
        if not (there_a and there_b):
            continue
        steps = max(1, int(math.hypot(xb - xa, yb - ya) / 4))
        for step in range(steps + 1):
            row, column = int(ya + (yb - ya) * step / steps), int(xa + (xb - xa) * step / steps)
            for y in range(height):
                for x in range(width):
                    if (y - row) ** 2 + (x - column) ** 2 <= 4**2:
                        drawn[y, x] = True
    grown, closed = torch.zeros_like(drawn), torch.zeros_like(drawn)
    for y in range(height):
        for x in range(width):
            grown[y, x] = drawn[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].any()
    for y in range(height):
        for x in range(width):
            closed[y, x] = grown[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].all()
    return closed


def test_pose_masks_are_disks_along_limbs_closed() -> None:
    poses = keypoints()
    masks = losses.pose_masks(poses, SIZE)
    assert masks.shape == (2, 1, *SIZE)
    assert masks.dtype == torch.float32
    for mask, pose in zip(masks, poses, strict=True):
        assert torch.equal(mask[0].bool(), literal_mask(pose))
    assert masks.bool().numpy().tolist() != pose_mask(poses.numpy(), SIZE)[:, None].tolist()


def test_likeness_is_equation_1() -> None:
    generated, target = torch.randn(2, 2, 3, *SIZE).unbind()
    mask = losses.pose_masks(keypoints(), SIZE)
    terms = losses.likeness_terms(generated, target, mask)
    weighted = (generated - target) * (1 + mask)  # (G1 - I_B) . (1 + M_B)
    wanted = sum(abs(value) for value in weighted.flatten().tolist()) / weighted.numel()
    assert math.isclose(float(terms["l1"] + terms["masked_l1"]), wanted, rel_tol=1e-5)
    assert terms["masked_l1"] < terms["l1"]


def cross_entropy(logits: torch.Tensor, label: int) -> float:
    """Equation (2)'s L_bce as it is told."""
    probabilities = logits.double().sigmoid()
    chosen = probabilities if label else 1 - probabilities
    return float(-chosen.log().mean())


def test_discriminator_loss_is_equation_2_with_the_source_among_the_wrong() -> None:
    real, refined, source = torch.randn(3, 5).unbind()
    wanted = 0.5 * cross_entropy(real, 1)
    wanted += 0.25 * cross_entropy(refined, 0) + 0.25 * cross_entropy(source, 0)
    found = losses.discriminator_loss(real, refined, source)
    assert math.isclose(float(found), wanted, rel_tol=1e-5)


def test_adversarial_loss_is_equation_3() -> None:
    refined = torch.randn(5)
    assert math.isclose(
        float(losses.adversarial_loss(refined)), cross_entropy(refined, 1), rel_tol=1e-5
    )


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_sure_discriminators_give_finite_losses(logit: float) -> None:
    sure = torch.full((2,), logit)
    assert losses.adversarial_loss(sure).isfinite()
    assert losses.discriminator_loss(sure, -sure, -sure).isfinite()
