"""From runs to the record of their comparison, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recapbench.comparison.entry import Entry
from recapbench.comparison.picture import comparison_picture
from recapbench.comparison.ranking import rank_metric
from recapbench.comparison.record import Comparison, Contestant, Failure
from recapbench.comparison.table import markdown
from recapbench.errors import UsageError
from recapbench.outputs import REQUEST
from recapbench.provenance import storage_errors, write_atomic, write_json
from recapbench.request import GRID, RESULT

RECORD: Final = "comparison.json"
PAGE: Final = "comparison.md"


def compare(entries: Sequence[Entry], failed: Sequence[Failure] = ()) -> Comparison:
    """The record of runs that were found to be of one task.

    Args:
        entries: at least one.
        failed: methods that gave no result.
    """
    names = dict.fromkeys(score.name for entry in entries for score in entry.result.scores)
    first = entries[0].result
    return Comparison(
        dataset=first.dataset,
        manifest=first.manifest,
        methods=[_contestant(entry) for entry in entries],
        failed=list(failed),
        metrics=[rank_metric(name, entries) for name in names],
        notes=[*_layout_notes(entries), *_version_notes(entries)],
    )


def check_folder(out: Path) -> None:
    """Refuse to write a comparison where it would replace what is no comparison's.

    Raises:
        UsageError: if it is a file, the folder of a single run, or holds a grid or a page that no
            comparison there tells of.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {out}")
    if any((out / name).exists() for name in (REQUEST, RESULT)):
        raise UsageError(f"{out} holds the run of a single method: name another folder")
    held = [name for name in (GRID, PAGE) if (out / name).exists()]
    if held and not (out / RECORD).exists():
        raise UsageError(
            f"{out} holds {' and '.join(held)} of no comparison already: name another folder"
        )


def write_comparison(out: Path, comparison: Comparison, entries: Sequence[Entry]) -> list[str]:
    """Write ``comparison.json``, ``comparison.md`` and ``grid.png``, each whole or not at all.

    The record comes first: it says whose the other two are.

    Returns:
        Why methods are not in the picture, a sentence each; if none is, there is no picture.

    Raises:
        DataError: if saved images are not those of their record.
        StorageError: if the folder cannot be written.
    """
    picture = comparison_picture(entries, [failure.method for failure in comparison.failed])
    write_json(out / RECORD, comparison.document())
    if picture.png is not None:
        write_atomic(out / GRID, picture.png)
    else:
        with storage_errors(out):
            (out / GRID).unlink(missing_ok=True)
    page = markdown(comparison, GRID if picture.png is not None else None)
    write_atomic(out / PAGE, page.encode())
    return picture.left_out


def _contestant(entry: Entry) -> Contestant:
    result = entry.result
    return Contestant(
        label=entry.label,
        method=result.method.name,
        title=result.method.title,
        distribution=result.method.distribution,
        parameters=result.method.parameters,
        weights=result.weights.sha256 if result.weights else None,
        training=result.weights.effort if result.weights else None,
        outputs=result.outputs.sha256,
        target_parsing=result.target_parsing,
        seed=result.seed,
    )


def _layout_notes(entries: Sequence[Entry]) -> list[str]:
    """Methods that were told more than others."""
    given = [e.label for e in entries if e.result.target_parsing == "ground_truth"]
    verb = "was" if len(given) == 1 else "were"
    return [f"{', '.join(given)} {verb} given the target's true layout."] if given else []


def _version_notes(entries: Sequence[Entry]) -> list[str]:
    """Libraries that were not the same for all runs."""
    names = dict.fromkeys(name for entry in entries for name in entry.result.versions)
    notes = []
    for name in names:
        found = {entry.label: entry.result.versions.get(name, "none") for entry in entries}
        if len(set(found.values())) > 1:
            said = ", ".join(f"{label} {version}" for label, version in found.items())
            notes.append(f"Not the same version of {name} for all: {said}.")
    return notes
