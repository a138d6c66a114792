"""The paper's tables, cell by cell, in every form; the values here are typed from the paper."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import Board, read_board
from recapbench.leaderboard.tables.paper import paper_sheet
from recapbench.leaderboard.tables.sheet import Sheet
from recapbench.leaderboard.tables.writers import WRITERS

Lines = list[list[str]]

# Typed from Tables 1 to 4 of "Recapture as You Want"; "!" marks the best of a column (Table 2: of a
# line), "-" is a dash in print, "v" a check mark, "." an empty cell.
TYPED = {
    1: """
        Methods   IS      SSIM    IS      M-IS    SSIM    M-SSIM
        PG²       3.090   0.762   3.460   3.435   0.253   0.792
        UPIS      2.970   0.747   -       -       -       -
        DPIG      3.228   0.614   3.483   3.491   0.099   0.614
        Def-GAN   3.439   0.756   3.185   3.502   0.290   0.805
        UPIG-SPT  3.441   0.736   3.499!  3.680   0.203   0.758
        DIAF      3.338   0.778!  3.010   3.700   0.308   0.874!
        PATN      3.209   0.773   3.323   3.773   0.311!  0.811
        PG²*      3.294   0.762   3.382   3.384   0.259   0.780
        Def-GAN*  3.327   0.763   3.188   3.516   0.289   0.782
        PATN*     3.214   0.774   3.256   3.741   0.291   0.784
        Ours      3.528!  0.778!  3.275   3.776!  0.295   0.793
    """,
    2: """
        Methods      PG²      Def-GAN  PATN    Ours
        DeepFashion  41.333   22.664   19.545  15.936!
        Market-1501  127.644  74.279   68.132  40.458!
    """,
    3: """
        Methods  Source  Target  IS      SSIM    FID
        PATN     .       .       3.214   0.774   19.545
        PATN     v       .       3.277   0.761   20.827
        Ours     v       .       3.528   0.778   15.936
        PATN     v       v       3.682   0.792   13.973
        Ours     v       v       3.855!  0.813!  10.431!
    """,
    4: """
        Methods                    IS     SSIM   FID     IS     Mask-IS SSIM   Mask-SSIM FID
        Basic                      3.392  0.763  21.443  2.991  3.649   0.285  0.793     57.162
        Basic+SAT(l+2)             3.441  0.761  16.842  3.049  3.627   0.273  0.791     51.362
        Basic+SAT(l+1)             3.512  0.766  20.061  3.027  3.619   0.269  0.786     53.021
        Basic+SAT(l)               3.416  0.776  16.841  3.111  3.652   0.276  0.798!    53.019
        Basic+SAT(l)+LGR(r+1,_n)   3.528! 0.778! 15.936  3.275! 3.776!  0.295! 0.793     40.458!
        Basic+SAT(l)+LGR(r+1,_n+1) 3.417  0.773  20.556  3.149  3.668   0.273  0.797     48.372
        Basic+SAT(l)+LGR(r,_n)     3.349  0.769  14.879! 3.127  3.667   0.278  0.795     51.247
    """,
}
SHOWN = {"-": "–", "v": "✓", ".": ""}
GROUPS = {
    1: [("", 1), ("DeepFashion", 2), ("Market-1501", 4)],
    2: [("", 5)],
    3: [("", 1), ("Parsing Map", 2), ("DeepFashion", 3)],
    4: [("", 1), ("DeepFashion", 3), ("Market-1501", 5)],
}
NUMBERS = sorted(TYPED)


def typed(number: int) -> Lines:
    """Headings and cells of a table; the best ones end in "!"."""
    lines = [line.split() for line in TYPED[number].strip().splitlines()]
    return [[SHOWN.get(cell, cell.replace("_", " ")) for cell in line] for line in lines]


def plain(number: int) -> Lines:
    """The same without marks."""
    return [[cell.removesuffix("!") for cell in line] for line in typed(number)]


@pytest.fixture(scope="module")
def board() -> Board:
    return read_board()


@pytest.mark.parametrize("number", NUMBERS)
def test_the_sheet_is_the_papers(board: Board, number: int) -> None:
    sheet = paper_sheet(board, number)
    lines = [[column.heading for column in sheet.columns]]
    lines += [[cell.text + "!" * cell.best for cell in row] for row in sheet.rows]
    assert lines == typed(number)
    assert [(name, end - start) for name, start, end in sheet.groups()] == GROUPS[number]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_text_is_the_papers(board: Board, number: int) -> None:
    lines = WRITERS["text"](paper_sheet(board, number)).splitlines()
    expected = typed(number)
    start = next(i for i, line in enumerate(lines) if line.startswith("Methods"))
    found = [line for line in lines[start:] if not line.startswith("─")][: len(expected)]
    for line, cells in zip(found, expected, strict=True):
        shown = [f"**{cell[:-1]}**" if cell.endswith("!") else cell for cell in cells if cell]
        assert re.split(r" {2,}", line) == shown


@pytest.mark.parametrize("number", NUMBERS)
def test_the_markdown_is_the_papers(board: Board, number: int) -> None:
    lines = WRITERS["markdown"](paper_sheet(board, number)).splitlines()
    rows = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    assert len({len(row) for row in rows}) == 1
    found = [[cell.replace("\\*", "*").strip() for cell in row] for row in (rows[0], *rows[2:])]
    groups = [name for name, width in GROUPS[number] for _ in range(width)]
    expected = typed(number)
    expected[0] = [f"{a} {b}".strip() for a, b in zip(groups, expected[0], strict=True)]
    assert found == [
        [f"**{cell[:-1]}**" if cell.endswith("!") else cell for cell in line] for line in expected
    ]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_csv_is_the_papers(board: Board, number: int) -> None:
    rows = list(csv.reader(StringIO(WRITERS["csv"](paper_sheet(board, number)))))
    assert rows[1:] == plain(number)[1:]


LATEX = {"²": "$^2$", "–": "--", "✓": r"$\checkmark$"}


def in_latex(cell: str) -> str:
    """What stands in LaTeX for a typed cell."""
    for sign, command in LATEX.items():
        cell = cell.replace(sign, command)
    return rf"\textbf{{{cell[:-1]}}}" if cell.endswith("!") else cell


@pytest.mark.parametrize("number", NUMBERS)
def test_the_latex_is_the_papers(board: Board, number: int) -> None:
    lines = WRITERS["latex"](paper_sheet(board, number)).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Methods"))
    end = lines.index(r"\bottomrule")
    rows = [line for line in lines[start:end] if line != r"\midrule"]
    found = [[cell.strip() for cell in row.removesuffix(r"\\").split("&")] for row in rows]
    assert found == [[in_latex(cell) for cell in line] for line in typed(number)]


def sheets(board: Board) -> list[Sheet]:
    """Every table, with our figures too."""
    return [paper_sheet(board, number, ours) for number in NUMBERS for ours in (False, True)]


COMMANDS = {
    *("begin", "end", "centering", "small", "caption", "toprule", "midrule", "bottomrule"),
    *("multicolumn", "cmidrule", "textbf", "checkmark", "pm", "par", "smallskip", "footnotesize"),
    *("raggedright", "_", "%", "\\"),
}


def test_the_latex_is_well_formed(board: Board) -> None:
    for sheet in sheets(board):
        text = WRITERS["latex"](sheet)
        assert text.isascii()
        body = text.split("\n", 1)[1]  # below the comment on packages
        assert set(re.findall(r"\\([a-zA-Z]+|.)", body)) <= COMMANDS
        bare = re.sub(r"\\.", "", body)
        assert bare.count("{") == bare.count("}")
        assert bare.count("$") % 2 == 0
        assert re.findall(r"\\(begin|end)\{(\w+)\}", body) == [
            ("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")
        ]  # fmt: skip
        (columns,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", body)
        inside = body.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
        rows = [line for line in inside.splitlines() if line.endswith(r"\\")]
        for row in rows:
            spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row))
            assert row.count("&") + 1 + spanned == len(columns)
        for first, last in re.findall(r"\\cmidrule\(lr\)\{(\d+)-(\d+)\}", inside):
            assert 1 <= int(first) <= int(last) <= len(columns)
        outside = re.sub(r"\$[^$]*\$", "", re.sub(r"\\.", "", text.partition("\n")[2]))
        assert not re.search(r"[#%^~_]", outside)


def test_the_latex_compiles(board: Board, tmp_path: Path) -> None:
    engine = next(filter(None, map(shutil.which, ("pdflatex", "tectonic"))), None)
    if engine is None:
        pytest.skip("needs pdflatex with booktabs (texlive-latex-recommended) or tectonic")
    tables = "\n".join(WRITERS["latex"](sheet) + "\\clearpage" for sheet in sheets(board))
    (tmp_path / "tables.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage{amssymb}\n"
        f"\\begin{{document}}\n{tables}\n\\end{{document}}\n"
    )
    options = ["-interaction=nonstopmode", "-halt-on-error"] if "pdflatex" in engine else []
    done = subprocess.run(
        [engine, *options, "tables.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "tables.pdf").stat().st_size > 0


def test_what_stands_below(board: Board) -> None:
    notes = {number: "\n".join(paper_sheet(board, number).notes) for number in NUMBERS}
    for number in (1, 2, 4):
        assert "322,668" in notes[number]
        assert "32,668" in notes[number].replace("322,668", "")
    assert "PG²*, Def-GAN*, PATN*: Gao et al. (2022), with the trained models" in notes[1]
    assert "real images of FID: not stated" in notes[2]
    assert all("SSIM: not stated" in notes[number] for number in (1, 3, 4))
    assert "12,000 test pairs of def_gan_new" in notes[1]
    assert "–: no figure in the paper." in notes[1]
    assert "–: no figure" not in notes[2] + notes[3] + notes[4]


def test_starred_rows_are_reruns_and_no_others(board: Board) -> None:
    reruns = [(one.table, one.method.title) for one in board.reported if one.origin == "rerun"]
    assert sorted(set(reruns)) == [(1, "Def-GAN*"), (1, "PATN*"), (1, "PG²*")]
    assert len(board.reported) == 21 + 8 + 5 + 14


def test_a_table_that_the_paper_does_not_have(board: Board, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown table of the paper '5'.*Known: 1, 2, 3, 4"):
        paper_sheet(board, 5)
    with pytest.raises(DataError, match="expected records of Table 1"):
        paper_sheet(Board(tmp_path, (), ()), 1)


def test_the_command(cli: Callable[..., Any], board: Board) -> None:
    for form in ("text", "csv"):
        done = cli("table", "--paper", "1", "--format", form)
        assert (done.returncode, done.stdout) == (0, WRITERS[form](paper_sheet(board, 1)))
    assert "322,668" in done.stderr  # a CSV has no place for notes
    wrong = cli("table")
    assert wrong.returncode == 2
    assert "expected either --paper N or --dataset NAME" in wrong.stderr
    wrong = cli("table", "--paper", "1", "--format", "latx")
    assert "Did you mean 'latex'?" in wrong.stderr
