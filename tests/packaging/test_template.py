"""The template of a third party's method, installed beside the wheel, does what its page says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from environments import Fresh

METHOD = "recapbench_shift_zoom/method.py"


def test_its_method_file_has_less_than_40_lines(root: Path) -> None:
    assert len((root / "docs/template" / METHOD).read_text().splitlines()) < 40


def test_everything_of_ours_is_the_installed_copy(fresh: Fresh, root: Path) -> None:
    names = "recapbench", "recapbench_baselines", "recapbench_shift_zoom"
    said = fresh.python(
        "-c", f"import sys, {', '.join(names)}\nfor m in {names}: print(sys.modules[m].__file__)"
    )
    files = [Path(line) for line in said.splitlines()]
    assert files == [fresh.packages / name / "__init__.py" for name in names]
    path = fresh.python("-c", "import sys; print(*sys.path, sep='\\n')").splitlines()
    assert not [entry for entry in path if Path(entry).is_relative_to(root)]


def test_it_is_listed(fresh: Fresh) -> None:
    rows = {row["name"]: row for row in json.loads(fresh.recapbench("list", "methods", "--json"))}
    assert rows["shift_zoom"] == {
        "name": "shift_zoom",
        "from": "recapbench-shift-zoom 0.1.0",
        "object": "recapbench_shift_zoom.method:ShiftZoom",
    }
    assert rows["pg2"]["from"] == rows["copy_source"]["from"]


@pytest.mark.usefixtures("rendered")
def test_it_passes_the_check(fresh: Fresh) -> None:
    report = json.loads(fresh.recapbench("check", "shift_zoom", "--json"))
    assert report["distribution"] == "recapbench-shift-zoom 0.1.0"
    found = {row["check"]: row["status"] for row in report["rows"]}
    assert "pass" in found.values()
    assert not [check for check, status in found.items() if status in ("fail", "warning")]


@pytest.mark.usefixtures("rendered")
def test_it_stands_in_a_table_and_is_closer_than_the_source(fresh: Fresh) -> None:
    said = fresh.recapbench(
        *("run", "--method", "copy_source,shift_zoom", "--dataset", "mannequin_street"),
        *("--preset", "tiny", "--limit", "2", "--metrics", "l1", "--out", "table"),
    )
    assert "shift_zoom" in said
    assert "l1" in said
    results = [
        json.loads((fresh.folder / "table" / name / "result.json").read_text())
        for name in ("copy_source", "shift_zoom")
    ]
    assert results[1]["method"]["distribution"] == "recapbench-shift-zoom 0.1.0"
    copied, moved = (result["scores"][0]["value"] for result in results)
    assert moved < copied


def test_its_own_tests_pass(fresh: Fresh) -> None:
    tests = fresh.venv.parent / "template" / "tests"
    assert "4 passed" in fresh.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests))
