"""Gradients of a step that several processes and passes share."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from recapbench.processes import Processes
from recapbench.training.contact import contact

_BUCKET = 1 << 24
"""Elements that travel at once."""


def add_up(module: nn.Module, processes: Processes) -> None:
    """Put the sum over all processes in place of each one's gradients, in every process.

    Every process must have gradients of the same parameters.

    Raises:
        RecapbenchError: if another process has gone.
    """
    if processes.count == 1:
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.flatten() for gradient in bucket])
        with contact(processes):
            torch.distributed.all_reduce(flat)
        for gradient, total in zip(bucket, flat.split([g.numel() for g in bucket]), strict=True):
            gradient.copy_(total.view_as(gradient))


def _buckets(gradients: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        bucket.append(gradient)
        size += gradient.numel()
        if size >= _BUCKET:
            yield bucket
            bucket, size = [], 0
    if bucket:
        yield bucket
