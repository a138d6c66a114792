"""The picture of a comparison: the same pairs for every method, as in the papers' figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from recapbench.comparison.entry import Entry
from recapbench.data.datasets import find_dataset
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError
from recapbench.grid import methods_grid
from recapbench.outputs import OutputFolder


@dataclass(frozen=True)
class ComparisonPicture:
    """A picture, as far as it could be made.

    Attributes:
        png: the file's bytes; None if no method's images are at hand.
        left_out: why methods, or the whole picture, are not there; a sentence each.
    """

    png: bytes | None
    left_out: list[str] = field(default_factory=list)


def comparison_picture(entries: Sequence[Entry], failed: Sequence[str]) -> ComparisonPicture:
    """Source, target pose, the output of each method, target; up to eight pairs.

    Args:
        entries: the runs; a run without its ``images/`` is left out.
        failed: names of methods that gave no result.

    Raises:
        DataError: if saved images are not those of their record.
    """
    left_out = [f"{name} failed" for name in failed]
    left_out += [f"{e.label} has no images" for e in entries if not _has_images(e)]
    shown = [entry for entry in entries if _has_images(entry)]
    if not shown:
        return ComparisonPicture(None, ["no run has its images beside it"])
    try:
        split = open_task(shown[0])
    except (DataError, UsageError) as error:
        return ComparisonPicture(None, [f"the dataset cannot be opened: {error}"])
    columns = {entry.label: open_outputs(entry, split) for entry in shown}
    return ComparisonPicture(methods_grid(columns, left_out), left_out)


def _has_images(entry: Entry) -> bool:
    return (entry.folder / "images").is_dir()


def open_task(entry: Entry) -> Split:
    """The images of the task.

    Raises:
        UsageError: if the dataset is not registered here.
        DataError: if it has not been prepared, or its images are others now.
    """
    dataset = entry.result.dataset
    if dataset is None:
        raise DataError(f"{entry.folder} does not say whose images it shows")
    record = find_dataset(dataset.name).resolved(dataset.split)
    split = record.open(dataset.split, dataset.preset or None)
    if split.digest != dataset.images:
        raise DataError(f"{dataset.name} {dataset.split!r} has other images than when it was run")
    return split


def open_outputs(entry: Entry, split: Split) -> OutputFolder:
    """The saved images of a run.

    Raises:
        DataError: if they are not those that were scored.
    """
    outputs = OutputFolder(entry.folder, split, entry.manifest, layouts=False)
    found, expected = outputs.digest(), entry.result.outputs.sha256
    if found != expected:
        raise DataError(
            f"{entry.folder / 'images'} holds other images than were scored: expected digest "
            f"{expected[:16]}, got {found[:16]}; run it again with --resume to score them anew"
        )
    return outputs
