"""`recapbench data`: list, prepare and verify datasets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_rows, progress
from recapbench.cli.names import datasets
from recapbench.cli.options import Json, Preset
from recapbench.cli.show import data_show
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.data.datasets import DatasetRecord
    from recapbench.data.manifest import Manifest
    from recapbench.data.split import Split

data_app = typer.Typer(help="Datasets: list, prepare, verify.", no_args_is_help=True)

Report = Callable[[str, int, int], None]
SplitName = Annotated[str, typer.Option(help="Split of the dataset.")]


@data_app.command("list")
def data_list(as_json: Json = False) -> None:
    """List the datasets, and what is prepared of those that come from files."""
    from recapbench.data.datasets import find_dataset
    from recapbench.data.ingest.prepared import describe

    rows = []
    for row in datasets():
        record = find_dataset(row["name"])
        state = describe(record) or "no" if record.from_files else "on first use"
        rows.append({**row, "prepared": state})
    print_rows(rows, as_json)


@data_app.command("prepare")
def data_prepare(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    split: SplitName = "test",
    preset: Preset = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder of the downloaded images; nothing is written there.")
    ] = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(help="Joints: CSV, OpenPose or COCO JSON; else the field's CSV in the root."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="The split's images, one a line; else the keypoint file's.")
    ] = None,
    parsing: Annotated[Path | None, typer.Option(help="Folder of label maps.")] = None,
    parsing_labels: Annotated[
        str, typer.Option(help="What their values are: lip20 or market7.")
    ] = "lip20",
    protocol: Annotated[str | None, typer.Option(help="Makes the pairs.")] = None,
    geometry: Annotated[
        str | None, typer.Option(help="How pictures get their size; see docs/datasets.md.")
    ] = None,
    keypoints_frame: Annotated[
        str | None,
        typer.Option(help="Joints are pixels of the files (raw) or of what is made (prepared)."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes or threads; all cores.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a split ready: render a built-in one, or read your copy of DeepFashion or Market-1501.

    For a built-in set, what is missing or damaged in the cache is mended.
    """
    from recapbench.data.datasets import find_dataset

    record = find_dataset(dataset)
    options = {
        "--root": root,
        "--keypoints": keypoints,
        "--names": names,
        "--parsing": parsing,
        "--protocol": protocol,
        "--geometry": geometry,
        "--keypoints-frame": keypoints_frame,
    }
    if not record.from_files:
        given = [option for option, value in options.items() if value is not None]
        if given:
            raise UsageError(f"{', '.join(given)}: {dataset} is rendered, not read from files")
        _report(record, _opened(record, split, preset, workers, verify=True), as_json)
        return
    if root is None:
        raise UsageError(f"preparing {dataset} needs --root DIR, the folder of its images")
    if preset is not None:
        raise UsageError(f"--preset: {dataset} has none; --geometry chooses the size")

    def prepared(report: Report) -> Split:
        from recapbench.data.ingest.layout import find_keypoints
        from recapbench.data.ingest.prepare import prepare
        from recapbench.data.ingest.request import PrepareRequest

        request = PrepareRequest(
            record=record,
            root=root,
            keypoints=keypoints or find_keypoints(dataset, root, split),
            split=split,
            names=names,
            parsing=parsing,
            parsing_labels=parsing_labels,
            protocol=protocol,
            geometry=geometry,
            keypoints_frame=keypoints_frame,
        )
        return prepare(request, lambda d, t: report("reading files", d, t), workers)

    _report(record, prepared, as_json)


@data_app.command("verify")
def data_verify(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    split: SplitName = "test",
    preset: Preset = None,
    as_json: Json = False,
) -> None:
    """Read every file of a split and of its annotation cache, and compare them with their index.

    The annotation cache is built first if it is not there.
    """
    from recapbench.data.datasets import find_dataset

    record = find_dataset(dataset)
    opened = _opened(record, split, preset, None, verify=False)

    def verified(report: Report) -> Split:
        from recapbench.data.annotations import open_annotations

        found = opened(report)
        annotations = open_annotations(found, lambda d, t: report("caching annotations", d, t))
        annotations.verify(lambda d, t: report("reading annotations", d, t))
        return found

    _report(record, verified, as_json)


def _opened(
    record: DatasetRecord, split: str, preset: str | None, workers: int | None, verify: bool
) -> Callable[[Report], Split]:
    """Opens a split, rendered first if need be, and reads every file of it."""

    def make(report: Report) -> Split:
        found = record.open(
            split, preset, lambda d, t: report("rendering persons", d, t), workers, verify=verify
        )
        found.verify(lambda d, t: report("reading files", d, t))
        return found

    return make


def _report(
    record: DatasetRecord,
    make: Callable[[Report], Split],
    as_json: bool,
) -> None:
    """Make a split and print what it is."""
    began = time.monotonic()
    with progress() as report:
        split = make(report)
    seconds = time.monotonic() - began
    row: dict[str, Any] = {
        "dataset": record.name,
        "split": split.name,
        "images": len(split),
        "digest": split.digest,
        "folder": str(split.root),
        "seconds": round(seconds, 1),
        "images_per_second": round(len(split) / seconds, 1),
    }
    if record.from_files:
        row |= _pairs(split)
    if as_json:
        print_json(row)
    else:
        for key, value in row.items():
            print_plain(f"{key:18}{value}")


def _pairs(split: Split) -> dict[str, Any]:
    """What a split that was prepared from files has besides."""
    manifest = split.manifest()
    _compare(split, manifest)
    return {
        "image_size": list(split.record.image_size),
        "parsing": split.has_parsing,
        "protocol": manifest.protocol,
        "pairs": len(manifest),
        "manifest": manifest.sha256,
    }


def _compare(split: Split, manifest: Manifest) -> None:
    """Say so if the protocol's published number of pairs is another."""
    from recapbench.data.protocols import find_protocol

    protocol = find_protocol(split.protocol, split.record.name)
    for expected in protocol.expected:
        if expected.split == split.name and expected.pairs != len(manifest):
            messages.print(
                f"note: {protocol.tag} is published with {expected.pairs} {split.name} pairs, "
                f"these files give {len(manifest)}",
                soft_wrap=True,
            )


data_app.command("show")(data_show)
