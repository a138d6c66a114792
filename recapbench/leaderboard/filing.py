"""File a record on the board: checked first, whole or not at all, never over another unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recapbench.data.images import encode_image
from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import MEASURED, SAMPLES, sample_paths
from recapbench.leaderboard.candidate import Candidate, read_candidate
from recapbench.leaderboard.outputs import FindImages, Outputs, Progress
from recapbench.leaderboard.soundness import sample_rows
from recapbench.leaderboard.verify import update_index, verify
from recapbench.leaderboard.vouched import Installation, installation
from recapbench.provenance import storage_errors, write_atomic, write_json
from recapbench.request import RESULT, VALUES

_FREE: Final = "CC0"
"""Beginning of the licences under which images may be filed with a record."""


@dataclass(frozen=True)
class Filing:
    """What to file.

    Attributes:
        record: the result of a run or of scored images, with the values of its pairs beside it.
        root: folder of the leaderboards; made if it is not there.
        replace: whether a record of the same method and dataset may be replaced.
        partial: whether pairs may be filed that are no whole list that others have.
        images: finds the images; by default they lie beside the record, as a run saves them.
    """

    record: Path
    root: Path
    replace: bool = False
    partial: bool = False
    images: FindImages | None = None


def add_record(
    filing: Filing, progress: Progress, here: Installation | None = None
) -> tuple[Path, list[str]]:
    """Check a record, file it, and bring the index up to date.

    Args:
        filing: what to file.
        progress: told how far it is.
        here: the installation whose files the record may vouch for.

    Returns:
        The folder of the record, and what was left out and why, a line each.

    Raises:
        UsageError: for an unknown dataset, or if there is a record already.
        DataError: if the record or the board is not sound, or the images are not the record's.
        StorageError: if the folder cannot be written.
    """
    here = installation() if here is None else here
    candidate = read_candidate(filing.record)
    candidate.check(here, filing.partial)
    _check_board(filing.root, here)
    name = candidate.result.method.name
    folder = filing.root / candidate.dataset.name / MEASURED / name
    if folder.exists() and not filing.replace:
        raise UsageError(f"{folder} holds a record already: add --replace to replace it")
    outputs = candidate.outputs(filing.images, progress)
    left_out = _write(candidate, outputs, folder, filing)
    update_index(filing.root, here)
    return folder, left_out


def _check_board(root: Path, here: Installation) -> None:
    """Refuse a board that was edited, or the new index would vouch for the edit."""
    if root.is_dir() and any(root.iterdir()) and (wrong := verify(root, here)):
        raise DataError(
            f"{root} is not sound, nothing was filed; if the edits below are wanted, take them up "
            f"with `recapbench leaderboard index --root {root}`:\n" + "\n".join(wrong)
        )


def _write(candidate: Candidate, outputs: Outputs, folder: Path, filing: Filing) -> list[str]:
    """Write a record's folder and the true images of its samples; what was left out."""
    left_out = _no_samples(candidate, outputs, filing)
    rows = [] if left_out else sample_rows(len(outputs.manifest))
    if rows:
        truths = filing.root / candidate.dataset.name / SAMPLES
        for path, content in _true_images(outputs, truths, rows):
            write_atomic(path, content)
    with _in_place_of(folder) as making:
        write_json(making / RESULT, candidate.result.document())
        write_atomic(making / VALUES, candidate.values.encoded())
        for row in rows:
            content = encode_image(outputs.images[row]())
            write_atomic(making / SAMPLES / f"{row}.png", content)
    return left_out


def _no_samples(candidate: Candidate, outputs: Outputs, filing: Filing) -> list[str]:
    """Why no samples can be filed, if so.

    Raises:
        DataError: if those there are in the way of a whole list of pairs.
    """
    dataset = candidate.dataset
    if not dataset.licence.startswith(_FREE):
        return [f"no samples are filed, as the licence of {dataset.name} is: {dataset.licence}"]
    truths = filing.root / dataset.name / SAMPLES
    rows = sample_rows(len(outputs.manifest))
    others = [
        path
        for path, content in _true_images(outputs, truths, rows)
        if path.exists() and path.read_bytes() != content
    ]
    if not others:
        return []
    problem = f"{others[0]} is the true image of another pair than row {others[0].stem} here"
    if not filing.partial:
        raise DataError(f"{problem}: file one of the two below another --root")
    return [f"no samples are filed, as {problem}"]


def _true_images(outputs: Outputs, folder: Path, rows: list[int]) -> Iterator[tuple[Path, bytes]]:
    for row in rows:
        for path, name in zip(sample_paths(folder, row), outputs.manifest[row], strict=True):
            yield path, encode_image(outputs.split.image(name))


@contextmanager
def _in_place_of(folder: Path) -> Iterator[Path]:
    """A folder to fill, which then takes the place of another one, or goes if that fails."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            making = work / "new"
            making.mkdir()
            yield making
            if folder.exists():
                os.replace(folder, work / "old")
            os.replace(making, folder)
        except BaseException:
            if (work / "old").exists() and not folder.exists():
                os.replace(work / "old", folder)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
