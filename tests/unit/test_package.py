"""The package as a whole: lazy public names, layers, entry points, shipped files, provenance."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import recapbench
from recapbench import paths, provenance, registry
from recapbench.data.manifest import read_manifest, shipped_manifest
from recapbench.errors import StorageError, UsageError
from recapbench.methods.base import Method
from recapbench.methods.find import find_method
from recapbench.methods.weights_file import read_header


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, recapbench; print('torch' in sys.modules, 'numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    "module", ["cli", "leaderboard.verify", "leaderboard.plots.training", "page.site"]
)
def test_what_reads_files_alone_loads_no_torch(module: str) -> None:
    code = f"import sys, recapbench.{module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


@pytest.mark.parametrize("name", recapbench.__all__)
def test_public_names_resolve(name: str) -> None:
    assert getattr(recapbench, name).__doc__


def test_an_unknown_public_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        recapbench.scores  # noqa: B018


@pytest.mark.parametrize("name", registry.available(registry.METHODS))
def test_methods_are_what_they_say(name: str) -> None:
    cls = find_method(name)
    assert issubclass(cls, Method)
    assert cls.name == name
    assert cls.title


def test_two_plugins_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("twice", f"module{i}:Thing", registry.METHODS) for i in range(2)]
    points.append(EntryPoint("once", "pathlib:Path", registry.METHODS))
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert list(registry.available(registry.METHODS)) == ["once", "twice"]
    assert registry.load(registry.METHODS, "once") is Path
    with pytest.raises(registry.PluginError, match=r"'twice' is registered more than once"):
        registry.load(registry.METHODS, "twice")


def test_a_plugin_that_fails_to_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "no_such_module_here:Thing", registry.METHODS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(registry.PluginError, match=r"'broken' .* failed to import: ModuleNotFound"):
        registry.load(registry.METHODS, "broken")


def test_a_method_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("odd", "pathlib:Path", registry.METHODS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(registry.PluginError, match="expected a subclass of Method"):
        find_method("odd")
    with pytest.raises(UsageError, match=r"unknown method 'od'\. Did you mean 'odd'"):
        find_method("od")


@pytest.mark.parametrize("dataset", ["mannequin", "mannequin_street"])
def test_manifests_are_shipped(dataset: str) -> None:
    path = shipped_manifest(dataset, "test")
    assert path is not None
    manifest = read_manifest(path)
    assert len(manifest) == 500
    assert manifest.counts["identities"] == 25


@pytest.mark.parametrize("dataset", ["mannequin", "mannequin_street"])
@pytest.mark.parametrize("name", ["pg2", "def_gan", "patn", "sat_lgr"])
def test_weights_of_one_budget_are_shipped(name: str, dataset: str) -> None:
    """What the comparison in docs/results promises: the same preset, steps and seed for all."""
    weights = find_method(name).shipped_weights(dataset)
    assert weights is not None
    assert weights.stat().st_size < 30e6
    header = read_header(weights)
    assert (header.method, header.dataset) == (name, dataset)
    training = header.training
    assert training["preset"] == "small"
    assert training["init"] is None
    assert (training["steps"], training["steps_taken"], training["seed"]) == (5000, 5000, 0)


def test_shipped_files_do_not_depend_on_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = paths.shipped("manifests")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    assert paths.shipped("manifests") == here


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    provenance.write_json(path, {"a": 1})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(provenance.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        provenance.write_json(path, {"a": 2})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_full_disk_is_a_storage_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(StorageError, match="No space left on device"),
        provenance.storage_errors(Path("/dev/full")),
        Path("/dev/full").open("wb", buffering=0) as file,
    ):
        file.write(b"x")


def test_layers() -> None:
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("needs the checkout's pyproject.toml")
    command = [str(Path(sys.executable).parent / "lint-imports")]
    if not Path(command[0]).exists():
        pytest.skip("import-linter is not installed (pip install '.[dev]')")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_digests() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert provenance.sha256_bytes(b"") == empty
    assert provenance.sha256_json({"b": 1, "a": 2}) == provenance.sha256_bytes(b'{"a":2,"b":1}')
    assert provenance.sha256_ordered(["a", "b"]) != provenance.sha256_ordered(["b", "a"])
