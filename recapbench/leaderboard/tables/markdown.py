"""A sheet as Markdown, with the best figures in bold."""

from __future__ import annotations

from typing import Final

from recapbench.leaderboard.tables.sheet import Cell, Sheet

_SIGNS: Final = ("\\", "|", "*", "<", "`")


def as_markdown(sheet: Sheet) -> str:
    """Title, table and notes; a group stands before each of its headings."""
    headings = [escaped(column.name) for column in sheet.columns]
    ruler = ["---:" if column.figures else "---" for column in sheet.columns]
    rows = [[_cell(cell) for cell in row] for row in sheet.rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [headings, ruler, *rows])
    notes = "\n".join(f"- {escaped(note)}" for note in sheet.notes)
    return f"**{escaped(sheet.title)}**\n\n{table}\n\n{notes}\n"


def escaped(text: str) -> str:
    """Text in which no sign is markup."""
    for sign in _SIGNS:
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _cell(cell: Cell) -> str:
    return f"**{escaped(cell.text)}**" if cell.best else escaped(cell.text)
