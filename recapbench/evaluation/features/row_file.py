"""Rows that are too many for memory, on their way to where they are kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray


class RowFile:
    """A float32 matrix written in pieces, to a file without a name or, failing that, to memory.

    The file vanishes with its last user, whatever happens. A disk that is full or cannot be
    written costs memory and nothing else.

    Args:
        shape: rows and columns.
        folder: where the file is made.
    """

    def __init__(self, shape: tuple[int, int], folder: Path) -> None:
        self._shape = shape
        self._file: IO[bytes] | None = None
        self._memory: NDArray[np.float32] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Without a buffer: what could not be written is known at once.
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError:
            self._memory = np.zeros(shape, dtype=np.float32)

    def write(self, first: int, rows: NDArray[np.float32]) -> None:
        """Put rows (k,columns) at first, first + 1, ..."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        if self._file is not None:
            try:
                self._file.seek(first * self._shape[1] * rows.itemsize)
                _write_all(self._file, rows.tobytes())
                return
            except OSError:
                self._move_to_memory(self._file)
        assert self._memory is not None
        self._memory[first : first + len(rows)] = rows

    def array(self) -> NDArray[np.float32]:
        """The matrix, read-only; memory-mapped if it is in the file. All rows must be written."""
        if self._file is None:
            assert self._memory is not None
            return self._memory
        return np.memmap(self._file, dtype=np.float32, mode="r", shape=self._shape)

    def _move_to_memory(self, file: IO[bytes]) -> None:
        self._memory = np.zeros(self._shape, dtype=np.float32)
        file.seek(0)
        data = np.frombuffer(file.read(), dtype=np.uint8)
        flat = self._memory.reshape(-1).view(np.uint8)
        flat[: len(data)] = data
        file.close()
        self._file = None


def _write_all(file: IO[bytes], data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
