"""`recapbench sweep`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_rows
from recapbench.cli.options import Config, Device, Json, Preset, Settings, overrides
from recapbench.errors import EXIT_DONE, EXIT_PARTIAL, UsageError

if TYPE_CHECKING:
    from recapbench.training.executors import Outcome
    from recapbench.training.sweep import SweepJob

TABLE4 = "table4"


def sweep(
    methods: Annotated[str, typer.Option(help="Methods by name, as a,b; table4 for its rows.")],
    dataset: Annotated[str, typer.Option(help="Datasets by name, as a,b.")],
    out: Annotated[Path, typer.Option(help="Folder of the trainings' folders.")],
    seeds: Annotated[str, typer.Option(help="Seeds, as 0,1: a training for each.")] = "0",
    executor: Annotated[
        str, typer.Option(help="here, one by one; local, by submitit; or slurm.")
    ] = "here",
    partition: Annotated[str | None, typer.Option(help="Partition of the cluster.")] = None,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of a job, a process each.")] = 0,
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of a job on a cluster.")] = None,
    hours: Annotated[
        float, typer.Option(min=0.1, help="Time of a job, which then queues again.")
    ] = 24.0,
    at_once: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time: one here, all on a cluster.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="As for train.")] = None,
    preset: Preset = None,
    config: Config = None,
    settings: Settings = None,
    init: Annotated[Path | None, typer.Option(help="As for train.")] = None,
    precision: Annotated[str | None, typer.Option(help="As for train.")] = None,
    passes: Annotated[int | None, typer.Option(min=1, help="As for train.")] = None,
    device: Device = None,
    num_workers: Annotated[int | None, typer.Option(min=0, help="As for train.")] = None,
    checkpoint_every: Annotated[int | None, typer.Option(min=1, help="As for train.")] = None,
    sample_every: Annotated[int | None, typer.Option(min=0, help="As for train.")] = None,
    log_every: Annotated[int | None, typer.Option(min=1, help="As for train.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands.")] = False,
    as_json: Json = False,
) -> None:
    """Train every method on every dataset with every seed, going on with what is there."""
    from recapbench.training.executors import Resources, run_sweep
    from recapbench.training.sweep import sweep_jobs

    handed_on = {
        "steps": steps,
        "preset": preset,
        "config": config,
        "init": None if init is None else init.absolute(),
        "precision": precision,
        "passes": passes,
        "device": device,
        "num-workers": num_workers,
        "checkpoint-every": checkpoint_every,
        "sample-every": sample_every,
        "log-every": log_every,
    }
    where = executor_name(executor)
    jobs = sweep_jobs(
        method_names(methods),
        names("--dataset", dataset),
        seed_numbers(seeds),
        out,
        overrides(settings),
        config,
        [*words(handed_on), *(f"--set={setting}" for setting in settings or [])],
        gpus,
    )
    if dry_run:
        print_commands(jobs, as_json)
        return
    resources = Resources(partition, gpus, cpus, hours, at_once)
    try:
        outcomes = run_sweep(jobs, out, where, resources, print_outcome)
    except KeyboardInterrupt:
        stay = "; what is in the cluster's queue stays there" if executor == "slurm" else ""
        messages.print(f"interrupted; the same command goes on{stay}", soft_wrap=True)
        raise
    if as_json:
        print_json([document(outcome) for outcome in outcomes])
    else:
        print_rows([row(outcome) for outcome in outcomes], False)
    raise typer.Exit(EXIT_PARTIAL if any(outcome.error for outcome in outcomes) else EXIT_DONE)


def names(option: str, text: str) -> list[str]:
    """Names between commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise UsageError(f"{option}: expected names between commas, got {text!r}")
    return found


def method_names(text: str) -> list[str]:
    """Names between commas, ``table4`` being those of the table's rows."""
    from recapbench.leaderboard.table4 import table4

    rows = [table_row.method for table_row in table4().rows]
    found: list[str] = []
    for name in names("--methods", text):
        found.extend(rows if name == TABLE4 else [name])
    return found


def seed_numbers(text: str) -> list[int]:
    """Numbers between commas."""
    found = names("--seeds", text)
    if not all(word.isdecimal() for word in found):
        raise UsageError(f"--seeds: expected numbers between commas, got {text!r}")
    return [int(word) for word in found]


def executor_name(text: str) -> Any:
    """One of the places where jobs run."""
    from recapbench.training.executors import EXECUTORS

    if text not in EXECUTORS:
        raise UsageError(f"--executor: expected {', '.join(EXECUTORS)}, got {text!r}")
    return text


def words(options: dict[str, Any]) -> list[str]:
    """The options that were given, for a command line."""
    return [f"--{name}={value}" for name, value in options.items() if value is not None]


def print_commands(jobs: list[SweepJob], as_json: bool) -> None:
    if as_json:
        print_json([{"name": job.name, "command": job.next_command()} for job in jobs])
    else:
        for job in jobs:
            print_plain(shlex.join(job.next_command()))


def print_outcome(outcome: Outcome) -> None:
    """A line for a job that has ended."""
    if outcome.error is None:
        text = f"{outcome.job.name}: {outcome.weights}"
    else:
        text = f"failed: {outcome.error}; see {outcome.log}"
    messages.print(text, soft_wrap=True)


def row(outcome: Outcome) -> dict[str, str]:
    """What the table says of a job."""
    return {"training": outcome.job.name, "weights": str(outcome.weights or "failed")}


def document(outcome: Outcome) -> dict[str, str | None]:
    """What the JSON document says of a job."""
    return {
        "name": outcome.job.name,
        "weights": None if outcome.weights is None else str(outcome.weights),
        "error": outcome.error,
        "log": str(outcome.log),
    }
