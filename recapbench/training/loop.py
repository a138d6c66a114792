"""Training on accelerate: steps of two sides, a log, validation, checkpoints, exact resume."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor

from recapbench.data.examples import share, training_loader
from recapbench.data.manifest import Manifest
from recapbench.data.query import Batch
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError
from recapbench.methods.base import TrainableMethod
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench.processes import ALONE, Processes
from recapbench.provenance import sha256_json, storage_errors, versions, write_atomic, write_json
from recapbench.training.checkpoint import (
    CheckpointHeader,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from recapbench.training.contact import contact, training_device
from recapbench.training.folder import (
    CHECKPOINT,
    LOG,
    LOOKS,
    PLAN,
    WEIGHTS,
    Look,
    Report,
    TrainingPlan,
)
from recapbench.training.gradients import add_up
from recapbench.training.validation import Validation, is_due

T = TypeVar("T")
L = TypeVar("L", Report, Look)


class Trainer:
    """A training run in a folder.

    Args:
        method: a fresh trainable method.
        plan: what to do.
        split: training images.
        manifest: training pairs.
        out: folder of the run.
        num_workers: loader processes.
        checkpoint_every: steps between checkpoints.
        sample_every: steps between looks at the validation pairs; 0 for none.
        log_every: steps between lines of the log.
        device: where to train; the best there is if not given. Of several processes each has
            the device that the launch gives it.
        validation: pairs that are measured and drawn on sample sheets.
        processes: those that share every step; they see the same folder, the first one writes.
    """

    def __init__(
        self,
        method: TrainableMethod[Any],
        plan: TrainingPlan,
        split: Split,
        manifest: Manifest,
        out: Path,
        *,
        num_workers: int = 0,
        checkpoint_every: int = 200,
        sample_every: int = 500,
        log_every: int = 10,
        device: str | None = None,
        validation: Validation | None = None,
        processes: Processes = ALONE,
    ) -> None:
        least = processes.count * plan.passes
        if method.batch_size < least:
            raise UsageError(
                f"{processes.count} processes of {plan.passes} passes need a batch of at least "
                f"{least} pairs, got {method.batch_size}: --set batch_size=N"
            )
        self.device = training_device(device, processes)
        self.accelerator = Accelerator(cpu=self.device.type == "cpu", mixed_precision="no")
        self.processes = processes
        self.method, self.plan = method, plan
        self.split, self.manifest, self.out = split, manifest, out
        self.num_workers, self.validation = num_workers, validation
        self.checkpoint_every, self.sample_every = checkpoint_every, sample_every
        self.log_every = log_every
        self.step = 0
        method.to(self.device)
        self.sides = {
            side: module.to(memory_format=torch.channels_last)
            for side, module in method.sides().items()
        }
        self.optimizers = {side: method.optimizer(side) for side in self.sides}
        self._seconds = 0.0

    def start(self) -> None:
        """Begin in an empty folder.

        Raises:
            UsageError: if the folder holds a run already.
            DataError: if the processes have different plans.
            StorageError: if it cannot be written.
        """
        self._agree()
        self._once(self._begin)

    def _begin(self) -> None:
        if (self.out / PLAN).exists():
            raise UsageError(f"{self.out} holds a training run already: resume it, or name another")
        write_json(self.out / PLAN, self.plan.model_dump())
        write_atomic(self.out / LOG, b"")
        write_atomic(self.out / LOOKS, b"")

    def resume(self) -> None:
        """Go on from the folder's checkpoint, or from the start if it has none yet.

        Raises:
            DataError: if there is no run, or it follows another plan, or a file is damaged, or
                the processes have different plans or see different files.
        """
        self._agree()
        steps = self._together(self._restore)
        if len(set(steps)) > 1:
            raise _everywhere(
                f"the processes see different checkpoints in {self.out}, of steps "
                f"{', '.join(map(str, steps))}: they need one folder"
            )
        self._seconds = self._once(self._trim_logs)

    def _restore(self) -> int:
        path = self.out / PLAN
        if not path.is_file():
            raise DataError(f"no training run to resume in {self.out}: it has no {PLAN}")
        stored = TrainingPlan.model_validate_json(path.read_text())
        if wrong := stored.differences(self.plan):
            raise DataError(f"the run in {self.out} follows another plan: {'; '.join(wrong)}")
        self.plan = stored  # with the command that it was started by
        if (self.out / CHECKPOINT).exists():
            header, tensors = read_checkpoint(self.out / CHECKPOINT)
            restore(tensors, self.sides, self.optimizers)
            self.step = header.step
        return self.step

    def _agree(self) -> None:
        """Make sure that all processes have one plan, the same data in it."""
        first, *others = self._together(lambda: self.plan)
        for rank, plan in enumerate(others, 1):
            if wrong := first.differences(plan, "in process 0", f"in process {rank}"):
                raise _everywhere(f"the processes have different plans: {'; '.join(wrong)}")

    def _together(self, call: Callable[[], T]) -> list[T]:
        with contact(self.processes):
            return self.processes.together(call)

    def _once(self, call: Callable[[], T]) -> T:
        with contact(self.processes):
            return self.processes.once(call)

    def run(self, report: Callable[[Report | Look], None] | None = None) -> Path:
        """Train to the last step, writing a checkpoint and the weights every so often.

        Returns:
            The file of weights.
        """
        batches = self._batches()
        seen: dict[str, list[Tensor]] = {}
        before, began, began_at = self._seconds, time.monotonic(), self.step
        while self.step < self.plan.steps:
            losses = self._train_step(next(batches))
            self.step += 1
            for name, value in losses.items():
                seen.setdefault(name, []).append(value)
            if self.step % self.log_every == 0 or self.step == self.plan.steps:
                means = self._means(seen)
                self._seconds = before + time.monotonic() - began
                self._log(Report(step=self.step, seconds=self._seconds, losses=means), report)
                seen = {}
            if is_due(self.step, self.sample_every, self.plan.steps):
                self._look(report)
            if self.step % self.checkpoint_every == 0 or self.step == self.plan.steps:
                self._seconds = before + time.monotonic() - began
                self._save()
        if self.step == began_at and not (self.out / WEIGHTS).exists():
            self._once(self._export)
        return self.out / WEIGHTS

    def _batches(self) -> Iterator[Batch]:
        yield from training_loader(
            self.split,
            self.manifest,
            self.method.batch_size,
            self.plan.seed,
            self.step,
            self.num_workers,
            rank=self.processes.rank,
            world_size=self.processes.count,
        )

    def _parts(self, batch: Batch) -> Iterator[Batch]:
        """Our pairs of a step, a pass at a time, each with its place among all of the step."""
        total = self.method.batch_size
        first = share(total, self.processes.rank, self.processes.count).start
        for index in range(self.plan.passes):
            rows = share(len(batch), index, self.plan.passes)
            yield batch.part(rows, first + rows.start, total)

    def _train_step(self, batch: Batch) -> dict[str, Tensor]:
        progress = self.step / self.plan.steps
        factor = self.method.learning_rate(progress)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor
        for module in self.sides.values():
            module.train()
        kind = self.device.type
        losses: dict[str, Tensor] = {}
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        for part in self._parts(batch):
            torch.manual_seed(_step_seed(self.plan.seed, self.step))
            weight = len(part) / self.method.batch_size
            with torch.autocast(kind, torch.bfloat16, enabled=self.plan.precision == "bf16"):
                found = self.method.training_step(
                    part.to(self.device), progress, partial(self._update, weight)
                )
            for name, value in found.items():
                losses[name] = losses.get(name, torch.zeros_like(value)) + weight * value
        if self.plan.passes > 1:
            for side, optimizer in self.optimizers.items():
                if any(p.grad is not None for p in self.sides[side].parameters()):
                    self._move(side, optimizer)
        return losses

    def _update(self, weight: float, side: str, loss: Tensor) -> None:
        """Back-propagate a part's share of the step's loss; with a single pass, move the side."""
        optimizer = self.optimizers[side]
        if self.plan.passes == 1:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, enabled=False):
            self.accelerator.backward(weight * loss)
            if self.plan.passes == 1:
                self._move(side, optimizer)

    def _move(self, side: str, optimizer: torch.optim.Optimizer) -> None:
        add_up(self.sides[side], self.processes)
        optimizer.step()

    def _means(self, seen: dict[str, list[Tensor]]) -> dict[str, float]:
        """Each loss averaged over the steps since the last line, and summed over processes."""
        ours = {
            name: float(torch.stack([v.float() for v in values]).mean())
            for name, values in seen.items()
        }
        everybody = self._together(lambda: ours)
        return {name: sum(part[name] for part in everybody) for name in ours}

    def _log(self, line: Report, report: Callable[[Report | Look], None] | None) -> None:
        self._once(partial(self._append, LOG, line))
        if report is not None:
            report(line)

    def _append(self, name: str, line: Report | Look) -> None:
        with storage_errors(self.out / name), (self.out / name).open("a") as file:
            file.write(line.model_dump_json() + "\n")

    def _trim_logs(self) -> float:
        """Drop lines after the checkpoint; returns the seconds trained up to it."""
        self._trim(LOOKS, Look)
        lines = self._trim(LOG, Report)
        return lines[-1].seconds if lines else 0.0

    def _trim(self, name: str, kind: type[L]) -> list[L]:
        """The lines of a log up to the checkpoint, which are all that it keeps."""
        path = self.out / name
        kept: list[L] = []
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                entry = kind.model_validate_json(line)
            except ValueError:
                break
            if entry.step > self.step:
                break
            kept.append(entry)
        write_atomic(path, "".join(entry.model_dump_json() + "\n" for entry in kept).encode())
        return kept

    def _save(self) -> None:
        self._once(self._write)

    def _write(self) -> None:
        header = CheckpointHeader(step=self.step, plan=self.plan.model_dump())
        write_checkpoint(self.out / CHECKPOINT, header, self.sides, self.optimizers)
        self._export()

    def _look(self, report: Callable[[Report | Look], None] | None) -> None:
        if self.validation is not None:
            self._once(partial(self._validate, self.validation, report))

    def _validate(
        self, validation: Validation, report: Callable[[Report | Look], None] | None
    ) -> None:
        with self._generating():
            l1, sheet = validation.look(self.method, self.device)
        write_atomic(self.out / "samples" / f"step-{self.step:07d}.png", sheet)
        line = Look(step=self.step, l1=l1)
        self._append(LOOKS, line)
        if report is not None:
            report(line)

    @contextmanager
    def _generating(self) -> Iterator[None]:
        """Evaluation mode for a while."""
        for module in self.sides.values():
            module.eval()
        try:
            yield
        finally:
            for module in self.sides.values():
                module.train()

    def _export(self) -> None:
        spec, plan = self.method.spec, self.plan
        training = plan.model_dump(exclude={"method", "dataset", "config"}) | {
            "steps_taken": self.step,
            "seconds": round(self._seconds, 1),
            "device": str(self.device),
            "processes": self.processes.count,
            "versions": versions(),
            **self.method.training_facts(),
        }
        header = WeightsHeader(
            method=plan.method,
            dataset=plan.dataset,
            height=spec.height,
            width=spec.width,
            parts=spec.parts,
            config=plan.config,
            training=training,
        )
        write_weights(self.out / WEIGHTS, self.method.weights(), header)


def _everywhere(message: str) -> DataError:
    """An error that every process raises, and the first one tells."""
    error = DataError(message)
    error.everywhere = True
    return error


def _step_seed(seed: int, step: int) -> int:
    """Seed of one step's draws: a resumed run draws what an uninterrupted one would have drawn."""
    return int(sha256_json([seed, step])[:15], 16)
