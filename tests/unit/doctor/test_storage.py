"""The folder of caches and weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from recapbench.doctor import storage


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("RECAPBENCH_HOME", str(folder))
    return folder


def test_a_home_that_is_not_there_yet_is_not_made(home: Path) -> None:
    [found] = storage.home()
    assert found.status in ("ok", "warning")  # of a machine with little space
    assert str(home) in found.detail
    assert "not made yet" in found.detail
    assert list(storage.contents()) == []
    assert not home.exists()


def test_a_file_where_the_folder_should_be(home: Path) -> None:
    home.write_text("")
    [found] = storage.home()
    assert (found.status, found.mend) == ("broken", "export RECAPBENCH_HOME=DIR")


def test_a_folder_of_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    [found] = storage.home()
    assert found.status == "broken"
    assert f"{home.parent} is no folder that can be written" in found.detail


@pytest.mark.parametrize(("free", "status"), [(1 << 30, "warning"), (3 << 30, "ok")])
def test_space(home: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    [found] = storage.home()
    assert found.status == status
    assert storage.size_text(free) in found.detail


def test_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECAPBENCH_HOME")
    [found] = storage.home()
    assert ", the default, " in found.detail


def test_sizes_by_kind(home: Path) -> None:
    for name, count in (("weights/a", 1000), ("features/b/c", 3000), ("features/d", 2000)):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(bytes(count))
    found = [(finding.name, finding.detail) for finding in storage.contents()]
    assert found == [("features", "5 KiB"), ("weights", "1000 bytes")]


@pytest.mark.parametrize(("value", "said"), [("1", "on"), ("0", "off"), ("", "off")])
def test_offline(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    monkeypatch.setenv("RECAPBENCH_OFFLINE", value)
    [found] = storage.network()
    assert found.detail.startswith(f"{said}: ")


def test_sizes_for_people() -> None:
    assert [storage.size_text(n) for n in (0, 1023, 1 << 20, 139 << 30, 5 << 50)] == [
        "0 bytes",
        "1023 bytes",
        "1 MiB",
        "139 GiB",
        "5120 TiB",
    ]
