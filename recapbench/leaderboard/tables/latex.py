"""A sheet as LaTeX, to be read in by a paper that uses booktabs and amssymb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from recapbench.leaderboard.tables.sheet import Cell, Sheet

_SIGNS: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": "$<$",
    ">": "$>$",
    "–": "--",
    "±": r"$\pm$",
    "²": "$^2$",
    "✓": r"$\checkmark$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "é": r"\'e",
    "è": r"\`e",
}


def as_latex(sheet: Sheet) -> str:
    """A ``table`` with its caption, and the notes below in small type."""
    spec = "".join("r" if column.figures else "l" for column in sheet.columns)
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage{amssymb}",
        r"\begin{table}",
        r"\centering",
        r"\small",
        rf"\caption{{{escaped(sheet.title)}}}",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        *_groups(sheet),
        _line(escaped(column.heading) for column in sheet.columns),
    ]
    for section in sheet.sections:
        lines.append(r"\midrule")
        lines += [_line(map(_cell, row)) for row in section]
    lines += [r"\bottomrule", r"\end{tabular}", *_notes(sheet), r"\end{table}"]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text in which no sign is a command; characters outside ASCII as commands."""
    return "".join(_SIGNS.get(sign, sign) for sign in text)


def _cell(cell: Cell) -> str:
    return rf"\textbf{{{escaped(cell.text)}}}" if cell.best else escaped(cell.text)


def _line(cells: Iterator[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _groups(sheet: Sheet) -> list[str]:
    if not any(column.group for column in sheet.columns):
        return []
    heads, rules = [], []
    for name, start, end in sheet.groups():
        if not name:
            heads.append(" & ".join([""] * (end - start)))
            continue
        heads.append(rf"\multicolumn{{{end - start}}}{{c}}{{{escaped(name)}}}")
        rules.append(rf"\cmidrule(lr){{{start + 1}-{end}}}")
    return [_line(iter(heads)), " ".join(rules)]


def _notes(sheet: Sheet) -> list[str]:
    if not sheet.notes:
        return []
    notes = "\\par\n".join(escaped(note) for note in sheet.notes)
    return [r"\par\smallskip", rf"{{\footnotesize\raggedright {notes}\par}}"]
