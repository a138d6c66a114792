from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from recapbench.data.cache import STALE_DAYS, cached_folder
from recapbench.errors import StorageError

pytestmark = pytest.mark.usefixtures("home")


def fill(making: Path, work: Path) -> None:
    (making / "file").write_text("content")


def leave(home: Path, key: str, days: float) -> Path:
    """Work that a killed process left so many days ago."""
    work = home / "kind" / f".{key}.work"
    (work / "making").mkdir(parents=True)
    (work / "piece").write_text("piece")
    then = time.time() - days * 86400
    for path in (work / "piece", work / "making", work):
        os.utime(path, (then, then))
    return work


def test_built_once(home: Path) -> None:
    calls: list[Path] = []

    def build(making: Path, work: Path) -> None:
        calls.append(making)
        fill(making, work)

    folders = [cached_folder("kind", "key", build) for _ in range(3)]
    assert folders == [home / "kind" / "key"] * 3
    assert len(calls) == 1
    assert (folders[0] / "file").read_text() == "content"
    assert sorted(path.name for path in (home / "kind").iterdir()) == [".key.lock", "key"]


def test_pieces_outlive_a_failure_and_the_unfinished_folder_does_not(home: Path) -> None:
    def fail(making: Path, work: Path) -> None:
        (work / "piece").write_text("piece")
        fill(making, work)
        raise RuntimeError

    def resume(making: Path, work: Path) -> None:
        assert list(making.iterdir()) == []
        (making / "file").write_text((work / "piece").read_text())

    with pytest.raises(RuntimeError):
        cached_folder("kind", "key", fail)
    assert not (home / "kind" / "key").exists()
    assert [path.name for path in (home / "kind" / ".key.work").iterdir()] == ["piece"]
    assert (cached_folder("kind", "key", resume) / "file").read_text() == "piece"
    assert not (home / "kind" / ".key.work").exists()


def test_a_failure_without_pieces_leaves_nothing(home: Path) -> None:
    def fail(making: Path, work: Path) -> None:
        (work / "pieces").mkdir()
        fill(making, work)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_folder("kind", "key", fail)
    assert [path.name for path in (home / "kind").iterdir()] == [".key.lock"]


def test_old_work_is_removed_and_new_is_not(home: Path) -> None:
    old = leave(home, "old", STALE_DAYS + 1)
    new = leave(home, "new", STALE_DAYS - 1)
    done = leave(home, "done", 0)
    (home / "kind" / "done").mkdir()
    cached_folder("kind", "key", fill)
    assert [path.exists() for path in (old, new, done)] == [False, True, False]


def test_work_that_is_going_on_is_left_alone(home: Path) -> None:
    busy = leave(home, "busy", STALE_DAYS + 1)
    with FileLock(home / "kind" / ".busy.lock"):
        cached_folder("kind", "key", fill)
    assert busy.exists()
    cached_folder("kind", "other", fill)
    assert not busy.exists()


def test_threads_wait_for_the_first(home: Path) -> None:
    calls: list[int] = []

    def build(making: Path, work: Path) -> None:
        calls.append(1)
        time.sleep(0.2)
        fill(making, work)

    threads = [
        threading.Thread(target=cached_folder, args=("kind", "key", build)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_place_that_cannot_be_written(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "kind").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        cached_folder("kind", "key", fill)
