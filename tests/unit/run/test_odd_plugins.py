"""Plugins that keep the contract and are a nuisance all the same: nothing is lost through them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_plugins import add_distribution

from recapbench.comparison.record import Comparison
from recapbench.results import read_result

Cli = Callable[..., subprocess.CompletedProcess[str]]

TINY = ("--dataset", "mannequin_street", "--preset", "tiny", "--metrics", "l1", "--device", "cpu")
TITLE = "GAN [ours] of [/x] :smile:"

PLUGIN = f'''
import os, tempfile
from recapbench.methods.reference import CopySource

class Odd(CopySource):
    """Prints in two ways, and leaves the working directory."""
    name, title = "odd", {TITLE!r}
    def generate(self, query):
        print("noise by print")
        os.write(1, b"noise by the descriptor\\n")
        os.chdir(tempfile.gettempdir())
        return super().generate(query)

class Signalled(CopySource):
    """Ended by a signal that has no name."""
    name = "signalled"
    def generate(self, query):
        os.kill(os.getpid(), 40)

class Unsaid(Exception):
    def __str__(self):
        raise ValueError

class Mute(CopySource):
    """Raises an error that has no text."""
    name = "mute"
    def generate(self, query):
        raise Unsaid
'''


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    methods = {kind.lower(): f"odd.methods:{kind}" for kind in ("Odd", "Signalled", "Mute")}
    add_distribution(site, "odd", "0.1", methods)
    (site / "odd").mkdir()
    (site / "odd" / "__init__.py").touch()
    (site / "odd" / "methods.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_a_method_that_prints_and_moves(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", "--method", "odd", *TINY, "--limit", "2", "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["method"]["title"] == TITLE
    assert "noise by print" in done.stderr
    assert "noise by the descriptor" in done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"images", "request.json", "result.json", "values.csv", "grid.png"}
    printed = cli("run", "--method", "odd", *TINY, "--limit", "2", "--out", "again")
    assert printed.returncode == 0, printed.stderr
    words = " ".join(printed.stdout.split())
    assert f"{TITLE} on 2 pairs of mannequin_street/test" in words


def test_among_others(cli: Cli, tmp_path: Path) -> None:
    words = ("run", "--method", "signalled,mute,odd,copy_source", *TINY, "--limit", "2")
    done = cli(*words, "--out", "out")
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    comparison = Comparison.model_validate_json((tmp_path / "out/comparison.json").read_text())
    assert [method.title for method in comparison.methods] == [TITLE, "The source image, unchanged"]
    assert [failure.method for failure in comparison.failed] == ["signalled", "mute"]
    assert "ended by signal 40" in comparison.failed[0].reason
    assert "Unsaid: its own text cannot be had" in comparison.failed[1].reason


def test_a_label_and_a_folder_with_brackets(cli: Cli, tmp_path: Path) -> None:
    assert cli("run", "--method", "odd", *TINY, "--limit=2", "--out", "r[x]").returncode == 0
    words = ("--generated", "r[x]/images", *TINY, "--limit=2", "--label", "v1 [/final] [ours]")
    done = cli("score", *words, "--out", "s[/x]")
    assert done.returncode == 0, done.stderr
    assert "v1 [/final] [ours]" in done.stdout
    assert "s[/x]/result.json" in done.stderr
    assert read_result(tmp_path / "s[/x]/result.json").method.name == "v1 [/final] [ours]"


def test_a_terminal_that_cannot_show_every_sign(cli: Cli, tmp_path: Path) -> None:
    for name in ("copy_source", "odd"):
        assert cli("run", "--method", name, *TINY, "--limit=2", "--out", name).returncode == 0
    done = cli("compare", "copy_source", "odd", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert r"l1 \u2193" in done.stdout
