"""What a request speaks of: images, joints, label maps, each found and named before any is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recapbench.data.ingest.layout import find_layout, find_parsing, locate, missing_message
from recapbench.data.ingest.request import PrepareRequest
from recapbench.data.keypoints import read_keypoints, read_names
from recapbench.data.names import ImageName, first_duplicate, parse_names
from recapbench.errors import DataError
from recapbench.provenance import sha256_file


@dataclass(frozen=True, eq=False)
class Material:
    """The images of a split, in its order, and where their files are.

    Attributes:
        root: folder of the images, absolute, links resolved.
        parsing_root: folder of the label maps, the same; None if there are none.
        names: of the images.
        images: paths below ``root``.
        labels: paths below ``parsing_root``; empty texts if there are none.
        joints: float32 (n, 18, 3), as the keypoint file has them.
        rows: where each image stands in the keypoint file, for messages.
        sources: digests of the keypoint file and of the list of names, if there is one.
    """

    root: Path
    parsing_root: Path | None
    names: tuple[ImageName, ...]
    images: tuple[str, ...]
    labels: tuple[str, ...]
    joints: npt.NDArray[np.float32]
    rows: tuple[str, ...]
    sources: dict[str, str]

    def __len__(self) -> int:
        return len(self.names)


def gather(request: PrepareRequest) -> Material:
    """Find everything that a request speaks of; only the files of names and joints are read.

    Raises:
        DataError: naming file and row: a bad row or name, an image named twice (also under two
            names), images or label maps that are missing, links that lead out of their folder.
    """
    names, joints, rows, sources = _listed(request)
    dataset = request.record.name
    root = _folder(request.root, "--root")
    layout = find_layout(dataset, root, request.split, request.placed_by.folder, names)
    images = tuple(layout.path(name) for name in names)
    locate(root, images, rows, "images")
    parsing_root, labels = None, ("",) * len(names)
    if request.parsing is not None:
        parsing_root = _folder(request.parsing, "--parsing")
        labels = _label_maps(dataset, parsing_root, names, rows)
    return Material(root, parsing_root, names, images, labels, joints, rows, sources)


def _folder(path: Path, option: str) -> Path:
    if not path.is_dir():
        raise DataError(f"{option} {path}: expected a folder")
    return path.resolve()


def _listed(
    request: PrepareRequest,
) -> tuple[tuple[ImageName, ...], npt.NDArray[np.float32], tuple[str, ...], dict[str, str]]:
    """Names, joints, rows and digests: the keypoint file's, or those of the list in its order."""
    poses = read_keypoints(request.keypoints)
    listed = _parsed(request, poses.names, request.keypoints)
    sources = {"keypoints": poses.sha256}
    rows = [f"{request.keypoints.name} row {row}" for row in range(1, len(listed) + 1)]
    if request.names is None:
        return listed, poses.keypoints, tuple(rows), sources
    places = {name.raw: place for place, name in enumerate(listed)}
    chosen = _parsed(request, read_names(request.names), request.names)
    absent = [
        f"{name.name!r} (row {row})"
        for row, name in enumerate(chosen, start=1)
        if name.raw not in places
    ]
    if absent:
        raise DataError(
            f"{request.names}: not in {request.keypoints}: "
            + missing_message("rows", absent, len(chosen))
        )
    order = [places[name.raw] for name in chosen]
    sources["names"] = sha256_file(request.names)
    return chosen, poses.keypoints[order], tuple(rows[place] for place in order), sources


def _parsed(request: PrepareRequest, names: tuple[str, ...], path: Path) -> tuple[ImageName, ...]:
    """What names say; no image may be named twice, not even in two ways."""
    parsed = parse_names(request.record.name, names, str(path))
    twice = first_duplicate(name.raw for name in parsed)
    if twice is not None:
        earlier, row, raw = twice
        raise DataError(
            f"{path}: row {row}: {names[row - 1]!r} is the image {raw} of row {earlier}, "
            f"{names[earlier - 1]!r}"
        )
    return parsed


def _label_maps(
    dataset: str, folder: Path, names: tuple[ImageName, ...], rows: tuple[str, ...]
) -> tuple[str, ...]:
    found = [find_parsing(dataset, folder, name) for name in names]
    missing = [
        f"{name.name} ({row})"
        for name, row, path in zip(names, rows, found, strict=True)
        if path is None
    ]
    if missing:
        raise DataError(f"{folder}: {missing_message('label maps', missing, len(names))}")
    labels = tuple(path for path in found if path is not None)
    locate(folder, labels, rows, "label maps")
    return labels
