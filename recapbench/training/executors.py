"""Where the jobs of a sweep run: here one after another, on this machine, or on a SLURM cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from recapbench.errors import RecapbenchError, UsageError
from recapbench.provenance import storage_errors
from recapbench.training.sweep import SweepJob

ExecutorName = Literal["here", "local", "slurm"]
EXECUTORS: Final[tuple[str, ...]] = get_args(ExecutorName)

LOGS: Final = "jobs"
"""Folder of the jobs' logs, in the sweep's folder; in it one for every time that it is started."""

_TIMES: Final = 100
"""How often a job whose time is up may go on."""

_PAUSE = 1.0
"""Seconds between two looks at the jobs of this machine."""


@dataclass(frozen=True)
class Resources:
    """What one job of a sweep is given.

    Attributes:
        partition: of the cluster.
        gpus: how many; 0 trains on the CPU.
        cpus: how many cores on a cluster; its own choice if not given.
        hours: after which the job is ended; it is put in the queue again and goes on.
        at_once: how many jobs may run at the same time; if not given, one on this machine, all
            on a cluster.
    """

    partition: str | None = None
    gpus: int = 0
    cpus: int | None = None
    hours: float = 24.0
    at_once: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        job: which.
        weights: the file it made; None if it failed.
        error: why it failed.
        log: where its messages are.
    """

    job: SweepJob
    weights: Path | None
    error: str | None
    log: Path


Report = Callable[[Outcome], None]


def run_sweep(
    jobs: Sequence[SweepJob],
    out: Path,
    executor: ExecutorName,
    resources: Resources,
    report: Report,
) -> list[Outcome]:
    """Run all jobs to their end, in the order given; one that fails stops no other.

    An interruption ends the jobs of this machine, and leaves those of a cluster in its queue.

    Args:
        jobs: what to run.
        out: the sweep's folder.
        executor: "here" one after another, "local" through submitit on this machine, "slurm"
            through submitit on a cluster.
        resources: what each is given; "here" takes no notice of them.
        report: told of each job as it ends.

    Raises:
        UsageError: if submitit is needed and not installed, or there is no cluster.
        StorageError: if the folder cannot be written.
    """
    logs = out.absolute() / LOGS / time.strftime("%Y%m%d-%H%M%S")
    with storage_errors(logs):
        logs.mkdir(parents=True, exist_ok=True)
    if executor == "here":
        ended = _here(jobs, logs)
    elif executor == "local":
        ended = _local(jobs, _submitter("local", logs, resources), resources.at_once or 1)
    else:
        ended = _slurm(jobs, _submitter("slurm", logs, resources))
    outcomes = []
    for outcome in ended:
        report(outcome)
        outcomes.append(outcome)
    order = {job.name: place for place, job in enumerate(jobs)}
    return sorted(outcomes, key=lambda outcome: order[outcome.job.name])


def _here(jobs: Sequence[SweepJob], logs: Path) -> Iterator[Outcome]:
    for job in jobs:
        path = logs / f"{job.name}.log"
        with path.open("a") as log:
            try:
                yield Outcome(job, Path(job(log)), None, path)
            except (RecapbenchError, OSError) as error:
                yield Outcome(job, None, str(error), path)


def _submitter(cluster: str, logs: Path, resources: Resources) -> Any:
    """An executor of submitit with a job's resources."""
    try:
        import submitit
    except ModuleNotFoundError:
        raise UsageError(
            f"--executor {cluster} needs submitit: pip install 'recapbench[slurm]', or take "
            f"--executor here"
        ) from None
    try:
        executor = submitit.AutoExecutor(
            folder=logs, cluster=cluster, **{f"{cluster}_max_num_timeout": _TIMES}
        )
    except RuntimeError as error:
        raise UsageError(f"--executor {cluster} cannot be used here: {error}") from None
    executor.update_parameters(
        name="recapbench",
        timeout_min=max(1, round(resources.hours * 60)),
        gpus_per_node=resources.gpus or None,
        cpus_per_task=resources.cpus,
        slurm_partition=resources.partition,
        slurm_array_parallelism=resources.at_once,
    )
    return executor


def _local(jobs: Sequence[SweepJob], executor: Any, at_once: int) -> Iterator[Outcome]:
    """Processes of this machine, so many at once; they end with this one."""
    waiting = list(jobs)
    running: list[tuple[SweepJob, Any]] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append((waiting[0], executor.submit(waiting.pop(0))))
            for pair in [pair for pair in running if pair[1].done()]:
                running.remove(pair)
                yield _outcome(*pair)
            time.sleep(_PAUSE if running else 0)
    finally:
        for _, submitted in running:
            submitted.cancel()


def _slurm(jobs: Sequence[SweepJob], executor: Any) -> Iterator[Outcome]:
    """One array of jobs, as they end."""
    from submitit.helpers import as_completed

    with executor.batch():
        submitted = [executor.submit(job) for job in jobs]
    by_id = {each.job_id: job for job, each in zip(jobs, submitted, strict=True)}
    for each in as_completed(submitted):
        yield _outcome(by_id[each.job_id], each)


def _outcome(job: SweepJob, submitted: Any) -> Outcome:
    error, log = submitted.exception(), Path(submitted.paths.stderr)
    if error is None:
        return Outcome(job, Path(submitted.result()), None, log)
    said = [line for line in str(error).splitlines() if "Error: " in line] or [str(error)]
    return Outcome(job, None, said[-1].partition("Error: ")[2] or said[-1], log)
