"""`recapbench plot` as a user calls it; `plot ablation` and `plot attention` have their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ablation_records import DATASET, METHODS, record
from test_plot_records import SIZES, with_score
from test_plot_training import training

from recapbench.provenance import write_json

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("board")
    for method in METHODS[:2]:
        result = with_score(record(method), sizes=SIZES)
        write_json(root / DATASET / "measured" / method / "result.json", result.document())
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Path:
    out = tmp_path_factory.mktemp("run") / "copied"
    words = ("run", "--method", "copy_source", "--dataset", DATASET, "--preset", "tiny")
    subprocess.run(
        [sys.executable, "-m", "recapbench", *words, "--metrics", "l1", "--out", str(out)],
        env=os.environ | {"RECAPBENCH_HOME": str(shared_home), "RECAPBENCH_OFFLINE": "1"},
        capture_output=True,
        check=True,
        timeout=300,
    )
    return out


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("verb", ["metrics", "sample-size"])
def test_plots_of_records(cli: Cli, board: Path, tmp_path: Path, verb: str) -> None:
    done = cli("plot", verb, "--dataset", DATASET, "--root", str(board), "--out", "out")
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "out") == [f"{verb}-{DATASET}.png", f"{verb}-{DATASET}.svg"]
    assert all(method in done.stdout for method in METHODS[:2])
    done = cli("plot", verb, "--dataset", DATASET, "--root", str(board), "--json")
    document = json.loads(done.stdout)
    assert list(document["points" if verb == "metrics" else "lines"]) == sorted(METHODS[:2])


def test_breakdown_and_grid_of_a_run(cli: Cli, run: Path, tmp_path: Path) -> None:
    done = cli("plot", "breakdown", str(run), "--by", "view", "--format", "svg", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {row["run"] for row in rows} == {"copy_source"}
    assert (
        sum(int(row["n"]) for row in rows)
        == json.loads((run / "result.json").read_text())["manifest"]["n"]
    )
    done = cli("plot", "grid", str(run), "--pick", "1,0", "--format", "pdf,png")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1: street_test_")
    assert names(tmp_path) == ["breakdown-view.svg", "grid.pdf", "grid.png"]


def test_curves_of_a_training(cli: Cli, tmp_path: Path) -> None:
    training(tmp_path / "run", "patn", looks=True)
    done = cli("plot", "training", "run", "--out", "out", "--format", "png")
    assert done.returncode == 0, done.stderr
    assert "100 of 100" in done.stdout
    assert names(tmp_path / "out") == ["training.png"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["metrics", "--dataset", "mannequin_stret"], 2, "Did you mean 'mannequin_street'"),
        (["metrics", "--dataset", "mannequin"], 3, "expected measured records of mannequin"),
        (["metrics", "--dataset", DATASET, "--format", "gif"], 2, "expected svg, png, pdf"),
        (["metrics", "--dataset", DATASET, "--y", "fid"], 2, "unknown metric of these records"),
    ],
)
def test_mistakes(
    cli: Cli, board: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    done = cli("plot", *words, "--root", str(board))
    assert (done.returncode, names(tmp_path)) == (code, [])
    assert message in done.stderr


def test_mistakes_with_runs(cli: Cli, run: Path, tmp_path: Path) -> None:
    for words, code, message in (
        (["breakdown", str(run), "--by", "sight"], 2, "unknown grouping"),
        (["grid", str(run), "--pick", "900"], 2, "expected rows from 0 to"),
        (["grid", str(run), "--titles", "a,b"], 2, "expected 1 titles, got 2"),
        (["grid", "nowhere"], 3, "cannot read result"),
        (["training", str(run)], 3, "no training in"),
    ):
        done = cli("plot", *words)
        assert (done.returncode, names(tmp_path)) == (code, []), done.stderr
        assert message in done.stderr
