"""`recapbench train`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import messages, print_json, print_plain, progress
from recapbench.cli.options import (
    Config,
    DatasetName,
    Device,
    Json,
    MethodName,
    Preset,
    Settings,
    command_line,
    overrides,
)
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.training.folder import Look, Report


def train(
    method: MethodName,
    dataset: DatasetName,
    out: Annotated[Path, typer.Option(help="Folder of the training run.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps to take.")] = 100_000,
    preset: Preset = None,
    config: Config = None,
    settings: Settings = None,
    init: Annotated[Path | None, typer.Option(help="Weights to start from.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and draws.")] = 0,
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = "auto",
    passes: Annotated[
        int, typer.Option(min=1, help="Passes over a process's pairs of a step, to save memory.")
    ] = 1,
    device: Device = None,
    num_workers: Annotated[int, typer.Option(min=0, help="Processes that read the data.")] = 0,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 200,
    sample_every: Annotated[
        int, typer.Option(min=0, help="Steps between looks at test pairs; 0: none.")
    ] = 500,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between lines of the log.")] = 10,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    as_json: Json = False,
) -> None:
    """Train a method on a dataset's training split."""
    from recapbench.processes import open_processes
    from recapbench.training.start import TrainingRequest, open_trainer

    if precision not in ("auto", "bf16", "fp32"):
        raise UsageError(f"--precision: expected auto, bf16 or fp32, got {precision!r}")
    request = TrainingRequest(
        method=method,
        dataset=dataset,
        out=out,
        steps=steps,
        preset=preset,
        overrides=overrides(settings),
        seed=seed,
        precision=precision,
        device=device,
        num_workers=num_workers,
        checkpoint_every=checkpoint_every,
        sample_every=sample_every,
        log_every=log_every,
        resume=resume,
        init=init,
        passes=passes,
        config=config,
        command=command_line(sys.argv[1:]),
    )
    processes = open_processes()
    try:
        with progress() as report:
            trainer = open_trainer(request, report, processes)
            weights = trainer.run(_training_report(report, steps) if processes.first else None)
    except KeyboardInterrupt:
        messages.print(f"interrupted; go on with --resume --out {out}", soft_wrap=True)
        raise
    if not processes.first:
        return
    if as_json:
        print_json({"weights": str(weights), "plan": trainer.plan.model_dump()})
    else:
        print_plain(str(weights))


def _training_report(
    report: Callable[[str, int, int], None], steps: int
) -> Callable[[Report | Look], None]:
    def show(line: Report | Look) -> None:
        text = "  ".join(f"{name} {value:.3f}" for name, value in line.figures.items())
        report("training", line.step, steps)
        messages.print(f"step {line.step}  {text}", soft_wrap=True)

    return show
