"""`recapbench data`: list, prepare and verify datasets."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from recapbench.cli.console import print_json, print_plain, print_rows, progress
from recapbench.cli.names import datasets
from recapbench.cli.options import Json, Preset

data_app = typer.Typer(help="Datasets: list, prepare, verify.", no_args_is_help=True)


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the datasets."""
    print_rows(datasets(), as_json)


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
    with progress() as report:
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
        print_json(row)
    else:
        for key, value in row.items():
            print_plain(f"{key:18}{value}")
