"""Reading a user's files once: chunk by chunk, resumable, into a prepared index.

Finished chunks are kept in a hidden folder beside the index. Whoever prepares the same again uses
a chunk if it is whole and its files have the sizes and times that they had; when the index is
written, the chunks are removed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL
from filelock import FileLock

from recapbench.data.cache import available_cores
from recapbench.data.images import decode_photograph
from recapbench.data.ingest.gather import Material, gather
from recapbench.data.ingest.geometry import Size
from recapbench.data.ingest.joints import check_joints
from recapbench.data.ingest.layout import read_file
from recapbench.data.ingest.prepared import (
    UserFiles,
    last_index,
    named,
    pointer_path,
    write_index,
    write_pointer,
)
from recapbench.data.ingest.request import PARSING_LABELS, PrepareRequest
from recapbench.data.ingest.store import folder_of, read_sealed, write_sealed
from recapbench.data.protocols import find_protocol
from recapbench.data.split import Entry, Progress, Split
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes, sha256_json, sha256_pixels, storage_errors

CHUNK: Final = 256
"""Images a chunk."""

CHUNK_SCHEMA: Final = "recapbench.prepared-chunk/1"

_FRAME_SAMPLE: Final = 8


def prepare(
    request: PrepareRequest,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Split:
    """Read every file that a request speaks of, and write the index of its split.

    Nothing is written but below ``RECAPBENCH_HOME``, and the index only when every file was found
    sound. Equal files give an equal index, however often the work was interrupted.

    Args:
        request: what to prepare.
        progress: called with how many images are done.
        workers: threads; all cores by default.

    Returns:
        The split, as ``open`` gives it from now on.

    Raises:
        UsageError: for unknown names.
        DataError: naming file and row; see ``gather``, ``decode_photograph``,
            ``decode_label_map`` and ``check_joints``.
        StorageError: if the cache cannot be written.
    """
    request.check()
    find_protocol(request.paired_by, request.record.name)
    material = gather(request)
    job = _Job(request, material)
    job.check_frame()
    parent = folder_of(request.record.name)
    with storage_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        with FileLock(parent / f".{job.key}.lock"):
            work = parent / f".{job.key}.work"
            rows = job.rows(work, progress, workers or available_cores())
            job.publish(rows)
            shutil.rmtree(work, ignore_errors=True)
    return request.record.open(request.split)


@dataclass(frozen=True, eq=False)
class _Job:
    """A request with everything found."""

    request: PrepareRequest
    material: Material

    @property
    def files(self) -> UserFiles:
        """How the files become pixels."""
        return UserFiles(
            self.request.placed_by.name,
            self.request.record.parts,
            PARSING_LABELS[self.request.parsing_labels],
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What the index says besides its rows, but for the command."""
        parsing = None
        if self.material.parsing_root is not None:
            parsing = {"root": str(self.material.parsing_root), "labels": self.files.file_parts}
        return {
            "dataset": self.request.record.name,
            "split": self.request.split,
            "root": str(self.material.root),
            "parsing": parsing,
            "geometry": self.files.geometry,
            "keypoints_frame": self.request.frame,
            "protocol": self.request.paired_by,
            "images": len(self.material),
            "sources": self.material.sources,
            "pillow": PIL.__version__,
        }

    @cached_property
    def key(self) -> str:
        """Digest of everything that was asked for and found, but for the files' content."""
        found = [self.material.images, self.material.labels]
        return sha256_json([CHUNK_SCHEMA, CHUNK, self.facts, found])[:32]

    def check_frame(self) -> None:
        """Make sure that the user knows which pictures the joints are pixels of.

        Joints measured in small pictures would pass as joints in the corner of large ones.

        Raises:
            DataError: if no frame was asked for, the pictures are larger than what the geometry
                makes of them, and yet all joints of the split lie within that.
        """
        geometry = self.request.placed_by
        if self.request.keypoints_frame is not None or not geometry.folder:
            return
        reach = self.material.joints[..., :2].max(axis=(0, 1))
        if (np.floor(reach + 0.5) >= geometry.size[::-1]).any():
            return
        step = max(1, len(self.material) // _FRAME_SAMPLE)
        for place in range(0, len(self.material), step):
            raw: Size = self._photograph(place)[1].shape[:2]
            if raw[0] <= geometry.size[0] and raw[1] <= geometry.size[1]:
                return
        raise DataError(
            f"{self.request.keypoints}: all joints lie within {geometry.size} pixels, the size "
            f"that {geometry.name} makes, but the files are larger, such as {raw}. Say which "
            f"pictures the joints are pixels of: --keypoints-frame prepared (those that "
            f"{geometry.name} makes) or raw (the files)"
        )

    def rows(self, work: Path, progress: Progress | None, workers: int) -> Iterator[dict[str, Any]]:
        """What there is to say of every image, in order; chunks that are sound are kept."""
        with ThreadPoolExecutor(workers) as pool:
            for number, start in enumerate(range(0, len(self.material), CHUNK)):
                places = range(start, min(start + CHUNK, len(self.material)))
                path = work / f"{number:05d}.json"
                states = [self._state(place) for place in places]
                rows = _kept(path, states)
                if rows is None:
                    rows = list(pool.map(self._row, places))
                    write_sealed(path, {"schema": CHUNK_SCHEMA, "states": states, "rows": rows})
                yield from rows
                if progress is not None:
                    progress(places.stop, len(self.material))

    def publish(self, rows: Iterator[dict[str, Any]]) -> None:
        """Write the index and make it the one that is opened; older ones are removed."""
        joints = np.repeat(self.material.joints[None], 2, axis=0)
        entries = []
        for place, row in enumerate(rows):
            entries.append(Entry(*row["entry"]))
            joints[1, place] = row["joints"]
        record = self.request.record
        parent = folder_of(record.name)
        facts = {**self.facts, "command": self.request.command}
        with FileLock(parent / ".publish.lock"):
            write_index(parent / self.key, facts, entries, joints)
            write_pointer(record.name, self.request.split, self.key)
            _remove_unused(parent, record.name, record.splits)

    def _paths(self, place: int) -> tuple[Path, Path | None]:
        """Files of an image and of its label map."""
        image = self.material.root / self.material.images[place]
        if self.material.parsing_root is None:
            return image, None
        return image, self.material.parsing_root / self.material.labels[place]

    def _state(self, place: int) -> list[int]:
        """Sizes and times of an image's files."""
        found = []
        for path in self._paths(place):
            if path is not None:
                try:
                    status = path.stat()
                except OSError as error:
                    raise DataError(f"cannot read {path}: {error.strerror}") from error
                found += [status.st_size, status.st_mtime_ns]
        return found

    def _photograph(self, place: int) -> tuple[str, Any, str]:
        """Digest of an image's file, its pixels as they are, and what names it in a message."""
        path, _ = self._paths(place)
        where = f"{path} ({self.material.rows[place]})"
        data = read_file(path, where)
        return sha256_bytes(data), decode_photograph(data, where), where

    def _row(self, place: int) -> dict[str, Any]:
        """Digests and joints of one image, with all checks; runs in a thread."""
        digest, photograph, where = self._photograph(place)
        raw: Size = photograph.shape[:2]
        image = self.files.placed(photograph, where)
        labels = self._labels(place, raw)
        name = self.material.names[place]
        entry = Entry(
            name=name.name,
            identity=name.person,
            image=self.material.images[place],
            image_sha256=digest,
            image_pixels=sha256_pixels(image),
            labels=self.material.labels[place],
            labels_sha256=labels[0],
            labels_pixels=labels[1],
        )
        return {"entry": list(entry), "joints": self._joints(place, raw).tolist()}

    def _labels(self, place: int, raw: Size) -> tuple[str, str]:
        """Digests of an image's label file and of the labels; empty if there is none."""
        path = self._paths(place)[1]
        if path is None:
            return "", ""
        where = f"{path} ({self.material.rows[place]})"
        data = read_file(path, where)
        return sha256_bytes(data), sha256_pixels(self.files.labels(data, where, raw))

    def _joints(self, place: int, raw: Size) -> np.ndarray:
        """Joints float32 (18, 3) of one image, as pixels of what the geometry makes."""
        joints = self.material.joints[place]
        where = (
            f"{self.request.keypoints} ({self.material.rows[place]}): "
            f"{self.material.names[place].name!r}"
        )
        if self.request.frame == "prepared":
            check_joints(joints, self.files.size, where)
            return joints
        check_joints(joints, raw, where)
        with named(where):
            return self.request.placed_by.placement(raw).joints(joints)


def _kept(path: Path, states: list[list[int]]) -> list[dict[str, Any]] | None:
    """Rows of a chunk that is whole and whose files have not been touched since; else None."""
    if not path.exists():
        return None
    try:
        chunk = read_sealed(path, CHUNK_SCHEMA)
    except DataError:
        return None
    return chunk["rows"] if chunk["states"] == states else None


def _remove_unused(parent: Path, dataset: str, splits: tuple[str, ...]) -> None:
    """Remove indexes that no split's pointer names; the lock must be held."""
    used = set()
    for split in splits:
        if pointer_path(dataset, split).exists():
            try:
                used.add(last_index(dataset, split)[0].name)
            except DataError:
                return
    for folder in parent.iterdir():
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
