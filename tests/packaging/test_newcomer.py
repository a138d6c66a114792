"""The way of docs/start.md in an environment of its own: install, run, add a method, see it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from environments import Fresh

DATASET = ("--dataset", "mannequin", "--preset", "tiny", "--limit", "2", "--metrics", "l1")


def write_package(page: Path, folder: Path) -> None:
    """The files that the page's blocks name on their first lines."""
    blocks = re.findall(r"```(?:toml|python)\n# (\S+)\n(.*?)```", page.read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == [
        "pyproject.toml",
        "recapbench_smooth/__init__.py",
        "recapbench_smooth/method.py",
    ]
    for name, text in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("rendered")
def test_from_nothing_to_a_method_in_the_table(fresh: Fresh, root: Path, tmp_path: Path) -> None:
    said = fresh.recapbench("run", "--method", "copy_source,sat_lgr", *DATASET, "--out", "first")
    assert "copy_source" in said
    assert "sat_lgr" in said
    assert (fresh.folder / "first/grid.png").is_file()

    write_package(root / "docs/start.md", tmp_path)
    # Without the page's -e, for which pip would have to fetch what hatchling builds it with.
    fresh.install("--no-build-isolation", tmp_path)
    assert "fail" not in {
        row["status"] for row in json.loads(fresh.recapbench("check", "smooth", "--json"))["rows"]
    }

    fresh.recapbench("run", "--method", "copy_source,smooth", *DATASET, "--out", "second")
    figures = {
        row["label"]: row["value"]
        for metric in json.loads((fresh.folder / "second/comparison.json").read_text())["metrics"]
        for row in metric["figures"]
    }
    assert figures["smooth"] < figures["copy_source"]

    for name in ("copy_source", "smooth"):
        record = f"second/{name}/result.json"
        fresh.recapbench("leaderboard", "add", record, "--root", "boards", "--partial")
    table = ("table", "--dataset", "mannequin", "--root", "boards", "--metrics", "l1")
    lines = fresh.recapbench(*table, "--format", "csv").splitlines()
    rows = {name: cells for name, *cells in (line.split(",") for line in lines)}
    assert rows["smooth"] == ["measured", "2", str(figures["smooth"])]
