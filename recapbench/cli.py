"""The command line: verbs that parse, call and print. The only module that prints.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done,
1 failed, 2 usage, 3 bad data, 4 partial, 130 interrupted.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from recapbench.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, RecapbenchError, UsageError

if TYPE_CHECKING:
    from recapbench.training.loop import Report

app = typer.Typer(
    help="Benchmark of pose-guided person image generation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Datasets: list, prepare, verify.", no_args_is_help=True)
app.add_typer(data_app, name="data")

messages = Console(stderr=True)

MethodName = Annotated[str, typer.Option("--method", help="Name of a method.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="Name of a dataset.")]
Preset = Annotated[str | None, typer.Option(help="Size of a built-in set: tiny, small, full.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...; CUDA if there is one.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method; may be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        _print_plain(f"recapbench {version('recapbench')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Benchmark of pose-guided person image generation."""


@app.command()
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
    as_json: Json = False,
) -> None:
    """Generate the images of a manifest, save them, score them."""
    from recapbench.run import GRID, RESULT, RunRequest
    from recapbench.run import run as execute
    from recapbench.summary import missing, result_table

    if target_parsing not in ("predicted", "ground_truth"):
        raise UsageError(
            f"--target-parsing: expected predicted or ground_truth, got {target_parsing!r}"
        )
    if resume and out is None:
        raise UsageError("--resume needs --out, the folder of the run to finish")
    folder = out or _fresh_folder(f"{method}-{dataset}")
    request = RunRequest(
        method=method,
        dataset=dataset,
        out=folder,
        split=split,
        preset=preset,
        manifest=manifest,
        limit=limit,
        weights=weights,
        overrides=_overrides(settings),
        target_parsing="ground_truth" if target_parsing == "ground_truth" else "predicted",
        device=device,
        batch_size=batch_size,
        num_workers=num_workers,
        seed=seed,
        resume=resume,
    )
    try:
        with _progress() as report:
            result = execute(request, report)
    except KeyboardInterrupt:
        messages.print(f"interrupted; finish it with --resume --out {folder}", soft_wrap=True)
        raise
    if as_json:
        _print_json(result.document())
        return
    _print_table(result_table(result))
    for line in missing(result):
        messages.print(line, soft_wrap=True, highlight=False)
    messages.print(f"result  {folder / RESULT}\ngrid    {folder / GRID}", soft_wrap=True)


@app.command()
def train(
    method: MethodName,
    dataset: DatasetName,
    out: Annotated[Path, typer.Option(help="Folder of the training run.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps to take.")] = 100_000,
    preset: Preset = None,
    settings: Settings = None,
    init: Annotated[Path | None, typer.Option(help="Weights to start from.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and draws.")] = 0,
    precision: Annotated[str, typer.Option(help="auto, bf16 or fp32.")] = "auto",
    device: Device = None,
    num_workers: Annotated[int, typer.Option(min=0, help="Processes that read the data.")] = 0,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 200,
    sample_every: Annotated[int, typer.Option(min=0, help="Steps between sample sheets.")] = 500,
    log_every: Annotated[int, typer.Option(min=1, help="Steps between lines of the log.")] = 10,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    as_json: Json = False,
) -> None:
    """Train a method on a dataset's training split."""
    from recapbench.training.start import TrainingRequest, open_trainer

    if precision not in ("auto", "bf16", "fp32"):
        raise UsageError(f"--precision: expected auto, bf16 or fp32, got {precision!r}")
    request = TrainingRequest(
        method=method,
        dataset=dataset,
        out=out,
        steps=steps,
        preset=preset,
        overrides=_overrides(settings),
        seed=seed,
        precision=precision,
        device=device,
        num_workers=num_workers,
        checkpoint_every=checkpoint_every,
        sample_every=sample_every,
        log_every=log_every,
        resume=resume,
        init=init,
        command=_command(sys.argv[1:]),
    )
    try:
        with _progress() as report:
            trainer = open_trainer(request, report)
            weights = trainer.run(_training_report(report, steps))
    except KeyboardInterrupt:
        messages.print(f"interrupted; go on with --resume --out {out}", soft_wrap=True)
        raise
    if as_json:
        _print_json({"weights": str(weights), "plan": trainer.plan.model_dump()})
    else:
        _print_plain(str(weights))


@app.command("list")
def list_names(
    kind: Annotated[str, typer.Argument(help="methods, datasets, metrics or protocols.")],
    as_json: Json = False,
) -> None:
    """List what can be named on the command line."""
    from recapbench.errors import unknown

    listers: dict[str, Callable[[], list[dict[str, str]]]] = {
        "methods": _methods,
        "datasets": _datasets,
        "metrics": _metrics,
        "protocols": _protocols,
    }
    if kind not in listers:
        raise unknown("kind of name", kind, listers)
    _print_rows(listers[kind](), as_json)


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the datasets."""
    _print_rows(_datasets(), as_json)


@data_app.command("prepare")
def data_prepare(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    split: Annotated[str, typer.Option(help="Split of the dataset.")] = "test",
    preset: Preset = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores.")] = None,
    as_json: Json = False,
) -> None:
    """Make a split ready, and mend what is missing or damaged in the cache."""
    _open_and_report(dataset, split, preset, workers, as_json, verify=True)


@data_app.command("verify")
def data_verify(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    split: Annotated[str, typer.Option(help="Split of the dataset.")] = "test",
    preset: Preset = None,
    as_json: Json = False,
) -> None:
    """Read every file of a split and compare it with its index."""
    _open_and_report(dataset, split, preset, None, as_json, verify=False)


def _open_and_report(
    dataset: str, name: str, preset: str | None, workers: int | None, as_json: bool, verify: bool
) -> None:
    from recapbench.data.datasets import find_dataset

    began = time.monotonic()
    with _progress() as report:
        split = find_dataset(dataset).open(
            name, preset, lambda d, t: report("rendering persons", d, t), workers, verify=verify
        )
        split.verify(lambda d, t: report("reading files", d, t))
    seconds = time.monotonic() - began
    row = {
        "dataset": dataset,
        "split": name,
        "images": len(split),
        "digest": split.digest,
        "folder": str(split.root),
        "seconds": round(seconds, 1),
        "images_per_second": round(len(split) / seconds, 1),
    }
    if as_json:
        _print_json(row)
    else:
        for key, value in row.items():
            _print_plain(f"{key:18}{value}")


# What can be listed


def _methods() -> list[dict[str, str]]:
    from recapbench import registry

    return [
        {"name": name, "from": point.dist.name if point.dist else "", "object": point.value}
        for name, point in registry.available(registry.METHODS).items()
    ]


def _datasets() -> list[dict[str, str]]:
    from recapbench import registry
    from recapbench.data.datasets import find_dataset

    records = [find_dataset(name) for name in registry.available(registry.DATASETS)]
    return [
        {
            "name": record.name,
            "title": record.title,
            "splits": " ".join(record.splits),
            "presets": " ".join(record.presets),
            "licence": record.licence,
        }
        for record in records
    ]


def _metrics() -> list[dict[str, str]]:
    from recapbench.evaluation.metrics import list_metrics

    return [
        {
            "name": metric.name,
            "better": "higher" if metric.higher_is_better else "lower",
            "title": metric.title,
        }
        for metric in list_metrics()
    ]


def _protocols() -> list[dict[str, str]]:
    from recapbench.data.protocols import PROTOCOLS

    return [
        {"name": protocol.tag, "description": protocol.description}
        for protocol in PROTOCOLS.values()
    ]


# Parsing


def _overrides(settings: list[str] | None) -> dict[str, Any]:
    """``KEY=VALUE`` with values as in TOML; anything else is text."""
    found: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set: expected KEY=VALUE, got {setting!r}")
        try:
            found[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = None if text == "none" else text
    return found


_PATH_OPTIONS = ("--out", "--init")


def _command(arguments: list[str]) -> str:
    """The command line for the record, with the names of files and without their folders."""
    words = ["recapbench"]
    for before, word in zip(["", *arguments], arguments, strict=False):
        option, equals, value = word.partition("=")
        if before in _PATH_OPTIONS:
            word = Path(word).name
        elif equals and option in _PATH_OPTIONS:
            word = f"{option}={Path(value).name}"
        words.append(word)
    return shlex.join(words)


def _fresh_folder(name: str) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return Path("runs") / f"{name}-{stamp}"


# Printing


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per stage on standard error; where that is no terminal, a line per stage."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:44}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
                if not messages.is_terminal:
                    messages.print(f"{stage} ...", highlight=False)
            if bars.tasks and done == total and bars.tasks[tasks[stage]].finished:
                bars.reset(tasks[stage], total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def _training_report(
    report: Callable[[str, int, int], None], steps: int
) -> Callable[[Report], None]:
    def show(line: Report) -> None:
        losses = "  ".join(f"{name} {value:.3f}" for name, value in line.losses.items())
        report("training", line.step, steps)
        messages.print(f"step {line.step}  {losses}", highlight=False, soft_wrap=True)

    return show


def _print_plain(text: str) -> None:
    typer.echo(text)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _print_rows(rows: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        _print_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    _print_table(table)


def _print_table(table: Table) -> None:
    """Whole, however narrow the terminal; a pipe gets the full width."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    console.print(table)


def main() -> None:
    """Entry point: runs the command line and turns errors into messages and exit codes."""
    sys.exit(_guarded(sys.argv[1:]))


def _guarded(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        returned = command.main(arguments, prog_name="recapbench", standalone_mode=False)
    except RecapbenchError as error:
        messages.print(f"error: {error}", highlight=False, soft_wrap=True, markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        # Some releases of typer use click, others carry a copy of it: the errors of both are
        # alike and share no class.
        if type(error).__name__ == "Abort":
            return EXIT_INTERRUPTED
        show = getattr(error, "show", None)
        if show is None:
            raise
        show(file=sys.stderr)
        return EXIT_USAGE
    return returned if isinstance(returned, int) else EXIT_DONE
