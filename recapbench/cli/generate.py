"""`recapbench run`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_table, progress
from recapbench.cli.options import (
    DatasetName,
    Device,
    Json,
    MethodName,
    Metrics,
    MetricWeights,
    Preset,
    Settings,
    metric_names,
    overrides,
    weight_files,
)
from recapbench.errors import UsageError


def run(
    method: MethodName,
    dataset: DatasetName,
    split: Annotated[str, typer.Option(help="Split of the dataset.")] = "test",
    preset: Preset = None,
    manifest: Annotated[Path | None, typer.Option(help="Pairs to generate.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pairs.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of those shipped.")] = None,
    settings: Settings = None,
    target_parsing: Annotated[
        str, typer.Option(help="Layout of the target: predicted or ground_truth.")
    ] = "predicted",
    device: Device = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Pairs generated at once.")] = 4,
    num_workers: Annotated[int, typer.Option(min=0, help="Processes that read the data.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="For methods that draw.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for images, grid and result.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what is there already.")] = False,
    metrics: Metrics = None,
    metric_weights: MetricWeights = None,
    train_images: Annotated[
        bool, typer.Option("--train-images", help="Compare with the train images too (FID).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Generate the images of a manifest, save them, score them."""
    from recapbench.processes import open_processes
    from recapbench.run import GRID, RESULT, RunRequest
    from recapbench.run import run as execute
    from recapbench.summary import by_size, exit_code, missing, result_table

    if target_parsing not in ("predicted", "ground_truth"):
        raise UsageError(
            f"--target-parsing: expected predicted or ground_truth, got {target_parsing!r}"
        )
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to finish")
    processes = open_processes()
    folder = out or processes.once(lambda: fresh_folder(f"{method}-{dataset}"))
    request = RunRequest(
        method=method,
        dataset=dataset,
        out=folder,
        split=split,
        preset=preset,
        manifest=manifest,
        limit=limit,
        weights=weights,
        overrides=overrides(settings),
        target_parsing="ground_truth" if target_parsing == "ground_truth" else "predicted",
        device=device,
        batch_size=batch_size,
        num_workers=num_workers,
        seed=seed,
        resume=resume,
        metrics=metric_names(metrics),
        metric_weights=weight_files(metric_weights),
        train_images=train_images,
    )
    try:
        with progress() as report:
            result = execute(request, report, processes)
    except KeyboardInterrupt:
        messages.print(f"interrupted; finish it with --resume --out {folder}", soft_wrap=True)
        raise
    if not processes.first:
        raise typer.Exit(exit_code(result))
    if as_json:
        print_json(result.document())
    else:
        print_table(result_table(result))
        for line in by_size(result):
            print_plain(line)
        for line in missing(result):
            messages.print(line, soft_wrap=True, highlight=False)
        messages.print(f"result  {folder / RESULT}\ngrid    {folder / GRID}", soft_wrap=True)
    raise typer.Exit(exit_code(result))


def fresh_folder(name: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{name}-{stamp}"
