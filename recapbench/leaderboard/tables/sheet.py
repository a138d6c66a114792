"""A table before it is written in one of its forms: columns in groups, rows in sections, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

DASH: Final = "–"
"""Stands where there is a column for a figure and no figure; a cell outside its row's own columns
is empty."""
CHECK: Final = "✓"
EMPTY: Final = ""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: as people read it.
        best: whether no figure of its column is better.
        exact: the number in full, for forms that programs read; by default the text.
        ends: of the interval.
    """

    text: str
    best: bool = False
    exact: str | None = None
    ends: tuple[float, float] | None = None


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        heading: of it alone.
        group: what stands above it and its neighbours of the same group; may be empty.
        figures: whether numbers stand in it.
    """

    heading: str
    group: str = ""
    figures: bool = True

    @property
    def name(self) -> str:
        """Group and heading."""
        return f"{self.group} {self.heading}".strip()


Row = tuple[Cell, ...]
Line = Mapping[Column, Cell]
"""A row by its columns; where it has no cell, nothing stands."""


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: in one line.
        columns: from the left.
        sections: rows that stand together; a rule lies between two sections.
        notes: to stand below, a paragraph each.
    """

    title: str
    columns: tuple[Column, ...]
    sections: tuple[tuple[Row, ...], ...]
    notes: tuple[str, ...]

    @property
    def rows(self) -> Iterator[Row]:
        """All rows."""
        return (row for section in self.sections for row in section)

    def groups(self) -> list[tuple[str, int, int]]:
        """Each group with its first column and the one after its last."""
        found, start = [], 0
        for name, columns in groupby(column.group for column in self.columns):
            end = start + len(list(columns))
            found.append((name, start, end))
            start = end
        return found


def marked(
    figures: Sequence[float | None], cells: Sequence[Cell], higher_is_better: bool
) -> list[Cell]:
    """Cells with the best of their figures marked; equal ones all are, a single one is not."""
    known = [figure for figure in figures if figure is not None]
    if len(known) < 2:
        return list(cells)
    best = max(known) if higher_is_better else min(known)
    return [replace(cell, best=figure == best) for figure, cell in zip(figures, cells, strict=True)]


def assembled(
    title: str,
    columns: Sequence[Column],
    sections: Iterable[Sequence[Line]],
    notes: Iterable[str],
) -> Sheet:
    """A sheet of lines; sections without any are left out."""
    rows = (
        tuple(tuple(line.get(column, Cell(EMPTY)) for column in columns) for line in section)
        for section in sections
    )
    return Sheet(title, tuple(columns), tuple(section for section in rows if section), tuple(notes))


Writer = Callable[[Sheet], str]
