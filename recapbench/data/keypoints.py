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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.names import check_name, first_duplicate
from recapbench.data.skeleton import MISSING, NUM_JOINTS, SEEN
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes

HEAD: Final = "name:keypoints_y:keypoints_x"
"""First line of the field's keypoint CSV."""

ABSENT: Final = -1.0
"""Coordinate of a missing joint in the field's CSV."""

LOWEST: Final = -0.5
"""Left and upper edge of an image, pixel centres being at whole coordinates."""

HIGHEST: Final = 16384.0
"""No image of the field is as large; a joint beyond it was not measured in one."""


@dataclass(frozen=True, eq=False)
class Poses:
    """The joints of a list of images.

    Attributes:
        names: of the images, each once, in the file's order.
        keypoints: float32 (n, 18, 3) of x, y in pixels and visibility 0 or 2; a missing joint is
            0, 0, 0. Read-only.
        sha256: digest of the bytes that they were read from.
    """

    names: tuple[str, ...]
    keypoints: npt.NDArray[np.float32]
    sha256: str

    def __post_init__(self) -> None:
        self.keypoints.flags.writeable = False

    def __len__(self) -> int:
        return len(self.names)


def read_keypoints(path: Path) -> Poses:
    """The joints of a keypoint file: the field's CSV, OpenPose's JSON or COCO's JSON.

    Args:
        path: the file; for OpenPose also the folder with a JSON for every image.

    Raises:
        DataError: naming the file and the row: a file that is absent, empty or not UTF-8, another
            head, a row that is short or long, not 18 numbers, a number that is not finite or
            outside any image, a name that cannot be an image's, a name that comes twice.
    """
    from recapbench.data import keypoints_json

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


def check_names(path: Path, names: Sequence[str]) -> None:
    """Make sure that every name can be an image's and comes once.

    Raises:
        DataError: naming the file and the row, counted from 1.
    """
    for row, name in enumerate(names, start=1):
        try:
            check_name(name)
        except DataError as error:
            raise DataError(f"{path}: row {row}: {error}") from error
    twice = first_duplicate(names)
    if twice is not None:
        earlier, row, name = twice
        raise DataError(f"{path}: row {row}: {name!r} is named in row {earlier} already")


def assemble(
    names: Sequence[str],
    places: npt.NDArray[np.float64],
    present: npt.NDArray[np.bool_],
    sha256: str,
) -> Poses:
    """Poses of x, y (n, 18, 2) and of which joints are there (n, 18)."""
    keypoints = np.zeros((len(names), NUM_JOINTS, 3), np.float32)
    keypoints[..., :2] = np.where(present[..., None], places, 0.0)
    keypoints[..., 2] = np.where(present, SEEN, MISSING)
    return Poses(tuple(names), keypoints, sha256)


def outside(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which coordinates are not finite or lie outside any image."""
    return ~((values >= LOWEST) & (values <= HIGHEST))


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
