"""A method under training for a few steps: what it moves, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from recapbench.data.query import Batch
from recapbench.methods.base import TrainableMethod
from recapbench.methods.contract import called
from recapbench.provenance import seed_everything
from recapbench.registry import PluginError, plugin_errors
from recapbench.training.checkpoint import (
    CheckpointHeader,
    read_checkpoint,
    restore,
    write_checkpoint,
)

Sums = dict[str, dict[str, tuple[float, float]]]
"""Fingerprints of tensors by side and name: a tensor that changes has other ones."""


class Trained:
    """A trainable method with its sides and their optimisers.

    Args:
        method: on its device, as a training begins with it.

    Raises:
        PluginError: if its sides or optimisers are not what they must be.
    """

    def __init__(self, method: TrainableMethod[Any]) -> None:
        self.method = method
        self.who = called(type(method))
        with plugin_errors(
            f"{self.who} failed to give its sides and optimisers", passing=(PluginError,)
        ):
            self.sides = method.sides()
            self._expect(
                isinstance(self.sides, dict)
                and all(isinstance(module, nn.Module) for module in self.sides.values()),
                "sides as a dict of modules",
                self.sides,
            )
            self.optimizers = {side: method.optimizer(side) for side in self.sides}
        for side, optimizer in self.optimizers.items():
            right = isinstance(optimizer, torch.optim.Optimizer)
            self._expect(right, f"an optimiser of {side}", optimizer)

    def step(self, batch: Batch, progress: float, seed: int) -> dict[str, float]:
        """One step of training, as `recapbench train` takes it.

        Returns:
            The losses by name.

        Raises:
            PluginError: if it fails, or its losses are not finite scalars.
        """
        for module in self.sides.values():
            module.train()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        seed_everything(seed)
        with plugin_errors(
            f"{self.who} failed to train at progress {progress:g}", passing=(PluginError,)
        ):
            losses = self.method.training_step(batch, progress, self._update)
        self._expect(isinstance(losses, dict), "losses as a dict", losses)
        for name, loss in losses.items():
            self._expect_scalar(f"loss {name!r}", loss)
            self._expect(not loss.requires_grad, f"loss {name!r} detached", "one with a gradient")
        return {name: float(loss) for name, loss in losses.items()}

    def _update(self, side: str, loss: Tensor) -> None:
        self._expect(side in self.optimizers, f"a side among {', '.join(self.sides)}", side)
        self._expect_scalar(f"loss of {side}", loss)
        self._expect(loss.requires_grad, f"a loss of {side} with a gradient", "one without")
        self.optimizers[side].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[side].step()

    def _expect_scalar(self, what: str, loss: Any) -> None:
        scalar = isinstance(loss, Tensor) and loss.ndim == 0
        self._expect(scalar, f"{what} as a tensor without dimensions", loss)
        self._expect(bool(torch.isfinite(loss)), f"a finite {what}", float(loss.detach()))

    def _expect(self, right: bool, expected: str, got: Any) -> None:
        if not right:
            shown = tuple(got.shape) if isinstance(got, Tensor) else got
            raise PluginError(f"{self.who} in training: expected {expected}, got {shown!r:.100}")

    def evaluating(self) -> TrainableMethod[Any]:
        """The method, set to generate."""
        for module in self.sides.values():
            module.eval()
        return self.method

    def parameters(self) -> Sums:
        """Fingerprints of every side's parameters."""
        return {side: _all_sums(m.named_parameters()) for side, m in self.sides.items()}

    def state(self) -> Sums:
        """Fingerprints of everything in every side's state."""
        return {side: _all_sums(m.state_dict().items()) for side, m in self.sides.items()}

    def moved(self, before: Sums) -> dict[str, set[str]]:
        """Which parameters of each side have moved since."""
        return {
            side: {name for name in now if now[name] != before[side][name]}
            for side, now in self.parameters().items()
        }

    def checkpoint(self) -> dict[str, Tensor]:
        """What a training writes so as to go on from here, having been through a file."""
        with TemporaryDirectory(prefix="recapbench-check-") as folder:
            path = Path(folder) / "checkpoint.safetensors"
            header = CheckpointHeader(step=1, plan={})
            with plugin_errors(f"{self.who} failed to give a checkpoint"):
                write_checkpoint(path, header, self.sides, self.optimizers)
            return read_checkpoint(path)[1]

    def restore(self, checkpoint: dict[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        with plugin_errors(f"{self.who} failed to take up a checkpoint"):
            restore(checkpoint, self.sides, self.optimizers)


@dataclass(frozen=True)
class Course:
    """A short training, and what another one needs to take the same course.

    Attributes:
        run: after its last step.
        checkpoint: as it was before that.
        losses: of the last step.
        state: fingerprints after it.
    """

    run: Trained
    checkpoint: dict[str, Tensor]
    losses: dict[str, float]
    state: Sums


def _all_sums(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, tuple[float, float]]:
    return {name: _sums(tensor) for name, tensor in tensors}


def _sums(tensor: Tensor) -> tuple[float, float]:
    """Two sums by which a change of a tensor shows."""
    values = tensor.detach().double().flatten()
    weights = torch.linspace(1, 2, len(values), dtype=torch.float64, device=values.device)
    return float(values.sum()), float((values * weights).sum())
