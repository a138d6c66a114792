"""Plots of the records of a leaderboard: metric against metric, and number of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ablation_records import DATASET, record

from recapbench.errors import DataError, UsageError
from recapbench.evaluation.score import SizeFigure
from recapbench.leaderboard.board import read_board
from recapbench.leaderboard.plots.choice import Field, choose_field
from recapbench.leaderboard.plots.metrics import metrics_figure, metrics_plot, versus
from recapbench.leaderboard.plots.sample_size import by_size, sample_size_figure, sample_size_plot
from recapbench.leaderboard.table4 import FULL
from recapbench.provenance import write_json
from recapbench.results import ManifestPart, Result

FID = "fid.effnet_lite0"
SIZES = (
    SizeFigure(n=125, mean=60.0, std=4.0, draws=4),
    SizeFigure(n=250, mean=50.0, std=2.0, draws=4),
    SizeFigure(n=500, mean=45.0, std=None, draws=1),
)


def with_score(result: Result, **changes: Any) -> Result:
    """A record with another figure of FID."""
    scores = [
        score.model_copy(update=changes) if score.name == FID else score for score in result.scores
    ]
    return result.model_copy(update={"scores": scores})


def missing(result: Result) -> Result:
    none = {"value": None, "reason": "too few", "low": None, "high": None, "interval": None}
    return with_score(result, **none)


@pytest.fixture(scope="module")
def field() -> Field:
    base = record(FULL)
    results = {
        "one": with_score(base, sizes=SIZES),
        "two": with_score(base, value=0.5, low=None, high=None, interval=None),
        "three": missing(base),
        "four": base.model_copy(update={"scores": base.scores[:3]}),
    }
    return Field(DATASET, results, {"five": "measured on 30 other pairs, manifest abc"})


def test_every_method_has_its_point_and_both_intervals(field: Field) -> None:
    figures = versus(field, "l1", FID)
    assert list(figures.points) == ["one", "two"]
    axes = metrics_figure(figures).axes[0]
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    score, fid = figures.points["one"]
    assert [[score.low, fid.value], [score.high, fid.value]] in drawn
    assert [[score.value, fid.low], [score.value, fid.high]] in drawn
    assert [[score.value, fid.value]] in drawn
    assert [[score.value, 0.5]] in drawn
    assert [text.get_text() for text in axes.texts if text.get_text()] == ["one", "two"]
    assert axes.get_xlabel() == "← l1 (lower is better)"
    assert axes.get_ylabel() == f"← {FID} (lower is better)"


def test_what_is_missing_is_said_and_not_drawn(field: Field) -> None:
    figures = versus(field, "l1", FID)
    assert dict(figures.left_out) == {
        "three": f"no value of {FID}: too few",
        "four": f"{FID} is not in its record",
        "five": "measured on 30 other pairs, manifest abc",
    }
    svg = " ".join(metrics_plot(figures, "svg").decode().split())
    for name in figures.left_out:
        assert f"Not drawn: {name}:" in svg
    assert all(0.0 not in line.get_ydata() for line in metrics_figure(figures).axes[0].lines)


def test_a_method_looks_the_same_whoever_else_has_a_figure(field: Field) -> None:
    more = {"four": with_score(record(FULL), value=0.1, low=0.0, high=0.2)}
    more |= {name: one for name, one in field.results.items() if name != "four"}
    colours = []
    for one in (field, Field(DATASET, more, field.left_out)):
        lines = metrics_figure(versus(one, "l1", FID)).axes[0].lines
        colours.append([line.get_color() for line in lines if 0.5 in line.get_ydata()])
    assert colours[0] == colours[1] != []


@pytest.mark.parametrize("form", ["svg", "png"])
def test_same_records_same_bytes(field: Field, form: Any) -> None:
    assert metrics_plot(versus(field, "l1", FID), form) == metrics_plot(
        versus(field, "l1", FID), form
    )
    assert sample_size_plot(by_size(field, FID), form) == sample_size_plot(
        by_size(field, FID), form
    )


def test_a_line_has_every_size_and_the_band_those_with_a_deviation(field: Field) -> None:
    figures = by_size(field, FID)
    assert list(figures.lines) == ["one"]
    assert figures.left_out["two"] == f"its record has {FID} of the whole set alone"
    axes = sample_size_figure(figures).axes[0]
    assert axes.lines[0].get_xydata().tolist() == [[125, 60.0], [250, 50.0], [500, 45.0]]
    corners = axes.collections[0].get_paths()[0].vertices
    assert {tuple(corner) for corner in corners.tolist()} == {
        (125.0, 56.0), (125.0, 64.0), (250.0, 48.0), (250.0, 52.0)
    }  # fmt: skip
    assert [label.get_text() for label in axes.get_xticklabels()] == ["125", "250", "500"]
    assert "one" in [text.get_text() for text in axes.texts]


def test_mistakes(field: Field) -> None:
    with pytest.raises(UsageError, match="unknown metric of these records 'l2'"):
        versus(field, "l2", FID)
    with pytest.raises(UsageError, match="l1 twice"):
        versus(field, "l1", "l1")
    with pytest.raises(UsageError, match="no record with l1 by number of images"):
        by_size(field, "l1")
    other = with_score(record(FULL), extractor="another")
    with pytest.raises(DataError, match="mean different things"):
        versus(Field(DATASET, {**field.results, "six": other}), "l1", FID)


def test_records_of_other_pairs_are_left_out(tmp_path: Path) -> None:
    base = record(FULL)
    other = ManifestPart(sha256="9" * 64, n=600, protocol="within_identity/1", file=None)
    for name, result in (
        ("a", base),
        ("b", base),
        ("c", base.model_copy(update={"manifest": other})),
    ):
        write_json(tmp_path / DATASET / "measured" / name / "result.json", result.document())
    field = choose_field(read_board(tmp_path), DATASET)
    assert list(field.results) == ["a", "b"]
    assert field.left_out == {"c": "measured on 600 other pairs, manifest 999999999999"}
    assert field.task == f"{DATASET} test, preset small, 500 pairs"
    with pytest.raises(DataError, match=f"there are some of {DATASET}"):
        choose_field(read_board(tmp_path), "mannequin")
