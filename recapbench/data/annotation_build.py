"""Building the table of an annotation cache: on all cores, in little memory, resumable.

Rows are made by threads (decoding, drawing and compressing run outside the interpreter's lock) and
written in pieces of ``SHARD_ROWS``; a build that was killed goes on from the last finished piece.
The pieces are then put together into one table by ``datasets``. Neither the number of threads nor
any interruption changes a byte of the outcome.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from recapbench.data import shards
from recapbench.data.codec import Packed, pack
from recapbench.data.pose import pose_mask
from recapbench.data.split import Progress, Split

T = TypeVar("T")

SHARD_ROWS: Final = 1024
"""Rows a piece: about two seconds of one core's work at 256x256."""

_AHEAD: Final = 1024
_PIECES: Final = "pieces"


class _Row(NamedTuple):
    parsing: Packed | None
    mask: Packed


def build_table(
    split: Split,
    folder: Path,
    work: Path,
    fingerprint: str,
    workers: int,
    progress: Progress | None = None,
) -> None:
    """Fill a folder with the table of a split, for ``datasets.load_from_disk``.

    Args:
        split: whose annotations.
        folder: an empty folder.
        work: where pieces are kept until the folder is whole.
        fingerprint: what ``datasets`` is to know the table by.
        workers: number of threads.
        progress: called with how many rows are done, and how many there are.

    Raises:
        DataError: if a label file is missing or damaged.
        StorageError: if a piece cannot be written.
    """
    count = len(split)
    wanted = [
        range(start, min(start + SHARD_ROWS, count)) for start in range(0, count or 1, SHARD_ROWS)
    ]
    pieces = work / _PIECES
    places = shards.finished(pieces, wanted)
    done = sum(map(len, places))
    for rows in wanted:
        if rows not in places:
            made: list[_Row] = []
            for row in in_order(lambda position: _row(split, position), rows, workers):
                made.append(row)
                if progress is not None:
                    progress(done + len(made), count)
            done += len(rows)
            places[rows] = shards.write(pieces, rows, _table(split, rows, made))
    _assemble([places[rows] for rows in wanted], folder, fingerprint)


def discard(work: Path) -> None:
    """Forget the finished pieces."""
    shutil.rmtree(work / _PIECES, ignore_errors=True)


def in_order(function: Callable[[int], T], rows: range, workers: int) -> Iterator[T]:
    """Results for all rows, in their order, made by threads that run a bounded way ahead."""
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(rows), _AHEAD):
            yield from pool.map(function, rows[start : start + _AHEAD])


def _row(split: Split, position: int) -> _Row:
    mask = pose_mask(split.keypoints[position], split.record.image_size)
    parsing = pack(split.labels(split.names[position])) if split.has_parsing else None
    return _Row(parsing, pack(np.packbits(mask)))


def _table(split: Split, rows: range, made: Sequence[_Row]) -> Any:
    """A ``pyarrow.Table`` of consecutive rows, with the types of ``datasets`` in its schema."""
    import datasets

    features = datasets.Features(
        {
            "name": datasets.Value("string"),
            "keypoints": datasets.Array2D((18, 3), "float32"),
            "parsing": datasets.Value("binary"),
            "parsing_crc32": datasets.Value("uint32"),
            "mask": datasets.Value("binary"),
            "mask_crc32": datasets.Value("uint32"),
        }
    )
    columns = {
        "name": list(split.names[rows.start : rows.stop]),
        "keypoints": list(split.keypoints[rows.start : rows.stop]),
        "parsing": [row.parsing.frame if row.parsing else None for row in made],
        "parsing_crc32": [row.parsing.crc32 if row.parsing else None for row in made],
        "mask": [row.mask.frame for row in made],
        "mask_crc32": [row.mask.crc32 for row in made],
    }
    return datasets.Dataset.from_dict(columns, features=features).data.table


def _assemble(pieces: Sequence[Path], folder: Path, fingerprint: str) -> None:
    """One table of all pieces, read through memory maps.

    The fingerprint is stated, as ``datasets`` would make one up from the files' times.
    """
    import datasets

    parts = [datasets.Dataset.from_file(str(piece)) for piece in pieces]
    whole = datasets.Dataset(datasets.concatenate_datasets(parts).data, fingerprint=fingerprint)
    with _no_bars():
        whole.save_to_disk(str(folder), num_shards=1)


@contextmanager
def _no_bars() -> Iterator[None]:
    """Without the progress bars of ``datasets``; ours are drawn elsewhere."""
    import datasets

    shown = not datasets.utils.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
