"""`recapbench run`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from recapbench.cli.compare import run_several
from recapbench.cli.console import messages, print_json, print_plain, print_table, progress
from recapbench.cli.options import (
    DatasetName,
    Device,
    Json,
    Metrics,
    MetricWeights,
    Preset,
    metric_names,
    overrides,
    weight_files,
)
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.processes import Processes
    from recapbench.request import RunRequest


def run(
    method: Annotated[str, typer.Option(help="Name of a method, or of several: a,b,c.")],
    dataset: DatasetName,
    split: Annotated[str, typer.Option(help="Split of the dataset.")] = "test",
    preset: Preset = None,
    manifest: Annotated[Path | None, typer.Option(help="Pairs to generate.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first pairs.")] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[METHOD=]FILE",
            help="Weights in place of those shipped; of several methods, METHOD=FILE for each.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[METHOD.]KEY=VALUE",
            help="A setting of the method, of several METHOD.KEY=VALUE; may be repeated.",
        ),
    ] = None,
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
    stall: Annotated[
        float | None,
        typer.Option(
            min=1, help="Of several methods: end one that has stood still for so many seconds; 600."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Generate the images of a manifest, save them, score them; several methods side by side."""
    from recapbench.processes import open_processes
    from recapbench.request import RunRequest

    if target_parsing not in ("predicted", "ground_truth"):
        raise UsageError(
            f"--target-parsing: expected predicted or ground_truth, got {target_parsing!r}"
        )
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to finish")
    names = method_names(method)
    files = weights_of(weights or [], names)
    of_method = settings_of(settings or [], names)
    request = RunRequest(
        method=names[0],
        dataset=dataset,
        out=out or Path(),
        split=split,
        preset=preset,
        manifest=manifest,
        limit=limit,
        weights=files.get(names[0]),
        overrides=overrides(of_method[names[0]]),
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
    if len(names) > 1:
        folder = out or fresh_folder(f"comparison-{dataset}")
        requests = [
            replace(
                request,
                method=name,
                out=folder / name,
                weights=files.get(name),
                overrides=overrides(of_method[name]),
            )
            for name in names
        ]
        run_several(requests, folder, stall, as_json)
    if stall is not None:
        raise UsageError("--stall is for several methods: a single one is not watched")
    processes = open_processes()
    folder = out or processes.once(lambda: fresh_folder(f"{names[0]}-{dataset}"))
    run_one(replace(request, out=folder), processes, as_json)


def run_one(request: RunRequest, processes: Processes, as_json: bool) -> NoReturn:
    """Run a single method, in this process or shared by several, and print its result."""
    from recapbench.request import GRID, RESULT
    from recapbench.run import run as execute
    from recapbench.summary import by_size, exit_code, missing, result_table

    try:
        with progress() as report:
            result = execute(request, report, processes)
    except KeyboardInterrupt:
        messages.print(f"interrupted; finish it with --resume --out {request.out}", soft_wrap=True)
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
            messages.print(line, soft_wrap=True)
        folder = request.out
        messages.print(f"result  {folder / RESULT}\ngrid    {folder / GRID}", soft_wrap=True)
    raise typer.Exit(exit_code(result))


def fresh_folder(name: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{name}-{stamp}"


def method_names(text: str) -> list[str]:
    """Names between commas."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UsageError(f"--method: expected names between commas, got {text!r}")
    return names


def weights_of(values: Sequence[str], methods: Sequence[str]) -> dict[str, Path]:
    """Files of weights by method: ``METHOD=FILE``, or, for a single method, ``FILE``."""
    found: dict[str, Path] = {}
    for value in values:
        method, equals, file = value.partition("=")
        if not equals or method not in methods:
            if len(methods) > 1:
                raise UsageError(
                    f"--weights: expected METHOD=FILE with one of {', '.join(methods)}, "
                    f"got {value!r}"
                )
            method, file = methods[0], value
        if method in found or not file:
            raise UsageError(f"--weights: expected one file for {method}, got {value!r}")
        found[method] = Path(file)
    return found


def settings_of(values: Sequence[str], methods: Sequence[str]) -> dict[str, list[str]]:
    """Settings by method: ``METHOD.KEY=VALUE``, or, for a single method, ``KEY=VALUE``."""
    found: dict[str, list[str]] = {method: [] for method in methods}
    for value in values:
        method = next((name for name in methods if value.startswith(f"{name}.")), None)
        if method is not None:
            found[method].append(value.removeprefix(f"{method}."))
        elif len(methods) == 1:
            found[methods[0]].append(value)
        else:
            raise UsageError(
                f"--set: expected METHOD.KEY=VALUE with one of {', '.join(methods)}, got {value!r}"
            )
    return found
