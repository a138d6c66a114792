"""The command line as a user meets it: output, exit codes, bad input, interruption."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from typer.main import get_command

from recapbench.cli import app
from recapbench.cli.options import command_line

Cli = Callable[..., subprocess.CompletedProcess[str]]

STREET = ("--dataset", "mannequin_street", "--preset", "tiny", "--limit", "4", "--device", "cpu")


def test_json_is_one_document_and_nothing_else(cli: Cli, street_weights: Path) -> None:
    done = cli("run", "--method", "sat_lgr", *STREET, "--weights", str(street_weights), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["manifest"]["n"] == 4


def test_the_table_has_a_row_for_every_metric(
    cli: Cli, street_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = cli(
        *("run", "--method", "sat_lgr", *STREET),
        *("--weights", str(street_weights), "--out", str(out)),
    )
    assert done.returncode == 0, done.stderr
    names = [score["name"] for score in json.loads((out / "result.json").read_text())["scores"]]
    assert len(names) > 8
    for name in (*names, "copy_source", "real"):
        assert name in done.stdout
    assert "generating" not in done.stdout
    assert "inception_tf" in done.stderr  # says why the figure is missing
    assert (out / "grid.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "sat_lgrr", "--dataset", "mannequin"), "Did you mean 'sat_lgr'"),
        (("--method", "sat_lgr", "--dataset", "manequin"), "Did you mean 'mannequin'"),
        (("--method", "sat_lgr", "--dataset", "mannequin", "--splitt", "x"), "--splitt"),
        (("--method", "sat_lgr", *STREET, "--split", "tset"), "Did you mean 'test'"),
        (("--method", "sat_lgr", *STREET, "--set", "widht=3"), "Did you mean 'width'"),
        (("--method", "sat_lgr", *STREET, "--set", "width"), "expected KEY=VALUE"),
        (("--method", "sat_lgr", *STREET, "--target-parsing", "mine"), "predicted or ground_truth"),
        (("--method", "copy_source", *STREET, "--device", "tpu9"), "cannot be used"),
        (("--method", "copy_source", *STREET, "--batch-size", "0"), "batch-size"),
        (("--method", "copy_source", *STREET, "--resume"), "--resume needs --out"),
        (("--method", "copy_source", *STREET, "--target-parsing", "ground_truth"), "no layout"),
    ],
)
def test_usage_errors(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli("run", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_corrupt_cached_image_is_named(cli: Cli, shared_home: Path, tmp_path: Path) -> None:
    warm = cli("run", "--method", "copy_source", *STREET)
    assert warm.returncode == 0, warm.stderr
    home = tmp_path / "home"
    shutil.copytree(shared_home, home)
    victim = next(home.glob("datasets/mannequin_street/tiny-*/test/*/street_test_0001_02.png"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    done = cli(
        *("run", "--method", "copy_source", "--dataset", "mannequin_street"),
        *("--preset", "tiny", "--device", "cpu"),
        RECAPBENCH_HOME=str(home),
    )
    assert done.returncode == 3, done.stderr
    assert "street_test_0001_02.png" in done.stderr
    assert "data prepare" in done.stderr
    mended = cli(
        *("data", "prepare", "mannequin_street", "--preset", "tiny"), RECAPBENCH_HOME=str(home)
    )
    assert mended.returncode == 0, mended.stderr
    again = cli("data", "verify", "mannequin_street", "--preset", "tiny", RECAPBENCH_HOME=str(home))
    assert again.returncode == 0, again.stderr


def test_weights_of_another_dataset_or_width_or_truncated(
    cli: Cli, street_weights: Path, tmp_path: Path
) -> None:
    studio = ("--dataset", "mannequin", "--preset", "tiny", "--limit", "1")
    done = cli("run", "--method", "sat_lgr", *studio, "--weights", str(street_weights))
    assert done.returncode == 3
    assert "expected mannequin, got mannequin_street" in done.stderr
    wide = ("--weights", str(street_weights), "--set", "width=8")
    done = cli("run", "--method", "sat_lgr", *STREET, *wide)
    assert done.returncode == 3
    assert "width: expected 8, got 4" in done.stderr
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(street_weights.read_bytes()[:-10])
    done = cli("run", "--method", "sat_lgr", *STREET, "--weights", str(broken))
    assert done.returncode == 3
    assert "broken.safetensors: not a whole safetensors file" in done.stderr


def test_a_cache_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache folder should be")
    done = cli(*("run", "--method", "copy_source", *STREET), RECAPBENCH_HOME=str(blocked / "home"))
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_folder_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("run", "--method", "copy_source", *STREET, "--out", str(tmp_path / "file" / "out"))
    assert done.returncode == 1
    assert "cannot write" in done.stderr


def test_ctrl_c_exits_with_130_and_can_be_finished(
    cli: Cli,
    cli_started: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[..., None],
    street_weights: Path,
    tmp_path: Path,
) -> None:
    whole = tmp_path / "whole"
    arguments = ("run", "--method", "sat_lgr", "--dataset", "mannequin_street", "--preset", "tiny")
    weights = ("--weights", str(street_weights), "--device", "cpu")
    assert cli(*arguments, *weights, "--out", str(whole)).returncode == 0
    out = tmp_path / "out"
    process = cli_started(*arguments, *weights, "--out", str(out))
    wait_until(lambda: any((out / "images").glob("*.png")) or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert not (out / "result.json").exists()
    finished = cli(*arguments, *weights, "--out", str(out), "--resume")
    assert finished.returncode == 0, finished.stderr
    results = [json.loads((o / "result.json").read_text()) for o in (whole, out)]
    assert results[0]["outputs"] == results[1]["outputs"]
    assert results[0]["scores"] == results[1]["scores"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("methods", "sat_lgr"),
        ("datasets", "mannequin_street"),
        ("metrics", "ssim.def_gan"),
        ("protocols", "within_identity"),
    ],
)
def test_names_can_be_listed(cli: Cli, kind: str, name: str) -> None:
    assert name in cli("list", kind).stdout
    rows = json.loads(cli("list", kind, "--json").stdout)
    assert any(row["name"].startswith(name) for row in rows)


def test_an_unknown_kind_of_list(cli: Cli) -> None:
    done = cli("list", "metric")
    assert done.returncode == 2
    assert "Did you mean 'metrics'" in done.stderr


def test_version_and_help(cli: Cli) -> None:
    assert cli("--version").stdout.split()[0] == "recapbench"
    for verb in ("run", "train", "list", "data"):
        done = cli(verb, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout


def _parameters(command: Any) -> Iterator[Any]:
    """Those of a command and of all below it."""
    yield from command.params
    for one in getattr(command, "commands", {}).values():
        yield from _parameters(one)


def test_no_help_text_loses_a_part_as_markup() -> None:
    texts = [getattr(one, "help", None) or "" for one in _parameters(get_command(app))]
    assert "Split of the dataset; test by default." in texts
    assert [text for text in texts if Text.from_markup(text).plain != text] == []


def test_a_recorded_command_names_no_folder_of_this_machine() -> None:
    arguments = [
        "train",
        "--out",
        "/far/away/first",
        "--init=/far/w.safetensors",
        "--seed",
        "3",
    ]
    wanted = "recapbench train --out first --init=w.safetensors --seed 3"
    assert command_line(arguments) == wanted
