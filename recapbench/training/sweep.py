"""Sweeps: one training for each method, dataset and seed, as jobs that may be started again."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import IO, Any, Final

from recapbench.errors import RecapbenchError, UsageError
from recapbench.training.folder import PLAN, WEIGHTS

_PATIENCE: Final = 30
"""Seconds that a training is given to end by itself."""


@dataclass(frozen=True)
class SweepJob:
    """One training of a sweep; calling it again goes on from its checkpoint.

    Attributes:
        name: ``<dataset>-<method>-<seed>``.
        out: folder of the training run.
        command: what starts it in an empty folder.
    """

    name: str
    out: Path
    command: tuple[str, ...]

    def next_command(self) -> list[str]:
        """What starts the training, or goes on with it if the folder holds it already."""
        resume = ["--resume"] if (self.out / PLAN).exists() else []
        return [*self.command, *resume]

    def __call__(self, log: IO[str] | None = None) -> str:
        """Train to the last step.

        Args:
            log: where output and messages go; to those of this process if not given.

        Returns:
            The file of weights.

        Raises:
            RecapbenchError: if the training ends with another exit code than 0.
        """
        command = self.next_command()
        print(shlex.join(command), file=log or sys.stderr, flush=True)
        with _started(command, log) as process:
            code = process.wait()
        if code:
            raise RecapbenchError(f"{self.name}: training ended with exit code {code}")
        return str(self.out / WEIGHTS)

    def checkpoint(self, *_: object) -> Any:
        """What submitit puts in the queue again when the job's time is up, or it is preempted."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@contextmanager
def _started(command: Sequence[str], log: IO[str] | None) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a session of its own, which ends with this block.

    Of its own, as the queue's warning, a signal to the whole group, would end it before its job has
    put itself in the queue again.
    """
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()  # a launcher of several processes ends them in turn
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def sweep_jobs(
    methods: Sequence[str],
    datasets: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    overrides: dict[str, Any],
    config: str | None,
    options: Sequence[str],
    gpus: int = 0,
) -> list[SweepJob]:
    """The jobs of a sweep, datasets outermost, then seeds: early jobs are those to compare.

    Args:
        methods: names of trainable methods.
        datasets: names of datasets.
        seeds: a training for each.
        out: folder of all folders.
        overrides: settings of all methods.
        config: name of settings that every method has.
        options: words of `recapbench train` that say all but method, dataset, seed and folder.
        gpus: GPUs of a job; more than one are trained on by a process each.

    Raises:
        UsageError: for an unknown name or setting, or a name that is given twice.
        DataError: for a dataset that has not been prepared.
    """
    from recapbench.training.start import TrainingRequest, choose_method  # and so torch

    for kind, values in (("method", methods), ("dataset", datasets), ("seed", seeds)):
        if double := sorted({str(value) for value in values if list(values).count(value) > 1}):
            raise UsageError(f"{kind} {', '.join(double)} is named more than once")
    jobs = []
    for dataset, seed, method in product(datasets, seeds, methods):
        name = f"{dataset}-{method}-{seed}"
        folder = Path(os.path.abspath(out / name))
        choose_method(
            TrainingRequest(method, dataset, folder, steps=1, overrides=overrides, config=config)
        )
        named = ["--method", method, "--dataset", dataset, "--seed", str(seed)]
        words = ["train", *named, "--out", str(folder), *options]
        jobs.append(SweepJob(name, folder, (*launcher(gpus), "recapbench", *words)))
    return jobs


def launcher(gpus: int) -> tuple[str, ...]:
    """What starts a module on the GPUs of one machine."""
    if gpus < 2:
        return (sys.executable, "-m")
    launch = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}")
    return (sys.executable, *launch, "-m")
