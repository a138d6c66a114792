"""Building a split on disk, group by group: atomic, resumable, on all cores.

A split's folder holds one folder per group (a person) and, written last, the index::

    <split>/<group>/<image>.png          RGB
    <split>/<group>/<image>.labels.png   part labels, palette PNG
    <split>/<group>/annotations.json     joints, attributes, hashes
    <split>/keypoints.npy                joints of all images, in order
    <split>/index.json                   names and hashes of all files, in order

A group is written into a temporary folder and renamed, so it is whole or absent. Whoever finds no
index takes the split's lock, keeps the groups whose files are what their hashes say, makes the
others, and writes the index.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from recapbench.data.cache import available_cores
from recapbench.data.datasets import DatasetRecord
from recapbench.data.images import encode_image
from recapbench.data.manifest import Pair
from recapbench.data.parsing import encode_labels
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.data.split import Entry, Progress, Split
from recapbench.errors import DataError, RecapbenchError
from recapbench.provenance import (
    sha256_bytes,
    sha256_file,
    sha256_json,
    sha256_pixels,
    storage_errors,
    write_atomic,
)

SCHEMA: Final = "recapbench.split/1"

_ANNOTATIONS: Final = "annotations.json"
_INDEX: Final = "index.json"
_KEYPOINTS: Final = "keypoints.npy"
_TEMPORARY: Final = ".making-"


@dataclass(frozen=True)
class Item:
    """One finished image of a group.

    Attributes:
        name: file name of the image, unique in the dataset.
        image: RGB uint8 (H, W, 3).
        labels: uint8 (H, W).
        keypoints: float32 (18, 3).
        attributes: what else is known, as JSON values.
    """

    name: str
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    keypoints: npt.NDArray[np.float32]
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """The images of one person that are made together. Must be picklable.

    Attributes:
        name: of the folder and of the person.
        make: gives the images; called in a worker process with ``arguments``.
        arguments: for ``make``.
    """

    name: str
    make: Callable[..., Iterable[Item]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Plan:
    """What a split consists of.

    Attributes:
        record: the dataset.
        split: name of the split.
        root: folder of the split; its name must change whenever the content would.
        content: gives the groups, in the split's order, and the pairs that the split itself
            defines; called only if something may have to be made.
        repair: what the user may do about a damaged file.
    """

    record: DatasetRecord
    split: str
    root: Path
    content: Callable[[], tuple[Sequence[Group], Sequence[Pair]]]
    repair: str = "Restore the file."


def open_split(
    plan: Plan,
    progress: Progress | None = None,
    workers: int | None = None,
    verify: bool = False,
) -> Split:
    """The split of a plan, made or mended first if need be.

    Reads the index alone if there is one and ``verify`` is not asked for.

    Raises:
        StorageError: if the folder cannot be written.
        RecapbenchError: if the worker processes died.
    """
    if not verify and (split := _read_index(plan)) is not None:
        return split
    with storage_errors(plan.root):
        plan.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(plan.root.parent / f".{plan.split}.lock")
        with lock:
            if not verify and (split := _read_index(plan)) is not None:
                return split
            _clear_temporary(plan.root)
            groups, listed = plan.content()
            made = _make_groups(plan, groups, progress, workers)
            _write_index(plan, made, listed)
    split = _read_index(plan)
    if split is None:
        raise DataError(f"{plan.root / _INDEX} was written but cannot be read back")
    return split


def _read_index(plan: Plan) -> Split | None:
    """The split as its index has it; None if the index or the joints are absent or damaged."""
    try:
        index = json.loads((plan.root / _INDEX).read_bytes())
        if index["schema"] != SCHEMA or index["sha256"] != _self_digest(index):
            return None
        data = (plan.root / _KEYPOINTS).read_bytes()
        if sha256_bytes(data) != index["keypoints_sha256"]:
            return None
        keypoints = np.load(io.BytesIO(data), allow_pickle=False)
        entries = tuple(Entry(*row) for row in index["images"])
        listed = tuple(Pair(*row) for row in index["pairs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    keypoints.flags.writeable = False
    return Split(plan.record, plan.split, plan.root, entries, keypoints, listed, plan.repair)


def _self_digest(document: dict[str, Any]) -> str:
    """Digest of a JSON document without its own ``sha256``."""
    return sha256_json({key: value for key, value in document.items() if key != "sha256"})


def _clear_temporary(root: Path) -> None:
    """Remove what a killed process left behind."""
    for leftover in root.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _write_index(plan: Plan, groups: Sequence[dict[str, Any]], listed: Sequence[Pair]) -> None:
    """Write the joints and, last, the index."""
    images = [(group, image) for group in groups for image in group["images"]]
    keypoints = np.array([image["keypoints"] for _, image in images], dtype=np.float32)
    buffer = io.BytesIO()
    np.save(buffer, keypoints.reshape(-1, NUM_JOINTS, 3))
    entries = [
        Entry(
            name=image["name"],
            identity=group["group"],
            image=f"{group['group']}/{image['name']}",
            image_sha256=image["image_sha256"],
            image_pixels=image["image_pixels"],
            labels=f"{group['group']}/{image['labels']}",
            labels_sha256=image["labels_sha256"],
            labels_pixels=image["labels_pixels"],
        )
        for group, image in images
    ]
    index: dict[str, Any] = {
        "schema": SCHEMA,
        "dataset": plan.record.name,
        "split": plan.split,
        "columns": Entry._fields,
        "images": entries,
        "pairs": listed,
        "keypoints_sha256": sha256_bytes(buffer.getvalue()),
    }
    index["sha256"] = _self_digest(index)
    write_atomic(plan.root / _KEYPOINTS, buffer.getvalue())
    write_atomic(plan.root / _INDEX, json.dumps(index, separators=(",", ":")).encode())


def _make_groups(
    plan: Plan, groups: Sequence[Group], progress: Progress | None, workers: int | None
) -> list[dict[str, Any]]:
    """Every group's annotations, in order; groups that are already there are kept."""
    count = min(workers or available_cores(), len(groups))
    if count > 1:
        return _in_processes(plan, groups, progress, count)
    made = []
    for done, group in enumerate(groups, start=1):
        made.append(ensure_group(plan.root, group, plan.record.parts))
        if progress is not None:
            progress(done, len(groups))
    return made


def _in_processes(
    plan: Plan, groups: Sequence[Group], progress: Progress | None, count: int
) -> list[dict[str, Any]]:
    """Make the groups in ``count`` processes, keeping few tasks waiting."""
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    made: dict[int, dict[str, Any]] = {}
    running: dict[Future[dict[str, Any]], int] = {}
    todo = iter(range(len(groups)))
    try:
        while len(made) < len(groups):
            while len(running) < 2 * count and (position := next(todo, None)) is not None:
                group = groups[position]
                with _hidden_main():
                    task = pool.submit(ensure_group, plan.root, group, plan.record.parts)
                running[task] = position
            for task in wait(running, return_when=FIRST_COMPLETED).done:
                made[running.pop(task)] = task.result()
                if progress is not None:
                    progress(len(made), len(groups))
    except BrokenProcessPool as error:
        raise RecapbenchError(
            "the worker processes died (out of memory?); what they finished is kept, and "
            "workers=1 does without them"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [made[position] for position in range(len(groups))]


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Start processes that do not run the user's script again.

    ``multiprocessing`` lets a spawned process import the main module. A script that opens a split
    without ``if __name__ == "__main__"`` would then open it again in every worker and wait for
    its own parent's lock. Nothing that workers run is defined there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow(sentinel: int) -> None:
        wait_for([sentinel])
        os._exit(1)

    threading.Thread(target=follow, args=(parent.sentinel,), daemon=True).start()


def ensure_group(root: Path, group: Group, parts: int) -> dict[str, Any]:
    """The annotations of one group, made unless it is there and sound.

    Raises:
        StorageError: if the folder cannot be written.
    """
    folder = root / group.name
    found = _sound_group(folder)
    if found is not None:
        return found
    with storage_errors(folder):
        if folder.exists():
            shutil.rmtree(folder)
        making = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=root))
        try:
            document = _write_group(making, group, parts)
            making.chmod(0o755)
            os.replace(making, folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
    return document


def _sound_group(folder: Path) -> dict[str, Any] | None:
    """The annotations of a group whose files are what their hashes say; else None."""
    try:
        document: dict[str, Any] = json.loads((folder / _ANNOTATIONS).read_bytes())
        if document["schema"] != SCHEMA or document["sha256"] != _self_digest(document):
            return None
        for image in document["images"]:
            if sha256_file(folder / image["name"]) != image["image_sha256"]:
                return None
            if sha256_file(folder / image["labels"]) != image["labels_sha256"]:
                return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document


def _write_group(folder: Path, group: Group, parts: int) -> dict[str, Any]:
    """Write the files of one group into an empty folder."""
    images = [_write_item(folder, item, parts) for item in group.make(*group.arguments)]
    document = {
        "schema": SCHEMA,
        "group": group.name,
        "attributes": _hoist_common([image["attributes"] for image in images]),
        "images": images,
    }
    document["sha256"] = _self_digest(document)
    (folder / _ANNOTATIONS).write_text(json.dumps(document) + "\n")
    return document


def _hoist_common(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Take out of the images' attributes what is the same for all of them."""
    common = {
        key: value
        for key, value in (attributes[0] if attributes else {}).items()
        if all(other.get(key) == value for other in attributes)
    }
    for mine in attributes:
        for key in common:
            del mine[key]
    return common


def attributes(split: Split, name: str) -> dict[str, Any]:
    """What is known of an image besides joints and labels, such as pose and garments.

    Raises:
        DataError: if the split has no such image, or the file cannot be read.
    """
    path = split.root / Path(split.entries[split.position(name)].image).parent / _ANNOTATIONS
    try:
        document = json.loads(path.read_bytes())
        own = next(image for image in document["images"] if image["name"] == name)
        return {**document["attributes"], **own["attributes"]}
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise DataError(f"cannot read {path}: {error}. {split.repair}") from error


def _write_item(folder: Path, item: Item, parts: int) -> dict[str, Any]:
    """Write one image and its labels; what the annotations say of it."""
    image, labels = encode_image(item.image), encode_labels(item.labels, parts)
    labels_name = f"{Path(item.name).stem}.labels.png"
    (folder / item.name).write_bytes(image)
    (folder / labels_name).write_bytes(labels)
    return {
        "name": item.name,
        "image_sha256": sha256_bytes(image),
        "image_pixels": sha256_pixels(item.image),
        "labels": labels_name,
        "labels_sha256": sha256_bytes(labels),
        "labels_pixels": sha256_pixels(item.labels),
        "keypoints": np.asarray(item.keypoints, dtype=np.float64).round(3).tolist(),
        "attributes": item.attributes,
    }
