"""Pieces of a table under construction: Arrow files in a folder of work, whole or absent.

A piece's file is named after its first row, its number of rows and a SHA-256 of these and of its
content, so what another process left behind is used only if it is what its name says.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from recapbench.provenance import sha256_bytes, write_atomic

_NAME: Final = re.compile(r"(\d{9})-(\d{9})-[0-9a-f]{64}\.arrow")


def finished(work: Path, wanted: Collection[range]) -> dict[range, Path]:
    """The pieces of a folder that are wanted and sound; whatever else is in it is removed.

    Args:
        work: the folder, made if need be.
        wanted: rows of each piece.
    """
    work.mkdir(exist_ok=True)
    found: dict[range, Path] = {}
    for path in sorted(work.iterdir()):
        rows = _rows(path)
        if rows is not None and rows in wanted and rows not in found and _sound(path, rows):
            found[rows] = path
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return found


def write(work: Path, rows: range, table: Any) -> Path:
    """Write a ``pyarrow.Table`` as the piece of these rows.

    Raises:
        StorageError: if it cannot be written.
    """
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    path = work / _name(rows, data)
    write_atomic(path, data)
    return path


def _name(rows: range, data: bytes) -> str:
    head = f"{rows.start:09d}-{len(rows):09d}"
    return f"{head}-{sha256_bytes(head.encode() + data)}.arrow"


def _rows(path: Path) -> range | None:
    """The rows that a file's name states."""
    match = _NAME.fullmatch(path.name)
    return range(int(match[1]), int(match[1]) + int(match[2])) if match else None


def _sound(path: Path, rows: range) -> bool:
    """Whether a file's content is what its name says."""
    try:
        return not path.is_symlink() and _name(rows, path.read_bytes()) == path.name
    except OSError:
        return False
