"""The examples of docs/plugins.md run as they stand there, and what it quotes is what is said."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from bad_plugins import add_distribution

import recapbench
from recapbench.cli import app
from recapbench.data.query import INPUTS, Query
from recapbench.errors import unknown
from recapbench.methods.base import ImageSpec
from recapbench.methods.contract import generate_checked
from recapbench.methods.find import find_method

Cli = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/plugins.md"
METHODS = {
    "mine": "recapbench_mine.method:Mine",
    "loaded": "recapbench_mine.loaded.method:Loaded",
    "trained": "recapbench_mine.trained.method:Trained",
}
STREET = ImageSpec(128, 64, parts=7, settings="market1501")
TINY = ("--dataset", "mannequin_street", "--preset", "tiny", "--device", "cpu")

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs docs/plugins.md of the checkout")


def named_blocks() -> Iterator[tuple[str, str]]:
    """Blocks of the page whose first line names a file, with that name."""
    for block in re.findall(r"```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL):
        if found := re.match(r"# (recapbench_mine/\S+)\n", block):
            yield found[1], block


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, installed: a folder for ``PYTHONPATH``."""
    folder = tmp_path_factory.mktemp("mine") / "site"
    add_distribution(folder, "recapbench-mine", "1.0", METHODS)
    for name, text in named_blocks():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return folder


@pytest.fixture
def imports(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples can be imported here, whoever has imported others of their names before."""
    monkeypatch.syspath_prepend(site)
    for name in [name for name in sys.modules if name.partition(".")[0] == "recapbench_mine"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def succeed(cli: Cli, site: Path) -> Callable[..., str]:
    """What a command prints, with the examples installed."""

    def call(*arguments: str) -> str:
        done = cli(*arguments, PYTHONPATH=str(site))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def failures(report: str) -> list[str]:
    return [
        f"{row['check']}: {row['detail']}"
        for row in json.loads(report)["rows"]
        if row["status"] in ("fail", "warning")
    ]


@pytest.mark.usefixtures("imports")
def test_the_shortest_method() -> None:
    method = find_method("mine").open("mannequin_street", STREET)
    image = torch.rand(2, 3, *STREET.size)
    made = generate_checked(method, Query(("a",) * 2, ("b",) * 2, {"source_image": image}), STREET)
    assert torch.equal(made.images[..., 0], image[..., -1])


@pytest.mark.usefixtures("imports")
def test_a_model_that_is_trained_elsewhere(succeed: Callable[..., str], tmp_path: Path) -> None:
    from recapbench_mine.network import Network

    torch.save(Network(width=8).state_dict(), tmp_path / "model.pth")
    assert not failures(succeed("check", "loaded", "--weights", "model.pth", "--json"))


def test_a_model_that_is_trained_here(succeed: Callable[..., str], tmp_path: Path) -> None:
    assert not failures(succeed("check", "trained", "--config", "cpu", "--json"))
    train = ("train", "--method", "trained", *TINY, "--config", "cpu", "--steps", "4")
    succeed(*train, "--sample-every", "0", "--log-every", "1", "--out", "training")
    losses = (tmp_path / "training/losses.jsonl").read_text().splitlines()
    assert [set(json.loads(line)["losses"]) for line in losses] == [{"l1", "fooled", "judged"}] * 4
    run = ("run", "--method", "trained", *TINY, "--limit", "1", "--metrics", "l1", "--json")
    result = json.loads(succeed(*run, "--weights", "training/weights.safetensors", "--out", "run"))
    assert result["method"]["distribution"] == "recapbench-mine 1.0"
    assert result["method"]["config"]["width"] == 8
    assert result["weights"]["training"]["steps_taken"] == 4


@pytest.mark.usefixtures("imports")
def test_the_settings_of_the_larger_datasets_are_whole() -> None:
    from recapbench_mine.trained.method import Trained

    for settings in ("deepfashion", "market1501"):
        config = Trained.configure(replace(STREET, settings=settings))
        assert config.width == 32


def commands() -> list[str]:
    return [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    recap")]


@pytest.mark.parametrize("line", commands())
def test_the_options_of_a_command_exist(line: str) -> None:
    _, verb, *words = shlex.split(line)
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_input_is_told() -> None:
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"\n\| `.*", PAGE.read_text()))))
    assert told >= INPUTS


def quotes() -> list[str]:
    """What one sees, by the last table of the page."""
    table = PAGE.read_text().partition("| one sees |")[2]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize("quote", quotes())
def test_what_is_quoted_is_said(quote: str) -> None:
    sources = Path(recapbench.__file__).parent.rglob("*.py")
    texts = [str(unknown("method", "mine", ())), *(_spoken(file.read_text()) for file in sources)]
    assert any(quote in text for text in texts)


def _spoken(source: str) -> str:
    """A source whose pieces of text are put together where they go on in the next line."""
    return re.sub(r"\"\s*\n\s*f?\"", "", source)
