"""A sheet as CSV: numbers in full, ends of intervals in columns of their own, no notes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from recapbench.leaderboard.tables.sheet import Row, Sheet


def as_csv(sheet: Sheet) -> str:
    """A line of headings and one for each row; what is best is not marked."""
    with_ends = [
        any(row[place].ends is not None for row in sheet.rows)
        for place in range(len(sheet.columns))
    ]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(list(_headings(sheet, with_ends)))
    for row in sheet.rows:
        writer.writerow(list(_fields(row, with_ends)))
    return text.getvalue()


def _headings(sheet: Sheet, with_ends: list[bool]) -> Iterator[str]:
    for column, ends in zip(sheet.columns, with_ends, strict=True):
        yield column.name
        if ends:
            yield from (f"{column.name} low", f"{column.name} high")


def _fields(row: Row, with_ends: list[bool]) -> Iterator[str]:
    for cell, ends in zip(row, with_ends, strict=True):
        yield cell.text if cell.exact is None else cell.exact
        if ends:
            yield from ("", "") if cell.ends is None else map(repr, cell.ends)
