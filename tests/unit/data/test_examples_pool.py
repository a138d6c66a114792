"""Memory of tensors is used again only when nobody can see it any more."""

from __future__ import annotations

import gc
import pickle
import threading
from collections.abc import Callable

import numpy as np
import pytest
import torch

from recapbench.data.pool import TensorPool

SHAPE = (2, 3, 4)
Keeper = Callable[[torch.Tensor], object]

KEEPERS: dict[str, Keeper] = {
    "the tensor": lambda tensor: tensor,
    "a slice": lambda tensor: tensor[1:, 2],
    "a reshape": lambda tensor: tensor.flatten(),
    "an array": lambda tensor: tensor.numpy()[0],
    "a detached one": lambda tensor: tensor.detach(),
    "its storage": lambda tensor: tensor.untyped_storage(),
}


def test_memory_comes_back_as_zeros() -> None:
    pool = TensorPool()
    tensor, memory = pool.zeros(SHAPE)
    assert tensor.dtype == torch.float32
    memory[1, 2, 3] = 5.0
    assert tensor[1, 2, 3] == 5.0
    place = tensor.data_ptr()
    tensor.add_(1.0)
    del tensor, memory
    again, _ = pool.zeros(SHAPE)
    assert again.data_ptr() == place
    assert not again.any()


@pytest.mark.parametrize("kept", KEEPERS)
def test_memory_in_sight_is_left_alone(kept: str) -> None:
    pool = TensorPool()
    tensor, memory = pool.zeros(SHAPE)
    memory[:] = 7.0
    place = tensor.data_ptr()
    view = KEEPERS[kept](tensor)
    del tensor, memory
    gc.collect()
    other, _ = pool.zeros(SHAPE)
    assert other.data_ptr() != place
    values = view if isinstance(view, (torch.Tensor, np.ndarray)) else torch.tensor([7.0])
    assert (torch.as_tensor(values) == 7.0).all()
    del view, values
    gc.collect()
    again, _ = pool.zeros(SHAPE)
    assert again.data_ptr() == place


def test_a_gradient_keeps_it() -> None:
    pool = TensorPool()
    tensor, memory = pool.zeros(SHAPE)
    memory[:] = 3.0
    weight = torch.ones(SHAPE, requires_grad=True)
    loss = (weight * tensor).sum()
    del tensor, memory
    other, _ = pool.zeros(SHAPE)
    loss.backward()
    assert weight.grad is not None
    assert (weight.grad == 3.0).all()
    assert not other.any()


def test_other_shapes_and_copies() -> None:
    pool = TensorPool(spare=2)
    tensors = [pool.zeros((size,))[0] for size in (1, 2, 3, 4)]
    copy = pickle.loads(pickle.dumps(tensors[0]))
    del tensors
    assert len(pool._spare) == 2
    assert pool.zeros((1,))[0].shape == copy.shape == (1,)


def test_many_threads() -> None:
    pool = TensorPool()
    wrong: list[int] = []

    def work(number: int) -> None:
        for turn in range(300):
            tensor, memory = pool.zeros((64, 1 + turn % 3))
            if tensor.any():
                wrong.append(turn)
            memory[:] = number
            if not (tensor == number).all():
                wrong.append(turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
