"""The folder of caches and weights, its size, and whether the network may be used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recapbench import paths
from recapbench.doctor.finding import STORAGE, Finding

LITTLE: Final = 2 << 30
"""Bytes that `mannequin` of size `full` takes, to be free."""
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")


def home() -> Iterator[Finding]:
    """Where caches and weights are kept, whether they can be, and how much space is left."""
    folder = paths.home()
    given = "" if os.environ.get("RECAPBENCH_HOME") else ", the default"
    name, where = "RECAPBENCH_HOME", f"{folder}{given}"
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        detail = f"{where}: {there} is no folder that can be written"
        yield Finding(STORAGE, name, "broken", detail, "export RECAPBENCH_HOME=DIR")
        return
    free = shutil.disk_usage(there).free
    detail = f"{where}, {size_text(free)} free" + ("" if folder.exists() else ", not made yet")
    if free < LITTLE:
        detail += f"; mannequin of size full takes about {size_text(LITTLE)}"
        yield Finding(STORAGE, name, "warning", detail, "export RECAPBENCH_HOME=DIR")
    else:
        yield Finding(STORAGE, name, "ok", detail)


def contents() -> Iterator[Finding]:
    """How much each kind of cache takes."""
    folder = paths.home()
    for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
        yield Finding(STORAGE, kind.name, "ok", size_text(size(kind)))


def network() -> Iterator[Finding]:
    """Whether downloads are allowed."""
    said = "on: nothing is downloaded" if paths.offline() else "off: weights may be downloaded"
    yield Finding(STORAGE, "RECAPBENCH_OFFLINE", "ok", said)


def size(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile is not counted."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def size_text(count: float) -> str:
    """A number of bytes for people."""
    for unit in _UNITS[:-1]:
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.0f} {_UNITS[-1]}"
