"""The tables of "Recapture as You Want" from the reported records, with our own figures if asked.

Our figures stand in rows below a rule and in columns in which no reported figure stands: they are
of other images.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from recapbench.errors import DataError, unknown
from recapbench.leaderboard.board import Board, Measured
from recapbench.leaderboard.nearest import nearest
from recapbench.leaderboard.reported import Parsing
from recapbench.leaderboard.tables.measured import Block, group_records, label
from recapbench.leaderboard.tables.notes import measured_notes, reported_notes
from recapbench.leaderboard.tables.reported_rows import DATASETS, METHODS, ReportedRows, checks
from recapbench.leaderboard.tables.sheet import DASH, Cell, Column, Line, Sheet, assembled

Which = Literal["all", "counterparts", "ablation"]


class PaperTable(BaseModel):
    """What the records do not say of a table.

    Attributes:
        number: of the table.
        caption: what it shows.
        methods_are_columns: whether it is laid out that way.
        measured: which of our records go with it: all, those of methods that implement one of its
            rows, or the trainings of its rows.
        slips: what in the paper does not agree with itself or with the data, a note each.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    number: int
    caption: str
    methods_are_columns: bool = False
    measured: Which
    slips: list[str]


class Paper(BaseModel):
    """The paper.

    Attributes:
        source: authors, title and year.
        tables: in order.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    source: str
    tables: list[PaperTable]


@cache
def paper() -> Paper:
    """The paper's tables as this package has them."""
    text = (resources.files(__package__) / "paper.toml").read_text(encoding="utf-8")
    return Paper.model_validate(tomllib.loads(text))


def paper_sheet(board: Board, number: int, with_measured: bool = False) -> Sheet:
    """A table of the paper.

    Args:
        board: the records.
        number: of the table.
        with_measured: add our own figures below.

    Raises:
        UsageError: if the paper has no such table.
        DataError: if the board has no records of it.
    """
    known = {str(table.number): table for table in paper().tables}
    if str(number) not in known:
        raise unknown("table of the paper", str(number), known)
    table = known[str(number)]
    records = [record for record in board.reported if record.table == number]
    if not records:
        raise DataError(f"expected records of Table {number} below {board.root}, got none")
    rows = ReportedRows(records)
    blocks = list(_blocks(board, table, rows)) if with_measured else []
    if table.methods_are_columns:
        columns, sections = rows.methods_as_columns()
        own, below = _own_columns(blocks)
    else:
        columns, sections = rows.methods_as_rows()
        own, below = _own_rows(blocks, rows.with_parsing)
    return assembled(
        f"{paper().source}, Table {number}: {table.caption}",
        [*columns, *own],
        [*sections, *below],
        _notes(rows, table, blocks, with_measured),
    )


def _blocks(board: Board, table: PaperTable, rows: ReportedRows) -> Iterator[Block]:
    """Our records that go with a table, with the metrics that go by its headings."""
    names = dict.fromkeys(
        name for record in rows.records for figure in record.figures for name in nearest(figure)
    )
    for group in group_records(_WHICH[table.measured](board, rows)):
        there = group.metrics()
        metrics = tuple(name for name in names if name in there)
        if metrics:
            yield Block(group, metrics)


def _every(board: Board, rows: ReportedRows) -> Sequence[Measured]:
    return board.measured


def _counterparts(board: Board, rows: ReportedRows) -> Sequence[Measured]:
    wanted = {record.method.counterpart for record in rows.records}
    return [record for record in board.measured if record.method in wanted]


def _trainings(board: Board, rows: ReportedRows) -> Sequence[Measured]:
    return board.ablation


_WHICH: Final[Mapping[Which, Callable[[Board, ReportedRows], Sequence[Measured]]]] = {
    "all": _every,
    "counterparts": _counterparts,
    "ablation": _trainings,
}


def _own_rows(
    blocks: Sequence[Block], with_parsing: bool
) -> tuple[list[Column], list[Sequence[Line]]]:
    """Columns and lines of our figures where methods are rows."""
    sections: list[Sequence[Line]] = []
    for block in blocks:
        records = block.group.records
        figures = block.figures([record.result.scores for record in records])
        sections.append(
            [
                {METHODS: Cell(f"{label(record)} (measured)")}
                | (checks(_given(record)) if with_parsing else {})
                | cells
                for record, cells in zip(records, figures, strict=True)
            ]
        )
    return [column for block in blocks for column in block.columns.values()], sections


def _own_columns(blocks: Sequence[Block]) -> tuple[list[Column], list[Sequence[Line]]]:
    """The same where methods are columns."""
    columns: list[Column] = []
    sections: list[Sequence[Line]] = []
    for block in blocks:
        records = block.group.records
        own = [Column(f"{label(record)} (measured)", block.group.name) for record in records]
        scores = [record.result.scores for record in records]
        sections.append(
            [
                {METHODS: Cell(f"{block.group.name}: {name}")}
                | dict(zip(own, block.cells(scores, name), strict=True))
                for name in block.metrics
            ]
        )
        columns += own
    return columns, sections


def _given(record: Measured) -> Parsing:
    """The true label maps that a method of ours was given."""
    inputs = record.result.method.inputs or []
    return Parsing(source="source_parsing" in inputs, target="target_parsing" in inputs)


def _notes(
    rows: ReportedRows, table: PaperTable, blocks: Sequence[Block], with_measured: bool
) -> Iterator[str]:
    where = "line" if table.methods_are_columns else "column"
    yield f"Figures and digits as the paper prints them. Bold: the best of its {where}."
    cells = (cell for of, heading in rows.figures for cell in rows.cells(of, heading))
    if any(cell.text == DASH for cell in cells):
        yield f"{DASH}: no figure in the paper."
    yield from reported_notes(rows.records, DATASETS)
    for slip in table.slips:
        yield f"A slip of the paper: {slip}"
    if blocks:
        yield (
            "Measured: our own runs, on other images, other pairs and under the protocols that "
            "name their columns; they cannot be compared with the figures of the paper."
        )
        yield from measured_notes(blocks)
    elif with_measured:
        yield "There is no measured record that goes with this table."
