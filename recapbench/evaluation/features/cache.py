"""Features on disk, below ``RECAPBENCH_HOME/features``, filed under what they were made from.

A set is a folder with two arrays and a record of their lengths and digests. It is written whole or
not at all, and read only if both arrays are what the record says. Beyond a few GiB the sets that
were not used for longest are removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench import paths
from recapbench.data.cache import cached_folder
from recapbench.provenance import sha256_file, write_json

KIND: Final = "features"
LIMIT_BYTES: Final = 4 << 30
"""What all sets may take together; the newest stays, however large."""

Arrays: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Features (n,d) and logits (n,c)."""

_RECORD = "record.json"
_FILES = ("features.npy", "logits.npy")
_CHUNK = 1024


def folder() -> Path:
    """Where the sets lie."""
    return paths.home() / KIND


def find(key: str) -> Arrays | None:
    """A kept set, memory-mapped; None if there is none. One that is damaged is removed."""
    home = folder() / key
    if not home.is_dir():
        return None
    try:
        record = json.loads((home / _RECORD).read_bytes())
        if all(_intact(home / name, record["files"][name]) for name in _FILES):
            features, logits = (np.load(home / name, mmap_mode="r") for name in _FILES)
            with suppress(OSError):  # the time of its last use; a cache may be read-only
                os.utime(home / _RECORD)
            return features, logits
    except (OSError, ValueError, KeyError, TypeError):
        pass
    shutil.rmtree(home, ignore_errors=True)
    return None


def keep(key: str, arrays: Arrays, order: NDArray[np.intp], about: Mapping[str, Any]) -> None:
    """File the rows ``order`` of both arrays under a key.

    Args:
        key: digest of everything that the features depend on.
        arrays: features (u,d) and logits (u,c) of the images that differ.
        order: (n) which of them stands in each row.
        about: what a reader of the record may want to know.

    Raises:
        StorageError: if the folder cannot be written.
    """

    def build(making: Path, work: Path) -> None:
        files = {
            name: _write(making / name, array, order)
            for name, array in zip(_FILES, arrays, strict=True)
        }
        write_json(making / _RECORD, {**about, "files": files})

    cached_folder(KIND, key, build)
    _bound(key)


def _write(path: Path, rows: NDArray[np.float32], order: NDArray[np.intp]) -> dict[str, Any]:
    """An .npy file of these rows, in pieces, and what the record says of it."""
    digest, length = hashlib.sha256(), 0
    with path.open("wb") as file:
        for data in _npy(rows, order):
            digest.update(data)
            length += file.write(data)
    return {"bytes": length, "sha256": digest.hexdigest()}


def _npy(rows: NDArray[np.float32], order: NDArray[np.intp]) -> Iterator[bytes]:
    """The bytes of an .npy file of these rows."""
    head = BytesIO()
    shape = (len(order), rows.shape[1])
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    yield head.getvalue()
    for start in range(0, len(order), _CHUNK):
        yield rows[order[start : start + _CHUNK]].astype("<f4").tobytes()


def _intact(path: Path, record: Mapping[str, Any]) -> bool:
    return path.stat().st_size == record["bytes"] and sha256_file(path) == record["sha256"]


def _bound(newest: str) -> None:
    """Remove the sets that were not used for longest, until the others fit."""
    used: list[tuple[float, int, Path]] = []
    for home in folder().iterdir():
        if home.name.startswith(".") or home.name == newest:
            continue
        with suppress(OSError):
            size = sum(path.stat().st_size for path in home.iterdir())
            used.append(((home / _RECORD).stat().st_mtime, size, home))
    with suppress(OSError):
        room = LIMIT_BYTES - sum(path.stat().st_size for path in (folder() / newest).iterdir())
        for _, size, home in sorted(used, reverse=True):
            room -= size
            if room < 0:
                shutil.rmtree(home, ignore_errors=True)
