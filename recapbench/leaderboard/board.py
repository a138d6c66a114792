"""The board: every shipped record, read from its folder.

::

    <root>/<dataset>/measured/<method>/result.json      one run of a method on a manifest, or
                                                        images of others scored on it
                                       values.csv       the values of its single pairs
                                       samples/<row>.png  its outputs of a few rows
    <root>/<dataset>/ablation/<method>-seed<k>.json     trainings of the paper's Table 4
                                              .csv      the values of their single pairs
    <root>/<dataset>/samples/<row>-source.png           what the samples were made from
                             <row>-target.png
    <root>/<dataset>/reported/<table>-<slug>.json       figures of papers
    <root>/index.json                                   digests of all these files

Reading checks that each record is one; `recapbench.leaderboard.verify` checks the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from recapbench.errors import DataError
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.leaderboard.reported import Reported, read_reported
from recapbench.paths import shipped
from recapbench.request import RESULT, VALUES
from recapbench.results import Result, read_result

MEASURED: Final = "measured"
ABLATION: Final = "ablation"
REPORTED: Final = "reported"
SAMPLES: Final = "samples"


@dataclass(frozen=True)
class Measured:
    """One run, or folder of scored images, that is on the board.

    Attributes:
        folder: where its files lie.
        result: its record.
        values: of its single pairs; None if they were not filed.
        samples: row of the manifest, from 0 -> PNG of the output.
    """

    folder: Path
    result: Result
    values: PairValues | None
    samples: dict[int, Path]

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return "" if self.result.dataset is None else self.result.dataset.name

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.result.method.name


class SamplePair(NamedTuple):
    """The true images of a row that samples are shown of, as PNG."""

    source: Path
    target: Path


@dataclass(frozen=True)
class Board:
    """All records below a folder, in the order of their paths.

    Attributes:
        root: the folder.
        measured: what was scored here.
        reported: figures of papers, in the order of table, row and dataset.
        ablation: trainings of the paper's Table 4, which have no samples.
    """

    root: Path
    measured: tuple[Measured, ...]
    reported: tuple[Reported, ...]
    ablation: tuple[Measured, ...] = ()

    def samples(self, dataset: str) -> dict[int, SamplePair]:
        """The true images of the rows that samples of a dataset are shown of, as far as stored."""
        return read_sample_pairs(self.root / dataset / SAMPLES)


def read_board(root: Path | None = None) -> Board:
    """The records below a folder, by default those that come with the package.

    Raises:
        DataError: if the folder is missing, or a file in it is no valid record.
    """
    root = shipped("leaderboards") if root is None else root
    if not root.is_dir():
        raise DataError(f"expected a folder of leaderboards, got none at {root}")
    reported = [read_reported(path) for path in sorted(root.glob(f"*/{REPORTED}/*.json"))]
    return Board(
        root=root,
        measured=tuple(read_measured(path) for path in sorted(root.glob(f"*/{MEASURED}/*/"))),
        reported=tuple(sorted(reported, key=lambda one: (one.table, one.row, one.dataset))),
        ablation=tuple(_read_ablation(root)),
    )


def read_measured(folder: Path) -> Measured:
    """The record in a folder, with the values and the samples beside it.

    Raises:
        DataError: if the record is missing or malformed, or a file beside it is.
    """
    values = folder / VALUES
    samples = {_row(path.stem, path): path for path in (folder / SAMPLES).glob("*.png")}
    return Measured(
        folder=folder,
        result=read_result(folder / RESULT),
        values=read_pair_values(values) if values.exists() else None,
        samples=dict(sorted(samples.items())),
    )


def read_sample_pairs(folder: Path) -> dict[int, SamplePair]:
    """Row -> true images, of a folder of them; none if there is no such folder.

    Raises:
        DataError: if one of two images is missing, or a name is not of the form above.
    """
    found: dict[int, SamplePair] = {}
    for path in sorted(folder.glob("*.png")):
        row = _row(path.stem.partition("-")[0], path)
        pair = sample_paths(folder, row)
        missing = [one for one in pair if not one.is_file()]
        if path not in pair or missing:
            expected = " and ".join(one.name for one in pair)
            raise DataError(f"{folder}: expected {expected}, got {path.name}")
        found[row] = pair
    return dict(sorted(found.items()))


def sample_paths(folder: Path, row: int) -> SamplePair:
    """Where the true images of a row are stored."""
    return SamplePair(folder / f"{row}-source.png", folder / f"{row}-target.png")


def _read_ablation(root: Path) -> Iterator[Measured]:
    for path in sorted(root.glob(f"*/{ABLATION}/*.json")):
        values = read_pair_values(path.with_suffix(".csv"))
        yield Measured(path.parent, read_result(path), values, {})


def _row(text: str, path: Path) -> int:
    if not (text.isascii() and text.isdigit()):
        raise DataError(f"{path}: expected the name of a sample to begin with its row")
    return int(text)
