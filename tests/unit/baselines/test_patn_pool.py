"""PATN's pool of earlier images: it fills, then swaps every second one; a checkpoint holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from patn_small import batch, make
from torch import Tensor

from recapbench.errors import UsageError
from recapbench.training.checkpoint import (
    CheckpointHeader,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from recapbench_baselines.patn.pool import ImagePool


def images(first: int, count: int) -> Tensor:
    """Images that say their number."""
    numbers = torch.arange(first, first + count, dtype=torch.float32)
    return numbers[:, None, None, None].expand(count, 1, 2, 2).clone()


def numbers(shown: Tensor) -> list[int]:
    assert torch.equal(shown, shown[:, :1, :1, :1].expand_as(shown))
    return shown[:, 0, 0, 0].int().tolist()


def test_fills_first() -> None:
    pool = ImagePool(5, 1, (2, 2))
    assert numbers(pool(images(1, 3))) == [1, 2, 3]
    assert int(pool.filled) == 3
    assert numbers(pool(images(4, 2))) == [4, 5]
    assert numbers(pool.images_PCHW) == [1, 2, 3, 4, 5]


def test_then_swaps_every_second_one() -> None:
    torch.manual_seed(0)
    pool = ImagePool(50, 1, (2, 2))
    pool(images(0, 50))
    kept = set(range(50))
    swaps = 0
    for first in range(50, 2050, 4):
        new = images(first, 4)
        before = new.clone()
        shown = numbers(pool(new))
        assert torch.equal(new, before)
        for number, told in zip(range(first, first + 4), shown, strict=True):
            if told != number:
                assert told in kept
                kept = kept - {told} | {number}
                swaps += 1
        assert set(numbers(pool.images_PCHW)) == kept
    assert abs(swaps - 1000) < 135  # six standard deviations of 2,000 coins


def test_every_place_is_swapped() -> None:
    torch.manual_seed(0)
    pool = ImagePool(8, 1, (2, 2))
    pool(images(0, 8))
    pool(images(8, 400))
    assert min(numbers(pool.images_PCHW)) >= 8


def test_overflows_in_the_middle_of_a_batch() -> None:
    torch.manual_seed(0)
    pool = ImagePool(3, 1, (2, 2))
    shown = numbers(pool(images(1, 40)))
    assert shown[:3] == [1, 2, 3]
    assert sorted(shown + numbers(pool.images_PCHW)) == sorted([*range(1, 41), 1, 2, 3])


def test_keeps_no_gradients() -> None:
    pool = ImagePool(2, 1, (2, 2))
    assert not pool(images(0, 4).requires_grad_()).requires_grad


class Run:
    """A run that draws what a trainer's would: each step seeds the generators by its number."""

    def __init__(self) -> None:
        self.method = make(image_pool=3)
        self.sides = self.method.sides()
        self.optimizers = {side: self.method.optimizer(side) for side in self.sides}

    def steps(self, numbers: range) -> None:
        for step in numbers:
            torch.manual_seed(step)
            for module in self.sides.values():
                module.train()
            self.method.training_step(batch(seed=step), 0.5, self.update)

    def update(self, side: str, loss: Tensor) -> None:
        self.optimizers[side].zero_grad()
        loss.backward()
        self.optimizers[side].step()


def test_a_run_goes_on_exactly_from_a_checkpoint(tmp_path: Path) -> None:
    whole, again, path = Run(), Run(), tmp_path / "checkpoint"
    whole.steps(range(4))
    write_checkpoint(path, CheckpointHeader(step=4, plan={}), whole.sides, whole.optimizers)
    tensors = read_checkpoint(path)[1]
    held = {name: tensor for name, tensor in tensors.items() if ".pool." in name}
    assert len(held) == 4
    assert all(tensor.abs().sum() > 0 for tensor in held.values())
    restore(tensors, again.sides, again.optimizers)
    whole.steps(range(4, 7))
    again.steps(range(4, 7))
    for side, module in again.sides.items():
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, whole.sides[side].state_dict()[name]), (side, name)


def test_a_shared_step_is_refused() -> None:
    method = make(image_pool=3)
    with pytest.raises(UsageError, match=r"all 4 pairs .* got 2 of them: --set image_pool=0"):
        method.training_step(batch(place=(0, 4)), 0.5, lambda side, loss: None)
    make(image_pool=0).training_step(batch(place=(0, 4)), 0.5, lambda side, loss: None)


def test_a_pool_of_none_leaves_nothing_in_the_state() -> None:
    state = make(image_pool=0).discriminators.state_dict()
    assert not [name for name in state if "pool" in name]
