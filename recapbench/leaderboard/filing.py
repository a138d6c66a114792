"""File a run on the board: checked first, whole or not at all, and never over another unasked."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.images import encode_image
from recapbench.data.manifest import Manifest, from_pairs
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.leaderboard.board import MEASURED, SAMPLES, sample_paths
from recapbench.leaderboard.soundness import sample_rows, score_problems, value_problems
from recapbench.leaderboard.verify import update_index, verify
from recapbench.leaderboard.vouched import Installation, claims, installation, is_whole
from recapbench.outputs import OutputFolder
from recapbench.provenance import (
    sha256_file,
    sha256_ordered,
    sha256_pixels,
    storage_errors,
    write_atomic,
    write_json,
)
from recapbench.request import RESULT, VALUES
from recapbench.results import Result, read_result

Progress = Callable[[str, int, int], None]

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_FREE: Final = "CC0"
"""Beginning of the licences under which images may be filed with a record."""


@dataclass(frozen=True)
class Filing:
    """What to file.

    Attributes:
        record: the result of a run, with its values and its images beside it.
        root: folder of the leaderboards; made if it is not there.
        replace: whether a record of the same method and dataset may be replaced.
        partial: whether pairs may be filed that are no whole list that others have.
    """

    record: Path
    root: Path
    replace: bool = False
    partial: bool = False


def add_record(
    filing: Filing, progress: Progress, here: Installation | None = None
) -> tuple[Path, list[str]]:
    """Check a run, file it, and bring the index up to date.

    Args:
        filing: what to file.
        progress: told how far it is.
        here: the installation whose files the record may vouch for.

    Returns:
        The folder of the record, and what was left out and why, a line each.

    Raises:
        UsageError: for an unknown dataset, or if there is a record already.
        DataError: if the run or the board is not sound.
        StorageError: if the folder cannot be written.
    """
    here = installation() if here is None else here
    result = read_result(filing.record)
    values = read_pair_values(filing.record.parent / VALUES)
    run = _Run(filing.record, result, values)
    run.check(here, filing.partial)
    _check_board(filing.root, here)
    folder = filing.root / run.dataset.name / MEASURED / result.method.name
    if folder.exists() and not filing.replace:
        raise UsageError(f"{folder} holds a record already: add --replace to replace it")
    outputs = run.outputs(progress)
    run.check_images(outputs, progress)
    left_out = _write(run, outputs, folder, filing)
    update_index(filing.root, here)
    return folder, left_out


def _check_board(root: Path, here: Installation) -> None:
    """Refuse a board that was edited, or the new index would vouch for the edit."""
    if root.is_dir() and any(root.iterdir()) and (wrong := verify(root, here)):
        raise DataError(f"{root} is not sound, nothing was filed:\n" + "\n".join(wrong))


@dataclass(frozen=True)
class _Run:
    """A run to be filed."""

    path: Path
    result: Result
    values: PairValues

    @property
    def dataset(self) -> DatasetRecord:
        """The data set's record."""
        if self.result.dataset is None:
            raise DataError(f"{self.path}: expected the name of a dataset, got none")
        return find_dataset(self.result.dataset.name)

    @property
    def manifest(self) -> Manifest:
        """The pairs."""
        dataset = self.result.dataset
        return from_pairs(
            self.values.pairs,
            dataset=self.dataset.name,
            split=dataset.split if dataset else "",
            protocol=self.result.manifest.protocol,
            identities=len(set(self.values.persons)),
            where=str(self.path.parent / VALUES),
        )

    def check(self, here: Installation, partial_run: bool) -> None:
        """Refuse a run that does not belong on a board."""
        wrong = list(self._problems(here, partial_run))
        if wrong:
            raise DataError("\n".join(f"{self.path}: {problem}" for problem in wrong))

    def _problems(self, here: Installation, partial_run: bool) -> Iterator[str]:
        result, name = self.result, self.result.method.name
        if result.origin != "measured":
            yield f"expected origin measured, got {result.origin}"
        if not _SLUG.fullmatch(name):
            yield (
                f"expected a method's name of small letters, digits and _.-, got {name!r}: "
                f"give it another one with --label"
            )
        if any(score.failed for score in result.scores):
            failed = [score.name for score in result.scores if score.failed]
            yield f"expected figures that did not fail, got {', '.join(failed)}"
        if self.dataset and not partial_run and not is_whole(result, here):
            yield (
                f"expected a whole list of pairs that comes with the package or has a lock there, "
                f"got {result.manifest.n} pairs of {result.manifest.protocol or 'no protocol'}: "
                f"run without --limit and --manifest, or add --partial"
            )
        yield from score_problems(result)
        yield from value_problems(result, self.values)
        for claim in claims(result, here):
            if claim.sha256 not in (None, sha256_file(here.path(claim.name))):
                yield f"{claim.name} is not what the record was made with"

    def outputs(self, progress: Progress) -> OutputFolder:
        """The images beside the record.

        Raises:
            DataError: if the data set here is not the one of the record.
        """
        part = self.result.dataset
        assert part is not None
        split = self.dataset.resolved(part.split).open(
            part.split, part.preset or None, partial(progress, "opening the dataset")
        )
        if part.images != split.digest:
            raise DataError(f"{self.path}: expected images {split.digest}, got {part.images}")
        if part.annotations != split.annotation_digest:
            raise DataError(
                f"{self.path}: expected annotations {split.annotation_digest}, "
                f"got {part.annotations}"
            )
        return OutputFolder(self.path.parent, split, self.manifest, layouts=False)

    def check_images(self, outputs: OutputFolder, progress: Progress) -> None:
        """Refuse images that are not those of the record."""
        count = self.result.manifest.n

        def pixels() -> Iterator[str]:
            for row in range(count):
                yield sha256_pixels(outputs.image(row))
                progress("checking images", row + 1, count)

        expected, got = self.result.outputs.sha256, sha256_ordered(pixels())
        if got != expected:
            raise DataError(
                f"{self.path.parent}: expected images of digest {expected} by the record, got {got}"
            )


def _write(run: _Run, outputs: OutputFolder, folder: Path, filing: Filing) -> list[str]:
    """Write a record's folder and the true images of its samples; what was left out."""
    left_out = _no_samples(run, outputs, filing)
    rows = [] if left_out else sample_rows(len(outputs.manifest))
    if rows:
        truths = filing.root / run.dataset.name / SAMPLES
        for path, content in _true_images(outputs.split, outputs.manifest, truths, rows):
            write_atomic(path, content)
    with _in_place_of(folder) as making:
        write_json(making / RESULT, run.result.document())
        write_atomic(making / VALUES, run.values.encoded())
        for row in rows:
            content = outputs.image_path(row).read_bytes()
            write_atomic(making / SAMPLES / f"{row}.png", content)
    return left_out


def _no_samples(run: _Run, outputs: OutputFolder, filing: Filing) -> list[str]:
    """Why no samples can be filed, if so.

    Raises:
        DataError: if those there are in the way of a whole list of pairs.
    """
    licence = run.dataset.licence
    if not licence.startswith(_FREE):
        return [f"no samples are filed, as the licence of {run.dataset.name} is: {licence}"]
    truths = filing.root / run.dataset.name / SAMPLES
    rows = sample_rows(len(outputs.manifest))
    others = [
        path
        for path, content in _true_images(outputs.split, outputs.manifest, truths, rows)
        if path.exists() and path.read_bytes() != content
    ]
    if not others:
        return []
    problem = f"{others[0]} is the true image of another pair than row {others[0].stem} of this run"
    if not filing.partial:
        raise DataError(f"{problem}: file one of the two below another --root")
    return [f"no samples are filed, as {problem}"]


def _true_images(
    split: Split, manifest: Manifest, folder: Path, rows: list[int]
) -> Iterator[tuple[Path, bytes]]:
    for row in rows:
        for path, name in zip(sample_paths(folder, row), manifest[row], strict=True):
            yield path, encode_image(split.image(name))


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
        finally:
            shutil.rmtree(work, ignore_errors=True)
