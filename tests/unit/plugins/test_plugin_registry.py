"""The registry among bad plugins: one of them never takes the others' names with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from bad_plugins import BAD, TWIN, WORSE

from recapbench import registry
from recapbench.errors import UsageError
from recapbench.methods.base import Method, MethodConfig
from recapbench.methods.find import find_method
from recapbench.registry import PluginError

Cli = Callable[..., subprocess.CompletedProcess[str]]

GENERATE = {"generate": lambda self, query: query.source_image}
FINE = {"name": "odd", "title": "Odd", "inputs": frozenset({"source_image"}), **GENERATE}


class Thawed(MethodConfig, frozen=False):
    """Settings that can be changed."""


@pytest.fixture
def installed(bad_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(bad_plugins)


@pytest.mark.usefixtures("installed")
def test_a_shared_name_leaves_the_others_alone() -> None:
    found = registry.available(registry.METHODS)
    assert {*BAD, *WORSE, "copy_source", "sat_lgr"} <= found.keys()
    assert [name for name, plugin in found.items() if plugin.shared] == list(TWIN)
    assert found["bad_nan"].distribution == "recapbench-bad 1.0"
    assert registry.load(registry.METHODS, "bad_nan").name == "bad_nan"
    with pytest.raises(
        PluginError,
        match=r"'bad_shared' is registered more than once: recapbench-bad 1\.0 \(.*:Shared\), "
        r"recapbench-twin 2\.0 \(.*:Generate\)",
    ):
        find_method("bad_shared")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "said"),
    [("bad_import", "RuntimeError: the moon is full"), ("bad_exit_import", "SystemExit: 0")],
)
def test_what_goes_wrong_at_import_is_named(name: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        find_method(name)
    value = {**BAD, **WORSE}[name]
    assert str(caught.value) == (
        f"method {name!r} of recapbench-bad 1.0 ({value}) failed to import: {said}"
    )
    assert caught.value.__cause__ is not None


def test_the_list_shows_the_conflict(cli: Cli, bad_plugins: Path) -> None:
    done = cli("list", "methods", "--json", PYTHONPATH=str(bad_plugins))
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["bad_shared"]["from"] == "recapbench-bad 1.0, recapbench-twin 2.0"
    assert rows["bad_shared"]["object"].startswith("in conflict: ")
    assert rows["copy_source"]["object"] == "recapbench.methods.reference:CopySource"


def test_a_broken_dataset_leaves_the_others_in_the_list(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "site/odd-3.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 3\n")
    (folder / "entry_points.txt").write_text("[recapbench.datasets]\nnowhere = no_such:THING\n")
    done = cli("list", "datasets", "--json", PYTHONPATH=str(tmp_path / "site"))
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "'nowhere' of odd 3 (no_such:THING) failed to import" in rows["nowhere"]["title"]
    assert rows["mannequin"]["splits"].startswith("train test")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "even"}, "expected name 'odd' as its entry point has it, got 'even'"),
        ({"title": " "}, "expected a title of one line, got ' '"),
        ({"inputs": {"source_image"}}, "expected inputs as a frozenset of names"),
        (
            {"inputs": frozenset({"target_image"})},
            "target_pose, got target_image",
        ),
        ({"generate": Method.generate}, "expected a class that can be made, got one without gen"),
        ({"config_class": dict}, "expected config_class to be a subclass of MethodConfig"),
        ({"config_class": Thawed}, "expected a config_class that is frozen"),
    ],
)
def test_a_wrong_declaration_is_named(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, object], said: str
) -> None:
    point = EntryPoint("odd", "somewhere:Odd", registry.METHODS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    monkeypatch.setattr(EntryPoint, "load", lambda self: type("Odd", (Method,), FINE))
    assert find_method("odd").title == "Odd"
    monkeypatch.setattr(EntryPoint, "load", lambda self: type("Odd", (Method,), {**FINE, **facts}))
    with pytest.raises(PluginError) as caught:
        find_method("odd")
    assert "method 'odd' of unknown distribution (somewhere:Odd)" in str(caught.value)
    assert said in str(caught.value)


def test_an_interruption_while_importing_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: EntryPoint) -> None:
        raise KeyboardInterrupt

    point = EntryPoint("odd", "somewhere:Odd", registry.METHODS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    monkeypatch.setattr(EntryPoint, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find_method("odd")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown method 'copy_sorce'\. Did you mean"):
        find_method("copy_sorce")
