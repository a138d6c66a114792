"""Logs of trainings, and their curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recapbench.errors import DataError
from recapbench.leaderboard.plots.training import (
    is_logarithmic,
    smoothed,
    smoothing_span,
    training_figure,
    training_plot,
)
from recapbench.leaderboard.training_log import VALIDATION, TrainingLog, read_logs
from recapbench.provenance import write_json
from recapbench.training.folder import Look

PLAN = {
    "dataset": "mannequin",
    "preset": "tiny",
    "data": "d" * 64,
    "manifest": "e" * 64,
    "pairs": 10,
    "config": {},
    "steps": 100,
    "seed": 0,
    "precision": "fp32",
    "command": "recapbench train",
}


def training(folder: Path, method: str, last: int = 100, looks: bool = False) -> Path:
    """A folder of a training with a line every ten steps."""
    write_json(folder / "plan.json", PLAN | {"method": method})
    steps = range(10, last + 1, 10)
    lines = [
        {"step": step, "seconds": 1.0, "losses": {"l1": 10.0 / step, "adversarial": 1.0 - step}}
        for step in steps
    ]
    (folder / "losses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = "".join(json.dumps({"step": step, "l1": 0.5}) + "\n" for step in (10, 50))
    (folder / "validation.jsonl").write_text(text if looks else "")
    return folder


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingLog, ...]:
    root = tmp_path_factory.mktemp("trainings")
    return read_logs(
        [training(root / "a", "patn", looks=True), training(root / "b", "pg2", last=60)]
    )


def test_a_log_is_read_whole(logs: tuple[TrainingLog, ...]) -> None:
    assert [log.name for log in logs] == ["patn", "pg2"]
    assert logs[0].losses["l1"] == tuple((step, 10.0 / step) for step in range(10, 101, 10))
    assert logs[0].looks == ((10, 0.5), (50, 0.5))
    assert (logs[1].looks, logs[1].reached) == ((), 60)
    assert list(Look(step=1, l1=0.5).figures) == [VALIDATION]


def test_trainings_of_one_method_are_called_by_their_folders(tmp_path: Path) -> None:
    folders = [training(tmp_path / f"seed{k}", "patn") for k in (0, 1)]
    folders.append(training(tmp_path / "other", "pg2"))
    assert [log.name for log in read_logs(folders)] == ["seed0", "seed1", "other"]


def test_panels_have_the_raw_and_the_smoothed_line_of_each(logs: tuple[TrainingLog, ...]) -> None:
    panels = {axes.get_title("left"): axes for axes in training_figure(logs).axes}
    assert [title for title in panels if title] == [VALIDATION, "l1", "adversarial"]
    lines = [line.get_xydata().tolist() for line in panels["l1"].lines]
    span = smoothing_span(logs)
    expected = [
        [list(point) for point in curve]
        for log in logs
        for curve in (log.losses["l1"], smoothed(log.losses["l1"], span))
    ]
    assert lines == expected
    assert [line.get_xydata().tolist() for line in panels[VALIDATION].lines] == [
        [[10, 0.5], [50, 0.5]]
    ]
    assert (panels["l1"].get_yscale(), panels["adversarial"].get_yscale()) == ("log", "linear")
    assert {axes.get_xlim() for title, axes in panels.items() if title} == {(0.0, 102.0)}


def test_what_is_missing_is_said(logs: tuple[TrainingLog, ...]) -> None:
    svg = training_plot(logs, "svg").decode()
    assert "Without looks at validation pairs: pg2." in svg
    assert "Not finished: pg2 (60 of 100 steps)." in svg
    assert svg == training_plot(logs, "svg").decode()


def test_smoothing_is_a_mean_over_both_sides() -> None:
    line = tuple((step, float(step)) for step in range(0, 100, 10))
    assert smoothed(line, 20) == line  # a mean that is to one side only would bend the ends
    peak = ((0, 0.0), (10, 0.0), (20, 3.0), (30, 0.0), (40, 0.0))
    assert smoothed(peak, 10) == ((0, 0.0), (10, 1.0), (20, 1.0), (30, 1.0), (40, 0.0))
    assert smoothed(((7, 2.0),), 10) == ((7, 2.0),)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((1.0, 9.9), False), ((1.0, 10.0), True), ((0.0, 10.0), False), ((-1.0, 10.0), False)],
)
def test_an_axis_is_logarithmic_where_figures_are_far_apart(values: Any, expected: bool) -> None:
    assert is_logarithmic([tuple(enumerate(values))]) is expected


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training in"):
        read_logs([tmp_path])
    folder = training(tmp_path / "run", "patn")
    with (folder / "losses.jsonl").open("a") as file:
        file.write('{"step": 110, "los')
    assert read_logs([folder])[0].reached == 100  # a line that is being written
    with (folder / "losses.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DataError, match="line 11 is no line of a log"):
        read_logs([folder])
    (folder / "losses.jsonl").write_text("")
    with pytest.raises(DataError, match="has no line yet"):
        read_logs([folder])
