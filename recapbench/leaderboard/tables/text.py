"""A sheet as plain text, with the best figures between double asterisks."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from recapbench.leaderboard.tables.sheet import Sheet

_GAP: Final = "  "
_MARK: Final = "**"
_NOTE_WIDTH: Final = 100


def as_text(sheet: Sheet) -> str:
    """The table with its title and notes; every line is whole, however narrow the terminal."""
    lines = _texts(sheet)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    _widen(widths, sheet)
    rule = "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    rows = iter(lines)
    text = [sheet.title, "", *_groups(sheet, widths), _line(sheet, widths, next(rows))]
    for section in sheet.sections:
        text.append(rule)
        text += [_line(sheet, widths, next(rows)) for _ in section]
    text += [rule, *_notes(sheet)]
    return "\n".join(line.rstrip() for line in text) + "\n"


def _texts(sheet: Sheet) -> list[list[str]]:
    """Headings and cells; where a column has a best figure, the others keep room for its marks."""
    lines = [[column.heading for column in sheet.columns]]
    lines += [
        [f"{_MARK}{cell.text}{_MARK}" if cell.best else cell.text for cell in row]
        for row in sheet.rows
    ]
    for place in range(len(sheet.columns)):
        if any(row[place].best for row in sheet.rows):
            for line in lines:
                line[place] += "" if line[place].endswith(_MARK) else " " * len(_MARK)
    return lines


def _widen(widths: list[int], sheet: Sheet) -> None:
    """Give a group's last column room for the group's name."""
    for name, start, end in sheet.groups():
        have = sum(widths[start:end]) + len(_GAP) * (end - start - 1)
        widths[end - 1] += max(0, len(name) - have)


def _groups(sheet: Sheet, widths: Sequence[int]) -> list[str]:
    if not any(column.group for column in sheet.columns):
        return []
    spans = []
    for name, start, end in sheet.groups():
        width = sum(widths[start:end]) + len(_GAP) * (end - start - 1)
        spans.append(f" {name} ".center(width, "─") if 0 < len(name) < width - 3 else name)
        spans[-1] = spans[-1].ljust(width)
    return [_GAP.join(spans)]


def _line(sheet: Sheet, widths: Sequence[int], texts: Sequence[str]) -> str:
    return _GAP.join(
        text.rjust(width) if column.figures else text.ljust(width)
        for column, width, text in zip(sheet.columns, widths, texts, strict=True)
    )


def _notes(sheet: Sheet) -> list[str]:
    return [
        line
        for note in sheet.notes
        for line in textwrap.wrap(note, _NOTE_WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    ]
