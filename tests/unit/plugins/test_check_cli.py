"""`recapbench check` as a user sees it: a process that bad methods cannot take with them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_plugins import add_distribution

from recapbench.conformance.report import CHECKS, CheckReport
from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import find_dataset

Cli = Callable[..., subprocess.CompletedProcess[str]]


def failure(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The check that failed, and why."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    report = CheckReport.model_validate_json(done.stdout)
    assert [row.check for row in report.rows] == [*CHECKS, "ending"]
    ((check, why),) = [(row.check, row.detail) for row in report.rows if row.status == "fail"]
    return check, why


def test_a_sound_method(cli: Cli) -> None:
    done = cli("check", "copy_source", "--pairs", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("copy_source of recapbench ")
    assert lines[1].startswith("2 pairs of mannequin_street on cpu")
    assert [line.split("  ")[0] for line in lines[3:]] == [*CHECKS, "ending"]
    assert "14 pass, 0 warning, 0 fail, 4 skipped" in done.stderr


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("bad_import", "import", "failed to import: RuntimeError: the moon is full"),
        ("bad_exit", "generation", "SystemExit: 0"),
        ("bad_hard_exit", "generation", "ended with exit code 0 (generation, 3 of 17), without"),
    ],
)
def test_bad_plugins(cli: Cli, bad_plugins: Path, name: str, check: str, said: str) -> None:
    done = cli("check", name, "--json", PYTHONPATH=str(bad_plugins))
    found, why = failure(done)
    assert found == check
    assert why.startswith(f"method {name!r} of recapbench-bad 1.0 (recapbench_bad.")
    assert said in why


def test_a_method_that_hangs(cli: Cli, bad_plugins: Path) -> None:
    open_annotations(find_dataset("mannequin_street").open("test", "tiny"))  # rendered now
    began = time.monotonic()
    done = cli("check", "bad_hang", "--json", "--time-limit", "20", PYTHONPATH=str(bad_plugins))
    check, why = failure(done)
    assert check == "generation"
    assert "'bad_hang' of recapbench-bad 1.0" in why
    assert "nothing moved for 20 s" in why
    assert time.monotonic() - began < 120


def test_what_a_plugin_prints_is_no_result(cli: Cli, tmp_path: Path) -> None:
    add_distribution(tmp_path / "site", "chatty", "4", {"printing": "toys:Printing"})
    search = f"{tmp_path / 'site'}:{Path(__file__).parent}"
    done = cli("check", "printing", "--json", "--pairs", "2", PYTHONPATH=search)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["distribution"] == "chatty 4"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("copy_sorce",), "unknown method 'copy_sorce'. Did you mean 'copy_source'?"),
        (("copy_source", "--dataset", "manequin"), "unknown dataset 'manequin'"),
        (("copy_source", "--set", "width=3"), "unknown configuration key of copy_source 'width'"),
        (("copy_source", "--pairs", "1"), "--pairs"),
    ],
)
def test_usage_errors(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("check", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_damaged_weights(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"nonsense")
    done = cli("check", "sat_lgr", "--weights", "weights.safetensors")
    assert done.returncode == 3, done.stderr
    assert "weights.safetensors: not a whole safetensors file" in done.stderr
