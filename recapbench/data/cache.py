"""Content-addressed folders below ``RECAPBENCH_HOME``: built once, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from recapbench import paths
from recapbench.provenance import storage_errors


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cached_folder(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder ``<home>/<kind>/<key>``, built by the first process that asks for it.

    ``build`` fills an empty folder, which is then renamed; whoever comes meanwhile waits. What a
    killed build leaves behind is removed by the next one.

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
        with FileLock(parent / f".{key}.lock"):
            if folder.is_dir():
                return folder
            for leftover in parent.glob(f".{key}.making-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            making = Path(tempfile.mkdtemp(prefix=f".{key}.making-", dir=parent))
            try:
                build(making)
                making.chmod(0o755)
                os.replace(making, folder)
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
    return folder
