"""Which rows share a leaderboard, and what is marked in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from recapbench.leaderboard.board import Board, Measured
from recapbench.leaderboard.reported import Reported
from recapbench.page.measured_boards import measured_boards
from recapbench.page.reported_boards import reported_boards
from recapbench.page.table import Figure, Leaderboard


def _changed(record: Measured, **parts: Any) -> Measured:
    return replace(record, result=record.result.model_copy(update=parts))


def _cell(board: Leaderboard, label: str, column: str) -> Figure | None:
    place = [head.name for head in board.heads].index(column)
    return next(row.figures[place] for row in board.rows if row.label == label)


def _best(board: Leaderboard, column: str) -> list[str]:
    cells = {row.label: _cell(board, row.label, column) for row in board.rows}
    return [label for label, cell in cells.items() if cell is not None and cell.best]


@pytest.fixture
def copy(board: Board) -> Measured:
    return board.measured[0]


@pytest.fixture
def full(board: Board) -> Measured:
    return board.measured[1]


def test_rows_of_other_pairs_stand_apart(copy: Measured, full: Measured) -> None:
    assert [len(one.rows) for one in measured_boards([copy, full])] == [3]
    manifest = full.result.manifest.model_copy(update={"sha256": "0" * 64, "n": 5})
    apart = measured_boards([copy, _changed(full, manifest=manifest)])
    assert [[row.label for row in one.rows] for one in apart] == [
        ["copy_source", "real"],
        ["sat_lgr", "copy_source", "real"],
    ]
    assert [row.origin for row in apart[1].rows] == ["measured", "reference", "reference"]
    assert _best(apart[0], "l1") == []


def test_rows_of_other_images_stand_apart(copy: Measured, full: Measured) -> None:
    dataset = full.result.dataset.model_copy(update={"images": "0" * 64})
    assert len(measured_boards([copy, _changed(full, dataset=dataset)])) == 2


def test_the_best_is_marked_by_the_metrics_direction(copy: Measured, full: Measured) -> None:
    (found,) = measured_boards([copy, full])
    for name, best in (("l1", min), ("ssim.def_gan", max)):
        values = {one.method: one.result.score(name).value for one in (copy, full)}
        assert _best(found, name) == [best(values, key=values.__getitem__)]


def test_a_row_with_the_true_layout_is_never_the_best(copy: Measured, full: Measured) -> None:
    before = measured_boards([copy, full, _renamed(full, "other")])[0]
    assert _best(before, "l1") == ["other", "sat_lgr"]
    oracle = _changed(_renamed(full, "other"), target_parsing="ground_truth")
    (found,) = measured_boards([copy, full, oracle])
    assert _best(found, "l1") == ["sat_lgr"]
    assert any("true layout" in fact for fact in found.facts)


def _renamed(record: Measured, name: str) -> Measured:
    method = record.result.method.model_copy(update={"name": name})
    return _changed(replace(record, folder=record.folder.with_name(name)), method=method)


def test_intervals_are_drawn_on_one_scale(copy: Measured, full: Measured) -> None:
    (found,) = measured_boards([copy, full])
    cells = {one.method: _cell(found, one.method, "l1") for one in (copy, full)}
    bars = {name: cell.bar for name, cell in cells.items() if cell is not None}
    assert bars["sat_lgr"].start == 0.0
    assert bars["copy_source"].start + bars["copy_source"].width == pytest.approx(100, abs=1)
    assert _cell(found, "real", "l1").bar is None


def test_a_figure_of_fewer_pairs_says_so(copy: Measured, full: Measured) -> None:
    scores = [
        one.model_copy(update={"n": 4}) if one.name == "l1" else one for one in full.result.scores
    ]
    (found,) = measured_boards([copy, _changed(full, scores=scores)])
    assert _cell(found, "sat_lgr", "l1").n == "n = 4"
    assert _cell(found, "copy_source", "l1").n == ""


def test_what_has_no_value_has_no_cell_and_no_column(copy: Measured, full: Measured) -> None:
    gone = [one for one in full.result.scores if one.name != "l1"]
    (found,) = measured_boards([copy, _changed(full, scores=gone)])
    assert _cell(found, "sat_lgr", "l1") is None
    assert "lpips.alex" not in [head.name for head in found.heads]


def test_trainings_of_the_ablation_have_a_row_each(full: Measured) -> None:
    trained = replace(full, folder=full.folder.with_name("ablation"))
    (found,) = measured_boards([trained], "ablation")
    seed = full.result.weights.training["seed"]
    assert found.rows[0].label == f"sat_lgr, seed {seed}"
    assert found.rows[0].href == f"mannequin_street/sat_lgr-seed{seed}.html"
    assert found.title == "Ablation, 6 pairs"


def _of(board: Board, dataset: str) -> list[Reported]:
    return [record for record in board.reported if record.dataset == dataset]


def test_rows_that_say_the_same_are_joined(board: Board) -> None:
    stated, loose = reported_boards(_of(board, "deepfashion"))
    ours = next(row for row in stated.rows if row.label == "Ours")
    assert "Tables 1, 2, 3, 4" in ours.about
    assert [cell.text for cell in ours.figures] == ["0.778", "3.528", "15.936"]
    assert {row.origin for row in stated.rows} == {"reported", "rerun"}
    assert {row.n for row in stated.rows} == {"12,000"}
    assert {row.n for row in loose.rows} == {"not stated"}


def test_a_row_names_the_paper_that_prints_it_and_that_of_the_method(board: Board) -> None:
    stated, loose = reported_boards(_of(board, "deepfashion"))
    about = {row.label: row.about for row in (*stated.rows, *loose.rows)}
    assert about["UPIS"] == "Gao 2022, Table 1; method of Pumarola 2018"
    assert about["Basic"] == "Gao 2022, Table 4, 256x256"
    of_patn = [row.about for row in stated.rows if row.label == "PATN"]
    assert "Gao 2022, Table 3, given the source parsing; method of Zhu 2019" in of_patn


def test_rows_that_disagree_are_not_joined(board: Board) -> None:
    records = _of(board, "market1501")
    place = next(
        i for i, one in enumerate(records) if (one.table, one.method.slug) == (4, "sat_lgr")
    )
    figures = [
        figure.model_copy(update={"value": 9.999}) if figure.heading == "IS" else figure
        for figure in records[place].figures
    ]
    before = len(reported_boards(records)[0].rows)
    records[place] = records[place].model_copy(update={"figures": figures})
    assert len(reported_boards(records)[0].rows) == before + 1


def test_given_the_targets_parsing_is_never_the_best_of_a_leaderboard(board: Board) -> None:
    stated = reported_boards(_of(board, "deepfashion"))[0]
    best = [row for row in stated.rows if any(cell and cell.best for cell in row.figures)]
    assert best
    assert not [row for row in best if "target parsing" in row.about]
    assert [row for row in stated.rows if "target parsing" in row.about]


def test_other_pairs_of_one_dataset_stand_apart(board: Board) -> None:
    for dataset in ("deepfashion", "market1501"):
        stated, loose = reported_boards(_of(board, dataset))
        assert (stated.comparable, loose.comparable) == (True, False)
        assert not any(cell and cell.best for row in loose.rows for cell in row.figures)
