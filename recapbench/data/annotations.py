"""The annotation cache: joints, part labels and pose masks of a split, memory-mapped.

A table of Hugging Face ``datasets`` (Arrow) in ``<home>/annotations/<key>``, one row an image; any
program may read it with ``datasets.load_from_disk``. The key is a digest of the annotations and of
the parameters that masks depend on. Columns:

=================  ====================  ==================================================
``name``           string                the image
``keypoints``      float32 (18, 3)       x, y in pixels; visibility 0, 1, 2
``parsing``        bytes                 zstd of part labels, uint8 (H, W) in row order; null
                                         where the split has none
``parsing_crc32``  uint32                of ``parsing`` as stored
``mask``           bytes                 zstd of the pose mask (H, W), 8 pixels a byte, high bit
                                         first
``mask_crc32``     uint32                of ``mask`` as stored
=================  ====================  ==================================================

Beside the table, ``recapbench.json`` holds the digest of its rows and those of the folder's files.

Heatmaps are not stored: stamping 18 disks at 256x256 takes as little time as unpacking stored ones
(0.08 against 0.07 ms, bits packed and zstd) and no space.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from recapbench.data import codec
from recapbench.data.annotation_build import build_table, discard, in_order
from recapbench.data.cache import available_cores, cached_folder
from recapbench.data.columns import ArrayColumn, BinaryColumn
from recapbench.data.pose import MASK_CLOSING, MASK_RADIUS
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.data.split import Annotation, Progress, Split
from recapbench.errors import DataError
from recapbench.provenance import (
    sha256_bytes,
    sha256_file,
    sha256_json,
    sha256_ordered,
    write_atomic,
)

SCHEMA: Final = "recapbench.annotations/2"
RECORD: Final = "recapbench.json"
"""Name of the file that holds a cache's digests."""


class _Frames(NamedTuple):
    """A column of compressed arrays with its checksums, uint32 (n,)."""

    frames: BinaryColumn
    crc32: npt.NDArray[np.uint32]


class _Table(NamedTuple):
    """The opened columns; ``parsing`` is None where the split has no label maps."""

    keypoints: ArrayColumn
    parsing: _Frames | None
    mask: _Frames


class Annotations:
    """Joints, part labels and pose masks of a split, read from the cache at random.

    When first read, the table's names and joints are compared with the split's; every array is
    compared with its checksum. Cheap to pickle: a worker process opens the same files again. Safe
    for several threads.
    """

    def __init__(self, split: Split, folder: Path) -> None:
        self.split = split
        self.folder = folder
        self._opened: _Table | None = None
        self._opening = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Annotations, (self.split, self.folder)

    @property
    def digest(self) -> str:
        """Digest of all rows (names, joints, labels, masks), however they are stored.

        Raises:
            DataError: if the cache has lost it.
        """
        digest: str = self._record()["digest"]
        return digest

    def annotation(self, name: str) -> Annotation:
        """Joints float32 (18, 3) and part labels uint8 (H, W) of an image.

        Raises:
            DataError: if the split has no such image or no label maps, or the row is damaged.
        """
        row = self.split.position(name)
        return Annotation(self._table().keypoints[row], self._labels(row))

    def keypoints(self, name: str) -> npt.NDArray[np.float32]:
        """Joints float32 (18, 3): x, y in pixels; visibility 0, 1 or 2.

        Raises:
            DataError: if the split has no such image.
        """
        return self._table().keypoints[self.split.position(name)]

    def parsing(self, name: str) -> npt.NDArray[np.uint8]:
        """Part labels uint8 (H, W).

        Raises:
            DataError: if the split has no such image or no label maps, or the row is damaged.
        """
        return self._labels(self.split.position(name))

    def mask(self, name: str) -> npt.NDArray[np.bool_]:
        """Pose mask bool (H, W).

        Raises:
            DataError: if the split has no such image, or its row is damaged.
        """
        height, width = self.split.record.image_size
        packed = self._packed_mask(self.split.position(name))
        bits = np.unpackbits(packed, count=height * width)
        return bits.view(np.bool_).reshape(height, width)

    def verify(self, progress: Progress | None = None, workers: int | None = None) -> str:
        """Read every row and every file, and compare them with the recorded digests.

        Args:
            progress: called with how many rows are done, and how many there are.
            workers: threads to read with; all cores by default.

        Returns:
            The digest of the rows.

        Raises:
            DataError: naming the first damaged row; or the file, if no row shows the damage.
        """
        recorded = self._record()
        found = self._measure(progress, workers)
        for name in sorted({*recorded["files"], *found["files"]}):
            if recorded["files"].get(name) != found["files"].get(name):
                raise self._damaged(f"the file {name} is not what its digest says")
        if (self.folder / RECORD).read_bytes() != _encoded(found):
            raise self._damaged(f"{RECORD} says {recorded}, expected {found}")
        return str(found["digest"])

    def seal(self, progress: Progress | None = None, workers: int | None = None) -> None:
        """Write the record of a table that was just built.

        Raises:
            DataError: if a row cannot be read back.
            StorageError: if the record cannot be written.
        """
        write_atomic(self.folder / RECORD, _encoded(self._measure(progress, workers)))

    def _measure(self, progress: Progress | None, workers: int | None) -> dict[str, Any]:
        """What the record of the folder as it stands must say."""
        files = [path for path in self.folder.iterdir() if path.suffix in (".arrow", ".json")]
        return {
            "schema": SCHEMA,
            "images": len(self.split),
            "size": list(self.split.record.image_size),
            "parts": self.split.record.parts if self.split.has_parsing else None,
            "digest": self._rows_digest(progress, workers or available_cores()),
            "files": {
                path.name: sha256_file(path) for path in sorted(files) if path.name != RECORD
            },
        }

    def _rows_digest(self, progress: Progress | None, workers: int) -> str:
        digests: list[str] = []
        for digest in in_order(self._row_digest, range(len(self.split)), workers):
            digests.append(digest)
            if progress is not None:
                progress(len(digests), len(self.split))
        return sha256_ordered(digests)

    def _row_digest(self, row: int) -> str:
        name = self.split.names[row].encode()
        joints = self._table().keypoints[row].astype("<f4").tobytes()
        labels = self._labels(row).tobytes() if self.split.has_parsing else b""
        return sha256_bytes(b"\0".join((name, joints, labels)) + self._packed_mask(row).tobytes())

    def _labels(self, row: int) -> npt.NDArray[np.uint8]:
        parsing = self._table().parsing
        if parsing is None:
            raise DataError(
                f"split {self.split.name!r} of {self.split.record.name} in {self.split.root} has "
                f"no label maps; those of {self.split.names[row]!r} were asked for"
            )
        height, width = self.split.record.image_size
        return self._unpack(parsing, row, height * width).reshape(height, width)

    def _packed_mask(self, row: int) -> npt.NDArray[np.uint8]:
        height, width = self.split.record.image_size
        return self._unpack(self._table().mask, row, (height * width + 7) // 8)

    def _unpack(self, column: _Frames, row: int, size: int) -> npt.NDArray[np.uint8]:
        try:
            return codec.unpack(column.frames[row], column.crc32[row], size)
        except ValueError as error:
            raise self._damaged_row(row, str(error)) from error

    def _table(self) -> _Table:
        if self._opened is None:
            with self._opening:  # `datasets` cannot load from two threads at once
                if self._opened is None:
                    self._opened = self._open()
        return self._opened

    def _open(self) -> _Table:
        import datasets

        try:
            table = datasets.load_from_disk(str(self.folder)).data
            table.validate()
            names = tuple(table.column("name").to_pylist())
            keypoints = ArrayColumn(table.column("keypoints"), (NUM_JOINTS, 3))
            parsing = _frames(table, "parsing") if self.split.has_parsing else None
            opened = _Table(keypoints, parsing, _frames(table, "mask"))
        except Exception as error:  # a damaged file may fail anywhere in `datasets` and pyarrow
            raise self._damaged(str(error)) from error
        if names != self.split.names:
            raise self._damaged("its names are not those of the split")
        strange = _first_difference(keypoints.whole(), self.split.keypoints)
        if strange is not None:
            raise self._damaged_row(strange, "its joints are not those of the split")
        return opened

    def _record(self) -> dict[str, Any]:
        path = self.folder / RECORD
        try:
            record = json.loads(path.read_bytes())
            if record["schema"] != SCHEMA or not isinstance(record["files"], dict):
                raise ValueError(f"expected schema {SCHEMA}, got {record['schema']}")
            if not isinstance(record["digest"], str):
                raise ValueError(f"expected a digest, got {record['digest']!r}")
            return dict(record)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"{RECORD} cannot be read: {error}") from error

    def _damaged_row(self, row: int, why: str) -> DataError:
        return self._damaged(f"the row of {self.split.names[row]!r} cannot be used: {why}")

    def _damaged(self, why: str) -> DataError:
        return DataError(
            f"the annotation cache {self.folder} is damaged: {why}. Delete that folder: it is "
            "built again when next needed"
        )


def open_annotations(
    split: Split, progress: Progress | None = None, workers: int | None = None
) -> Annotations:
    """The annotation cache of a split, built if need be.

    A build that is killed goes on where it stopped; several processes may ask at once, and one
    builds. The outcome is the same, byte by byte.

    Args:
        split: whose labels and joints are cached.
        progress: called while it is being built.
        workers: threads to build it with; all cores by default.

    Raises:
        DataError: if a label file is missing or damaged.
        StorageError: if the cache cannot be written.
    """
    key = sha256_json(
        {
            "schema": SCHEMA,
            "annotations": split.annotation_digest,
            "names": sha256_ordered(split.names),
            "parts": split.record.parts if split.has_parsing else None,
            "size": split.record.image_size,
            "mask": [MASK_RADIUS, MASK_CLOSING],
            "codec": ["zstd", codec.LEVEL],
        }
    )[:32]
    build = partial(_build, split, key, workers or available_cores(), progress)
    return Annotations(split, cached_folder("annotations", key, build))


def _build(
    split: Split, key: str, workers: int, progress: Progress | None, making: Path, work: Path
) -> None:
    build_table(split, making, work, key[:16], workers, progress)
    try:
        Annotations(split, making).seal(workers=workers)
    except DataError:  # then some piece is at fault: the next build shall make its own
        discard(work)
        raise


def _encoded(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=2) + "\n").encode()


def _frames(table: Any, name: str) -> _Frames:
    crc32 = table.column(f"{name}_crc32").to_numpy()
    if crc32.dtype != np.uint32:
        raise ValueError(f"expected a checksum in every row of {name!r}, got {crc32.dtype}")
    return _Frames(BinaryColumn(table.column(name)), crc32)


def _first_difference(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> int | None:
    """The first row in which two stacks differ by a bit."""
    a, b = (np.ascontiguousarray(array, "<f4").view(np.uint32) for array in (ours, theirs))
    if np.array_equal(a, b):
        return None
    return int(np.argmax((a != b).any(axis=(1, 2))))
