"""Reported records: strict, and what `scripts/build_reported.py` makes of the typed figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from checkout_scripts import load_script

from recapbench.errors import DataError
from recapbench.evaluation.metrics import METRICS
from recapbench.leaderboard.board import read_board
from recapbench.leaderboard.nearest import OFFLINE, nearest
from recapbench.leaderboard.reported import read_reported
from recapbench.paths import shipped

SHIPPED = "market1501/reported/table1-patn-rerun.json"


@pytest.fixture
def script() -> ModuleType:
    return load_script("build_reported")


def test_the_shipped_files_are_what_the_script_makes(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["build_reported.py", "--check"])
    assert script.main() == 0
    monkeypatch.setattr("sys.argv", ["build_reported.py", "--root", str(tmp_path)])
    stray = tmp_path / "market1501" / "reported" / "table9-x.json"
    stray.parent.mkdir(parents=True)
    stray.touch()
    assert script.main() == 0
    assert not stray.exists()
    made = {path.relative_to(tmp_path) for path in tmp_path.glob("*/reported/*.json")}
    root = shipped("leaderboards")
    assert made == {path.relative_to(root) for path in root.glob("*/reported/*.json")}


def test_figures_have_counterparts_here() -> None:
    board = read_board()
    figures = [figure for record in board.reported for figure in record.figures]
    assert len(figures) == 11 * 2 + 10 * 4 + 4 * 2 + 5 * 3 + 7 * 3 + 7 * 5
    for figure in figures:
        metrics = [METRICS[name] for name in nearest(figure)]
        assert {metric.higher_is_better for metric in metrics} == {figure.higher_is_better}
    assert set(OFFLINE) | set(OFFLINE.values()) <= set(METRICS)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    path = tmp_path / SHIPPED
    path.parent.mkdir(parents=True)
    path.write_bytes((shipped("leaderboards") / SHIPPED).read_bytes())
    return path


def test_digits_are_kept(copied: Path) -> None:
    record = read_reported(copied)
    texts = {figure.heading: figure.text for figure in record.figures}
    assert texts == {"IS": "3.256", "M-IS": "3.741", "SSIM": "0.291", "M-SSIM": "0.784"}
    assert record.figure("FID") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(extra=1), "Extra inputs"),
        (lambda r: r.update(origin="measured"), "origin"),
        (lambda r: r["figures"][0].update(value="3.256"), "valid number"),
        (lambda r: r["figures"][0].update(value=3.2561), "more than 3 decimals"),
        (lambda r: r["figures"][1].update(heading="IS"), "a heading has more than one figure"),
        (lambda r: r.update(figures=[]), "at least 1 item"),
        (lambda r: r["protocol"].pop("ssim"), "Field required"),
        (lambda r: r.update(dataset="deepfashion"), "expected it as deepfashion/reported/"),
        (lambda r: r.update(table=2), "expected it as market1501/reported/table2-patn-rerun.json"),
    ],
)
def test_a_record_is_strict(copied: Path, change: Callable[[Any], object], message: str) -> None:
    document = json.loads(copied.read_text())
    change(document)
    copied.write_text(json.dumps(document))
    with pytest.raises(DataError, match=message):
        read_reported(copied)


def test_a_record_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_reported(tmp_path / "table1-x.json")
