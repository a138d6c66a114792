"""Measured figures in tables: their own columns, n, intervals, protocol, and the same bytes."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ablation_records import METHODS, record, write
from boards import DATASET, board, file_by_hand, pairs, result

from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import Board, read_board
from recapbench.leaderboard.tables.dataset import dataset_sheet
from recapbench.leaderboard.tables.paper import paper_sheet
from recapbench.leaderboard.tables.sheet import Sheet
from recapbench.leaderboard.tables.writers import WRITERS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """Two methods on all pairs, one on the first thirty, and two rows of the ablation."""
    root, _ = board(tmp_path_factory.mktemp("board"))
    few = pairs().limit(30)
    file_by_hand(root, result("short", 0.2, few), 0.2, few)
    write(root, record(METHODS[0]), record(METHODS[4], 1))
    return read_board(root)


def filled(sheet: Sheet) -> dict[str, dict[str, str]]:
    """Row -> the columns in which it has something, by name."""
    return {
        row[0].text: {
            column.name: cell.text
            for column, cell in zip(sheet.columns, row, strict=True)
            if cell.text
        }
        for row in sheet.rows
    }


def test_rows_of_two_manifests_share_no_column_of_figures(whole: Board) -> None:
    sheet = dataset_sheet(whole, DATASET)
    heads = [[cell.text for cell in row[:3]] for row in sheet.rows]
    assert heads == [
        ["made_up", "measured", "500"],
        ["other", "measured", "500"],
        ["real", "reference", "500"],
        ["short", "measured", "30"],
        ["real", "reference", "30"],
    ]
    rows = filled(sheet)
    assert set(rows["made_up"]) == set(rows["other"])
    assert set(rows["made_up"]) & set(rows["short"]) == {"method", "origin", "n"}
    assert rows["made_up"]["mannequin_street (500 pairs) l1"] == "0.4000 ± 0.0023"
    assert rows["short"]["mannequin_street (30 pairs) l1"] == "0.2000 ± 0.005"


def test_the_best_is_marked_by_the_direction_of_the_figure(whole: Board) -> None:
    sheet = dataset_sheet(whole, DATASET)
    best = {(row[0].text, c.heading) for row in sheet.rows for c, cell in zip(sheet.columns, row, strict=True) if cell.best}  # fmt: skip # noqa: E501
    assert best == {("other", "l1"), ("made_up", "ssim.def_gan")}


def test_what_is_said_of_the_figures(whole: Board) -> None:
    notes = "\n".join(dataset_sheet(whole, DATASET, ("l1", "fid.test_targets")).notes)
    assert "protocol within_identity/1, pairs 7581243aa745" in notes
    assert "protocol within_identity/1[:30]" in notes
    assert "± half of the interval, l1: 95% bootstrap over 25 persons." in notes
    assert "–, fid.test_targets: no network." in notes


def test_metrics_are_those_asked_for(whole: Board) -> None:
    sheet = dataset_sheet(whole, DATASET, ("ssim.def_gan",))
    assert {column.heading for column in sheet.columns[3:]} == {"ssim.def_gan"}
    assert dataset_sheet(whole, DATASET, ("all",)).columns == dataset_sheet(whole, DATASET).columns
    with pytest.raises(UsageError, match=r"unknown metric of the records 'ssim'"):
        dataset_sheet(whole, DATASET, ("ssim",))
    with pytest.raises(DataError, match="expected records of nowhere"):
        dataset_sheet(whole, "nowhere")


def test_a_csv_has_the_numbers_in_full_with_both_ends(whole: Board) -> None:
    text = WRITERS["csv"](dataset_sheet(whole, DATASET, ("l1",)))
    rows = list(csv.DictReader(StringIO(text)))
    name = "mannequin_street (500 pairs) l1"
    assert rows[0][name] == "0.4"
    score = whole.measured[0].result.score("l1")
    assert rows[0][f"{name} low"] == repr(score.low)
    assert rows[0][f"{name} high"] == repr(score.high)
    assert (rows[3][name], rows[3][f"{name} low"]) == ("", "")


def test_reported_rows_stand_by_table() -> None:
    sheet = dataset_sheet(read_board(), "market1501")
    groups = [name for name, _, _ in sheet.groups()]
    assert groups == ["", "Table 1", "Table 2", "Table 4"]
    assert [len(section) for section in sheet.sections] == [10, 4, 7]
    origins = {row[0].text: row[1].text for row in sheet.sections[0]}
    assert origins["PATN"] == "reported"
    assert origins["PATN*"] == "rerun"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_measured_figures_stand_in_no_column_of_the_papers(whole: Board, number: int) -> None:
    alone, both = paper_sheet(whole, number), paper_sheet(whole, number, with_measured=True)
    width = len(alone.columns)
    assert both.columns[:width] == alone.columns
    kept = both.sections[: len(alone.sections)]
    assert [tuple(row[:width] for row in section) for section in kept] == list(alone.sections)
    assert not any(cell.text for section in kept for row in section for cell in row[width:])
    added = [row for section in both.sections[len(alone.sections) :] for row in section]
    heads = [place for place, c in enumerate(alone.columns) if not c.figures]
    for row in added:
        assert "measured" in row[0].text or "mannequin_street" in row[0].text
        assert not any(row[place].text for place in range(width) if place not in heads)


def test_which_of_our_records_go_with_a_table(whole: Board) -> None:
    one, four = filled(paper_sheet(whole, 1, True)), filled(paper_sheet(whole, 4, True))
    assert {"made_up (measured)", "other (measured)", "short (measured)"} < set(one)
    own = {name for name in one["made_up (measured)"] if name != "Methods"}
    assert own == {"mannequin_street (500 pairs) ssim.def_gan"}
    assert [name for name in four if "measured" in name] == [
        "sat_lgr-basic, seed 0 (measured)",
        "sat_lgr, seed 1 (measured)",
    ]
    assert "no measured record" in paper_sheet(whole, 3, True).notes[-1]
    given = whole.measured[0].result
    full = given.method.model_copy(update={"name": "sat_lgr", "inputs": ["source_parsing"]})
    ours = replace(whole.measured[0], result=given.model_copy(update={"method": full}))
    line = list(paper_sheet(replace(whole, measured=(ours,)), 3, True).rows)[-1]
    assert [cell.text for cell in line[:3]] == ["sat_lgr (measured)", "✓", ""]


@pytest.mark.parametrize("form", WRITERS)
def test_the_same_records_give_the_same_bytes(
    whole: Board, form: str, cli: Callable[..., Any], tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(whole.root, copy)
    arguments = ("table", "--dataset", DATASET, "--format", form, "--root")
    once, again = cli(*arguments, str(whole.root)), cli(*arguments, str(copy))
    assert once.returncode == again.returncode == 0
    assert once.stdout == again.stdout
    assert "short" in once.stdout
