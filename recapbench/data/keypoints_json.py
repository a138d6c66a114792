"""Keypoints in OpenPose's and COCO's JSON, brought to the 18 joints of ``skeleton.JOINTS``.

OpenPose writes ``NAME_keypoints.json`` for ``NAME.jpg``; folders below the one given are kept in
the name. Of several persons the one with the highest summed confidence counts. Both its models of
the field are read: COCO (18 joints) and BODY_25.

COCO's 17 joints have no neck: it is the middle of the shoulders if both are there. Of several
persons in one image the one with the highest ``score`` counts, then the one with most joints. A
labelled joint that is hidden (COCO's visibility 1) counts as present.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recapbench.data.keypoint_table import (
    HIGHEST,
    LOWEST,
    Poses,
    assemble,
    check_names,
    outside,
)
from recapbench.data.skeleton import JOINTS, NUM_JOINTS
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes, sha256_json

SUFFIX: Final = "_keypoints.json"
"""What OpenPose puts in place of an image's ``.jpg``."""

BODY_25: Final = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
"""Places of the 18 joints among OpenPose's 25: its 8 is the middle of the hips, 19 on are feet."""

COCO: Final = (0, 0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""Places of the 18 joints among COCO's 17; the neck's is filled afterwards."""

_NECK: Final = JOINTS.index("neck")
_SHOULDERS: Final = [JOINTS.index("right_shoulder"), JOINTS.index("left_shoulder")]

Joints = npt.NDArray[np.float64]
"""(18, 3) of x, y and confidence; 0 is missing."""


def read_folder(folder: Path) -> Poses:
    """OpenPose's files below a folder, sorted by name; see ``keypoints.read_keypoints``.

    Raises:
        DataError: naming the file that is malformed, or the folder if it has none.
    """
    paths = sorted(folder.rglob(f"*{SUFFIX}"), key=lambda path: _image(path, folder))
    if not paths:
        raise DataError(f"{folder}: expected files of OpenPose, NAME{SUFFIX}, found none")
    poses, digests = [], []
    for path in paths:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        poses.append(_openpose(path, _document(path, data)))
        digests.append([path.relative_to(folder).as_posix(), sha256_bytes(data)])
    names = [_image(path, folder) for path in paths]
    check_names(folder, names)
    return _poses(names, np.stack(poses), sha256_json(digests))


def read_file(path: Path, data: bytes) -> Poses:
    """One JSON file of OpenPose or COCO; see ``keypoints.read_keypoints``.

    Raises:
        DataError: naming the file and what is malformed in it.
    """
    document = _document(path, data)
    if "people" in document:
        if not path.name.endswith(SUFFIX):
            raise DataError(f"{path}: expected a file of OpenPose to be called NAME{SUFFIX}")
        names = [_image(path, path.parent)]
        check_names(path, names)
        return _poses(names, _openpose(path, document)[None], sha256_bytes(data))
    if "images" in document and "annotations" in document:
        names, joints = _coco(path, document)
        return _poses(names, joints, sha256_bytes(data))
    raise DataError(
        f"{path}: expected OpenPose's JSON ('people') or COCO's ('images', 'annotations'), got "
        f"the keys {sorted(document)[:10]}"
    )


def _image(path: Path, folder: Path) -> str:
    """Name of the image that a file of OpenPose belongs to: OpenPose cuts off one extension."""
    return path.relative_to(folder).as_posix().removesuffix(SUFFIX) + ".jpg"


def _poses(names: Sequence[str], joints: npt.NDArray[np.float64], sha256: str) -> Poses:
    return assemble(names, joints[..., :2], joints[..., 2] > 0, sha256)


def _document(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: expected a JSON object, got a {type(document).__name__}")
    return document


def _objects(document: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    """The list of objects under a key."""
    found = document[key]
    if not isinstance(found, list):
        raise DataError(f"{path}: expected {key!r} to be a list")
    for place, value in enumerate(found):
        if not isinstance(value, dict):
            raise DataError(f"{path}: {key}[{place}]: expected an object, got {str(value)[:80]!r}")
    return found


def _triples(values: Any, counts: Sequence[int], where: str) -> npt.NDArray[np.float64]:
    """Joints (count, 3) of x, y and confidence, checked."""
    expected = " or ".join(str(3 * count) for count in counts)
    if not isinstance(values, list) or len(values) not in [3 * count for count in counts]:
        got = len(values) if isinstance(values, list) else "no list"
        raise DataError(f"{where}: expected {expected} numbers (x, y, confidence), got {got}")
    if any(type(value) not in (int, float) for value in values):
        raise DataError(f"{where}: expected {expected} numbers, got {str(values)[:80]}")
    try:
        joints = np.array(values, np.float64).reshape(-1, 3)
    except OverflowError as error:
        raise DataError(f"{where}: a number is too large: {error}") from error
    bad = (outside(joints[:, :2]) & (joints[:, 2:] > 0)).any(axis=1) | ~np.isfinite(joints).all(1)
    if bad.any():
        joint = int(np.argmax(bad))
        raise DataError(
            f"{where}: expected x and y of {LOWEST} to {HIGHEST:.0f} and a confidence, got "
            f"{joints[joint].tolist()} for joint {joint}"
        )
    return joints


def _openpose(path: Path, document: dict[str, Any]) -> Joints:
    """The joints of the most confident person of one file of OpenPose."""
    if "people" not in document:
        raise DataError(f"{path}: expected 'people', a list of the persons found")
    best, highest = np.zeros((NUM_JOINTS, 3)), 0.0
    for place, person in enumerate(_objects(document, "people", path)):
        where = f"{path}: people[{place}].pose_keypoints_2d"
        values = person.get("pose_keypoints_2d")
        if values == []:  # only the face or a hand was found
            continue
        joints = _triples(values, (NUM_JOINTS, 25), where)
        if len(joints) == 25:
            joints = joints[list(BODY_25)]
        confidence = float(joints[:, 2].sum())
        if confidence > highest:
            best, highest = joints, confidence
    return best


def _coco(path: Path, document: dict[str, Any]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Names and joints (n, 18, 3) of COCO's keypoint annotations, in the order of its images."""
    positions: dict[Any, int] = {}
    names = []
    for place, image in enumerate(_objects(document, "images", path)):
        key, name = image.get("id"), image.get("file_name")
        if type(key) not in (int, str) or not isinstance(name, str):
            raise DataError(f"{path}: images[{place}]: expected an 'id' and a 'file_name'")
        if key in positions:
            raise DataError(f"{path}: images[{place}]: the id {key!r} comes twice")
        positions[key] = place
        names.append(name)
    if not names:
        raise DataError(f"{path}: expected images, 'images' is empty")
    check_names(path, names)
    joints = np.zeros((len(names), NUM_JOINTS, 3))
    ranks: dict[int, tuple[float, int]] = {}
    for place, annotation in enumerate(_objects(document, "annotations", path)):
        where = f"{path}: annotations[{place}]"
        key = annotation.get("image_id")
        if type(key) not in (int, str) or key not in positions:
            raise DataError(f"{where}: no image has the id {key!r}")
        found = _triples(annotation.get("keypoints"), (17,), f"{where}.keypoints")
        rank = (_score(annotation, where), int((found[:, 2] > 0).sum()))
        position = positions[key]
        if position not in ranks or rank > ranks[position]:
            ranks[position] = rank
            joints[position] = _with_neck(found[list(COCO)])
    return names, joints


def _score(annotation: dict[str, Any], where: str) -> float:
    score = annotation.get("score", 0.0)
    if type(score) not in (int, float) or not abs(score) < 1e9:
        raise DataError(f"{where}: expected 'score' to be a number, got {str(score)[:80]}")
    return float(score)


def _with_neck(joints: Joints) -> Joints:
    """The neck between the shoulders, or missing."""
    shoulders = joints[_SHOULDERS]
    joints[_NECK] = shoulders.mean(axis=0) if (shoulders[:, 2] > 0).all() else 0.0
    return joints
