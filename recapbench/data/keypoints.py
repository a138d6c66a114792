"""Keypoint files of the field, read strictly: what is wrong is named with file and row.

Three forms are read; all give the 18 joints of ``skeleton.JOINTS`` in pixels of the image that the
file was made for:

- the field's CSV (Def-GAN, PATN and followers): head ``name:keypoints_y:keypoints_x``, then one
  image a line, each list 18 numbers in JSON, a missing joint -1 in both (one is enough);
- OpenPose's JSON, one file an image (see ``keypoints_json``);
- COCO's keypoint JSON, one file for all.

The file's row order is kept: it decides which test pairs a protocol draws.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np

from recapbench.data import keypoints_json
from recapbench.data.keypoint_table import (
    HIGHEST,
    LOWEST,
    Poses,
    assemble,
    check_names,
    outside,
)
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes

HEAD: Final = "name:keypoints_y:keypoints_x"
"""First line of the field's keypoint CSV."""

ABSENT: Final = -1.0
"""Coordinate of a missing joint in the field's CSV."""


def read_keypoints(path: Path) -> Poses:
    """The joints of a keypoint file: the field's CSV, OpenPose's JSON or COCO's JSON.

    Args:
        path: the file; for OpenPose also the folder with a JSON for every image.

    Raises:
        DataError: naming the file and the row: a file that is absent, empty or not UTF-8, another
            head, a row that is short or long, not 18 numbers, a number that is not finite or
            outside any image, a name that cannot be an image's, a name that comes twice.
    """
    if path.is_dir():
        return keypoints_json.read_folder(path)
    data = _read(path)
    if path.suffix.lower() == ".json" or data.lstrip()[:1] == b"{":
        return keypoints_json.read_file(path, data)
    return _read_csv(path, data)


def read_names(path: Path) -> tuple[str, ...]:
    """The names of a bare list, one a line, in the file's order.

    Raises:
        DataError: naming the file and the row: a file that is absent, empty or not UTF-8, an empty
            line, a name that cannot be an image's, a name that comes twice.
    """
    names = _lines(path, _read(path))
    check_names(path, names)
    return tuple(names)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _lines(path: Path, data: bytes) -> list[str]:
    """Lines of a text file, without their ends; an end after the last line may be there or not."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {data[: error.start].count(10) + 1}: expected UTF-8: {error}"
        ) from error
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def _read_csv(path: Path, data: bytes) -> Poses:
    head, *rows = _lines(path, data)
    if head != HEAD:
        raise DataError(f"{path}: row 0: expected the head {HEAD!r}, got {head[:80]!r}")
    if not rows:
        raise DataError(f"{path}: expected a row for every image below the head, got none")
    names, values = [], []
    for number, row in enumerate(rows, start=1):
        try:
            name, *lists = _fields(row)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: row {number}: {error}") from error
        names.append(name)
        values.append(lists)
    check_names(path, names)
    yx = np.array(values, np.float64)
    bad = outside(yx) & (yx != ABSENT)
    if bad.any():
        row, axis, joint = np.argwhere(bad)[0].tolist()
        raise DataError(
            f"{path}: row {row + 1}: {names[row]!r}: expected keypoints_{'yx'[axis]} of -1 or "
            f"{LOWEST} to {HIGHEST:.0f}, got {yx[row, axis, joint]} for joint {joint}"
        )
    present = (yx != ABSENT).all(axis=1)
    return assemble(names, yx[:, ::-1].transpose(0, 2, 1), present, sha256_bytes(data))


_DECODE: Final = json.JSONDecoder(parse_int=float).decode


def _fields(row: str) -> tuple[str, list[float], list[float]]:
    """Name, y and x of a row."""
    fields = row.split(":")
    if len(fields) != 3:
        raise ValueError(f"expected 'name:keypoints_y:keypoints_x', got {row[:80]!r}")
    name, y, x = fields
    return name, _numbers("keypoints_y", y), _numbers("keypoints_x", x)


def _numbers(what: str, text: str) -> list[float]:
    try:
        values = _DECODE(text)
    except ValueError as error:
        raise ValueError(
            f"expected {what} as a list in JSON, got {text[:80]!r}: {error}"
        ) from error
    if not isinstance(values, list) or len(values) != NUM_JOINTS:
        count = len(values) if isinstance(values, list) else "no list"
        raise ValueError(f"expected {NUM_JOINTS} numbers as {what}, got {count}")
    if any(type(value) is not float for value in values):
        raise ValueError(f"expected {NUM_JOINTS} numbers as {what}, got {text[:80]!r}")
    return values
