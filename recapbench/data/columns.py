"""Columns of a memory-mapped Arrow table as plain buffers.

A table's own accessors make an Arrow scalar for every value, which takes as long as to unpack the
value. Here a column's buffers are taken once, and a value is a slice of the file's pages.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class _Chunks(Generic[T]):
    """Runs of consecutive rows, found by row."""

    def __init__(self) -> None:
        self.runs: list[T] = []
        self._firsts: list[int] = []
        self._rows = 0

    def add(self, run: T, rows: int) -> None:
        if rows:
            self.runs.append(run)
            self._firsts.append(self._rows)
            self._rows += rows

    def find(self, row: int) -> tuple[T, int]:
        """The run that holds a row, and the row's place in it."""
        number = bisect_right(self._firsts, row) - 1
        return self.runs[number], row - self._firsts[number]


class _Run(NamedTuple):
    """Values of consecutive rows; ``offsets`` into ``data`` are int32 (rows + 1)."""

    offsets: memoryview
    data: memoryview


class BinaryColumn:
    """A column of type ``binary``: the stored bytes of a row, uncopied.

    Args:
        column: a ``pyarrow.ChunkedArray`` without nulls.

    Raises:
        ValueError: if it is of another type or holds nulls.
    """

    def __init__(self, column: Any) -> None:
        import pyarrow as pa

        if column.type != pa.binary() or column.null_count:
            raise ValueError(
                f"expected bytes in every row, got {column.type}, {column.null_count} missing"
            )
        self._chunks: _Chunks[_Run] = _Chunks()
        for chunk in column.chunks:
            if len(chunk):
                _, offsets, data = chunk.buffers()
                view = memoryview(offsets).cast("B").cast("i")
                rows = view[chunk.offset : chunk.offset + len(chunk) + 1]
                self._chunks.add(_Run(rows, memoryview(data)), len(chunk))

    def __getitem__(self, row: int) -> memoryview:
        (offsets, data), place = self._chunks.find(row)
        return data[offsets[place] : offsets[place + 1]]


class ArrayColumn:
    """A column of type ``datasets.Array2D``, float32: a row's array, uncopied, not writable.

    Args:
        column: a ``pyarrow.ChunkedArray`` without nulls.
        shape: of one row's array.

    Raises:
        ValueError: if the values are not that many, or some are missing.
    """

    def __init__(self, column: Any, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._chunks: _Chunks[npt.NDArray[np.float32]] = _Chunks()
        for chunk in column.chunks:
            values = chunk.storage.flatten().flatten().to_numpy(zero_copy_only=True)
            self._chunks.add(values.reshape(len(chunk), *shape), len(chunk))

    def __getitem__(self, row: int) -> npt.NDArray[np.float32]:
        array, place = self._chunks.find(row)
        return array[place]

    def whole(self) -> npt.NDArray[np.float32]:
        """A copy of all rows, (rows, *shape)."""
        return np.concatenate([np.empty((0, *self._shape), np.float32), *self._chunks.runs])
