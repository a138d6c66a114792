"""A split as it was prepared: its index, and how the user's files become pixels.

Below ``<home>/datasets/<dataset>``::

    <split>.json                  which index of the split was prepared last
    <key>/index.json              what it was made from, where the files are, digests of the rest
    <key>/entries-<digest>.json   one row an image: name, person, files, digests
    <key>/joints-<digest>.npy     float32 (2, n, 18, 3): as given, and after the geometry
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recapbench.data.datasets import DatasetRecord
from recapbench.data.images import decode_photograph
from recapbench.data.ingest.geometry import GEOMETRIES
from recapbench.data.ingest.store import folder_of, read_sealed, write_sealed
from recapbench.data.parsing import decode_label_map, to_market
from recapbench.data.split import Entry, Progress, Split
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes, write_atomic

INDEX_SCHEMA: Final = "recapbench.prepared/1"
POINTER_SCHEMA: Final = "recapbench.prepared-last/1"

_INDEX: Final = "index.json"


@dataclass(frozen=True)
class UserFiles:
    """How a user's files become pixels of the benchmark's size.

    Attributes:
        geometry: name of the geometry.
        parts: part set of the dataset (20 or 7).
        file_parts: part set of the label files; 20 for a dataset of 7 means that they are merged.
    """

    geometry: str
    parts: int
    file_parts: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the result."""
        return GEOMETRIES[self.geometry].size

    def image(self, data: bytes, where: str) -> npt.NDArray[np.uint8]:
        """RGB uint8 (H, W, 3)."""
        return self.placed(decode_photograph(data, where), where)

    def placed(self, photograph: npt.NDArray[np.uint8], where: str) -> npt.NDArray[np.uint8]:
        """A decoded photograph uint8 (h, w, 3), brought to the benchmark's size."""
        height, width = photograph.shape[:2]
        with named(where):
            return GEOMETRIES[self.geometry].placement((height, width)).image(photograph)

    def labels(
        self, data: bytes, where: str, raw: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Part labels uint8 (H, W).

        A map of the benchmark's size is taken as it is; one of the photograph's goes the way of
        the photograph.

        Args:
            data: content of the file.
            where: file, for the message.
            raw: size of the photograph, to hold the map to; when it is read again, its digest
                says enough.
        """
        sizes = () if raw is None else (raw, self.size)
        labels = decode_label_map(data, self.file_parts, sizes, where)
        if self.file_parts != self.parts:
            labels = to_market(labels)
        height, width = labels.shape
        if (height, width) == self.size:
            return labels
        with named(where):
            return GEOMETRIES[self.geometry].placement((height, width)).labels(labels)


@contextmanager
def named(where: str) -> Iterator[None]:
    """Put a file before the message of a DataError."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def write_index(
    folder: Path,
    facts: Mapping[str, Any],
    entries: list[Entry],
    joints: npt.NDArray[np.float32],
) -> None:
    """Write a prepared index; what it replaces is removed.

    Args:
        folder: of the index.
        facts: what it says besides, as JSON values; see ``prepare``.
        entries: one per image.
        joints: float32 (2, n, 18, 3): as given, and after the geometry.

    Raises:
        StorageError: if the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, joints)
    contents = {
        "entries": json.dumps(entries, separators=(",", ":")).encode(),
        "joints": buffer.getvalue(),
    }
    files = {}
    for kind, suffix in (("entries", "json"), ("joints", "npy")):
        digest = sha256_bytes(contents[kind])
        files[kind] = {"file": f"{kind}-{digest[:12]}.{suffix}", "sha256": digest}
        write_atomic(folder / files[kind]["file"], contents[kind])
    write_sealed(folder / _INDEX, {"schema": INDEX_SCHEMA, **facts, "files": files})
    kept = {_INDEX, *(file["file"] for file in files.values())}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()


def pointer_path(dataset: str, split: str) -> Path:
    """The file that says which index of a split was prepared last."""
    return folder_of(dataset) / f"{split}.json"


def write_pointer(dataset: str, split: str, key: str) -> None:
    """Make an index the one that ``open`` takes.

    Raises:
        StorageError: if the folder cannot be written.
    """
    write_sealed(pointer_path(dataset, split), {"schema": POINTER_SCHEMA, "key": key})


def last_index(dataset: str, split: str) -> tuple[Path, dict[str, Any]]:
    """Folder and content of the index of a split that was prepared last.

    Raises:
        DataError: if nothing is prepared, or what is there is damaged; the file is named.
    """
    pointer = pointer_path(dataset, split)
    again = f"Run `{prepare_command(dataset, split)}`"
    if not pointer.exists():
        raise DataError(f"split {split!r} of {dataset} is not prepared yet. {again} first")
    try:
        folder = folder_of(dataset) / str(read_sealed(pointer, POINTER_SCHEMA)["key"])
        return folder, read_sealed(folder / _INDEX, INDEX_SCHEMA)
    except DataError as error:
        raise DataError(f"{error}. {again} again") from error


def prepare_command(dataset: str, split: str) -> str:
    """The command that prepares a split, for people."""
    return f"recapbench data prepare {dataset} --split {split} --root DIR --keypoints FILE"


def resolve(record: DatasetRecord, split: str) -> DatasetRecord:
    """The record with the image size of the geometry that a split was prepared with.

    Raises:
        DataError: if nothing is prepared, or the index is damaged.
    """
    _, index = last_index(record.name, split)
    return replace(record, image_size=GEOMETRIES[index["geometry"]].size)


def open_prepared(
    record: DatasetRecord,
    split: str,
    preset: str = "",
    progress: Progress | None = None,
    workers: int | None = None,
    verify: bool = False,
) -> Split:
    """The split that was prepared last.

    Args:
        record: ``DEEPFASHION`` or ``MARKET1501``.
        split: its name.
        preset: there is none.
        progress: called while files are verified.
        workers: threads to verify with.
        verify: read every file and compare it with the index.

    Raises:
        DataError: if nothing is prepared, or the index, or with ``verify`` a file, is not what it
            was.
    """
    folder, index = last_index(record.name, split)
    entries = json.loads(_content(folder, index, "entries"))
    given, moved = np.load(io.BytesIO(_content(folder, index, "joints")), allow_pickle=False)
    for joints in (given, moved):
        joints.flags.writeable = False
    parsing = index["parsing"]
    opened = Split(
        record=replace(record, image_size=GEOMETRIES[index["geometry"]].size),
        name=split,
        root=Path(index["root"]),
        entries=tuple(Entry(*row) for row in entries),
        keypoints=moved,
        repair=f"Restore the file, or prepare the split again: `{index['command']}`",
        labels_root=Path(parsing["root"]) if parsing else None,
        decoder=UserFiles(
            index["geometry"], record.parts, parsing["labels"] if parsing else record.parts
        ),
        protocol=index["protocol"],
        given_keypoints=given,
        sources=index["sources"],
    )
    if verify:
        opened.verify(progress, workers)
    return opened


def _content(folder: Path, index: Mapping[str, Any], kind: str) -> bytes:
    """A file of the index, whole."""
    path = folder / index["files"][kind]["file"]
    again = f"Run `{index['command']}` again"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}. {again}") from error
    if sha256_bytes(data) != index["files"][kind]["sha256"]:
        raise DataError(f"{path} is damaged: it is not what the index says. {again}")
    return data


def describe(record: DatasetRecord) -> str:
    """What of a dataset is prepared, in a few words; empty if nothing is."""
    found = []
    for split in record.splits:
        if pointer_path(record.name, split).exists():
            try:
                _, index = last_index(record.name, split)
            except DataError:
                found.append(f"{split}: damaged")
                continue
            parsing = "" if index["parsing"] else ", no parsing"
            found.append(
                f"{split}: {index['images']} images, {index['geometry']}, "
                f"{index['protocol']}{parsing}"
            )
    return "; ".join(found)
