"""Content-addressed folders below ``RECAPBENCH_HOME``: built once, whole or not at all.

Beside a folder ``<key>`` lie, hidden, its lock and while it is being built a folder of work::

    .<key>.lock          held by whoever builds; the system frees it when that process dies
    .<key>.work/         finished pieces, which the next build may check and use again
    .<key>.work/making/  what becomes ``<key>``; never used again
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from recapbench import paths
from recapbench.provenance import storage_errors

STALE_DAYS: Final = 7
"""Work that nobody went on with for so long is removed by the next build of its kind."""

_MAKING: Final = "making"


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cached_folder(kind: str, key: str, build: Callable[[Path, Path], None]) -> Path:
    """The folder ``<home>/<kind>/<key>``, built by the first process that asks for it.

    ``build(making, work)`` fills the empty folder ``making``, which is then renamed; whoever comes
    meanwhile waits. In ``work`` it may keep finished pieces: they outlive a build that fails or is
    killed, and the next one finds them, to be checked and used. Once the folder is there, they are
    removed.

    Args:
        kind: of cache, a folder name.
        key: digest of everything that the content depends on.
        build: fills the folder that it is given.

    Raises:
        StorageError: if the cache cannot be written.
    """
    parent = paths.home() / kind
    folder = parent / key
    if folder.is_dir():
        return folder
    with storage_errors(folder):
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(_lock(parent, key)):
            if not folder.is_dir():
                _sweep(parent, key)
                _make(folder, _work(parent, key), build)
    return folder


def _make(folder: Path, work: Path, build: Callable[[Path, Path], None]) -> None:
    """Build, put on disk, rename, tidy up; the lock must be held."""
    making = work / _MAKING
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        build(making, work)
        for path in (*making.iterdir(), making):
            _to_disk(path)
        os.replace(making, folder)
        _to_disk(folder.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        _drop_if_empty(work)
        raise
    shutil.rmtree(work, ignore_errors=True)


def _sweep(parent: Path, ours: str) -> None:
    """Remove the work of other keys that is done with, or that was left long ago."""
    for work in parent.glob(".*.work"):
        key = work.name[1 : -len(".work")]
        if key == ours:
            continue
        with suppress(Timeout, OSError), FileLock(_lock(parent, key), timeout=0):
            if (parent / key).is_dir() or _age_in_days(work) > STALE_DAYS:
                shutil.rmtree(work, ignore_errors=True)


def _drop_if_empty(work: Path) -> None:
    """Remove a folder of work that holds nothing worth keeping."""
    for folder in (*work.iterdir(), work):
        with suppress(OSError):
            folder.rmdir()


def _age_in_days(folder: Path) -> float:
    """Since a file of a folder was last written."""
    newest = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    return (time.time() - newest) / 86400


def _lock(parent: Path, key: str) -> Path:
    return parent / f".{key}.lock"


def _work(parent: Path, key: str) -> Path:
    return parent / f".{key}.work"


def _to_disk(path: Path) -> None:
    """Have the system write out a file, or a folder's names where the system can do that."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
