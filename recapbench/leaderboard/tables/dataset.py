"""Everything that the board has of one dataset, as a table.

Each list of pairs has columns of its own, as has each table of a paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from recapbench.errors import DataError, unknown
from recapbench.evaluation.score import Score
from recapbench.leaderboard.board import Board, Measured
from recapbench.leaderboard.reported import NOT_STATED, Reported
from recapbench.leaderboard.tables.measured import Block, Group, group_records, label
from recapbench.leaderboard.tables.notes import measured_notes, reported_notes
from recapbench.leaderboard.tables.reported_rows import DATASETS, ReportedRows, row_name
from recapbench.leaderboard.tables.sheet import Cell, Column, Line, Sheet, assembled

ALL: Final = "all"
DEFAULT_METRICS: Final = (
    "ssim.def_gan",
    "mask_ssim.def_gan",
    "l1",
    "lpips.alex",
    "is.def_gan",
    "is.effnet_lite0",
    "mask_is.def_gan",
    "mask_is.effnet_lite0",
    "fid.test_targets",
    "fid.effnet_lite0",
)
"""What is shown unless other metrics are asked for, as far as there are values of them."""

_METHOD: Final = Column("method", figures=False)
_ORIGIN: Final = Column("origin", figures=False)
_PAIRS: Final = Column("n")


def dataset_sheet(board: Board, dataset: str, metrics: Sequence[str] | None = None) -> Sheet:
    """The records of a dataset.

    Args:
        board: the records.
        dataset: its name.
        metrics: names, or "all" alone; by default a few.

    Raises:
        UsageError: if no record knows a metric that is asked for.
        DataError: if there are no records of the dataset.
    """
    groups = group_records(record for record in board.measured if record.dataset == dataset)
    reported = [record for record in board.reported if record.dataset == dataset]
    if not groups and not reported:
        raise DataError(f"expected records of {dataset} below {board.root}, got none")
    _check_metrics(groups, metrics)
    blocks = [Block(group, tuple(_chosen(group, metrics))) for group in groups]
    tables = [_Table(list(some)) for _, some in groupby(reported, key=lambda one: one.table)]
    own = [column for block in blocks for column in block.columns.values()]
    columns = [_METHOD, _ORIGIN, _PAIRS, *own, *(c for table in tables for c in table.columns)]
    sections = [section for block in blocks for section in _measured(block)]
    sections += [table.lines() for table in tables]
    return assembled(f"{dataset}: every record", columns, sections, _notes(blocks, tables, metrics))


def _check_metrics(groups: Iterable[Group], metrics: Sequence[str] | None) -> None:
    records = (record for group in groups for record in group.records)
    known = {score.name for record in records for score in record.result.scores}
    for name in metrics or ():
        if name not in known and name != ALL:
            raise unknown("metric of the records", name, known | {ALL})


def _chosen(group: Group, metrics: Sequence[str] | None) -> list[str]:
    """The metrics to show; those asked for even without a value."""
    there = group.metrics()
    if metrics is None:
        return [name for name in DEFAULT_METRICS if name in there]
    return there if ALL in metrics else list(metrics)


def _measured(block: Block) -> Iterator[list[Line]]:
    """The lines of a group's methods, and those of what they are to be held against."""
    records = block.group.records
    heads = [(f"{label(record)}{_layout(record)}", "measured") for record in records]
    yield _lines(block, heads, [record.result.scores for record in records])
    references = block.group.references()
    heads = [(row.name, "reference") for row in references]
    lines = _lines(block, heads, [row.scores for row in references])
    yield [{column: replace(cell, best=False) for column, cell in one.items()} for one in lines]


def _lines(
    block: Block, heads: Sequence[tuple[str, str]], scores: Sequence[Sequence[Score]]
) -> list[Line]:
    pairs = Cell(str(block.group.records[0].result.manifest.n))
    return [
        {_METHOD: Cell(name), _ORIGIN: Cell(origin), _PAIRS: pairs} | cells
        for (name, origin), cells in zip(heads, block.figures(scores), strict=True)
    ]


def _layout(record: Measured) -> str:
    given = "target_parsing" in (record.result.method.inputs or [])
    return " (true layout given)" if given else ""


class _Table:
    """The records of one table of a paper on one dataset."""

    def __init__(self, records: Sequence[Reported]) -> None:
        self.rows = ReportedRows(records)
        self.records = self.rows.records
        self.name = self.records[0].source.place
        self.columns = [Column(heading, self.name) for _, heading in self.rows.figures]

    def lines(self) -> list[Line]:
        """A line for each record."""
        cells = [self.rows.cells(*figure) for figure in self.rows.figures]
        return [
            {
                _METHOD: Cell(row_name(record)),
                _ORIGIN: Cell(record.origin),
                _PAIRS: Cell(str(record.protocol.pairs or NOT_STATED)),
            }
            | {column: one[place] for column, one in zip(self.columns, cells, strict=True)}
            for place, record in enumerate(self.records)
        ]


def _notes(
    blocks: Sequence[Block], tables: Sequence[_Table], metrics: Sequence[str] | None
) -> Iterator[str]:
    yield "Bold: the best of its column. Figures of different groups of columns cannot be compared."
    yield from measured_notes(blocks)
    left_out = {
        name: None
        for block in blocks
        for name in block.group.metrics()
        if metrics is None and name not in block.metrics
    }
    if left_out:
        yield f"Measured too, shown with --metrics NAMES or --metrics all: {', '.join(left_out)}."
    for table in tables:
        source = table.records[0].source.citation
        yield f"{table.name}: {source.authors}, {source.title}, {source.year}; as printed."
        for note in reported_notes(table.records, DATASETS):
            yield f"{table.name}. {note}"
