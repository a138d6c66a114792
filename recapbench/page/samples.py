"""The pictures of the site: outputs that were filed with records, and their rows' true images.

Records of one dataset share its true images. Samples of other pairs are refused when a record is
filed (`recapbench.leaderboard.filing`): a row is the same pair in every record that has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from recapbench.leaderboard.board import Board, Measured
from recapbench.page.links import measured_slug, picture


@dataclass(frozen=True)
class Sample:
    """One row of a record's pictures, as paths from the site's root.

    Attributes:
        row: of the manifest, from 0.
        caption: names of source and target, or the row's number alone.
        method: key of the output among the images that can be compared.
        output: the method's.
        source: the image that it was made from; None if it is not stored.
        target: the true image; None if it is not stored.
    """

    row: int
    caption: str
    method: str
    output: str
    source: str | None
    target: str | None


class Samples:
    """The pictures of a board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._true = {one.dataset: board.samples(one.dataset) for one in board.measured}

    def records(self, dataset: str) -> list[Measured]:
        """The records of a dataset that have pictures."""
        return [one for one in self._board.measured if one.dataset == dataset and one.samples]

    def of(self, record: Measured) -> tuple[Sample, ...]:
        """The pictures of a record, by row."""
        return tuple(self._sample(record, row) for row in sorted(record.samples))

    def files(self) -> dict[str, Path]:
        """Every picture that pages show: path from the site's root -> file."""
        found: dict[str, Path] = {}
        for record in self._board.measured:
            true = self._true[record.dataset]
            for row, output in record.samples.items():
                found[picture(record.dataset, measured_slug(record), row)] = output
                if row in true:
                    found[picture(record.dataset, "source", row)] = true[row].source
                    found[picture(record.dataset, "target", row)] = true[row].target
        return found

    def _sample(self, record: Measured, row: int) -> Sample:
        dataset = record.dataset
        with_true = row in self._true[dataset]
        return Sample(
            row=row,
            caption=_caption(record, row),
            method=measured_slug(record),
            output=picture(dataset, measured_slug(record), row),
            source=picture(dataset, "source", row) if with_true else None,
            target=picture(dataset, "target", row) if with_true else None,
        )


def _caption(record: Measured, row: int) -> str:
    if record.values is None or row >= len(record.values.pairs):
        return f"pair {row}"
    source, target = (PurePosixPath(name).stem for name in record.values.pairs[row])
    return f"pair {row}: {source} to {target}"
