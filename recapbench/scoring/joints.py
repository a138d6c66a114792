"""Joints of images from a keypoint file, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recapbench.data.keypoint_table import LOWEST, Poses
from recapbench.data.keypoints import read_keypoints
from recapbench.data.skeleton import MISSING
from recapbench.errors import DataError
from recapbench.evaluation.pairs import Keypoints
from recapbench.scoring.folder import image_stem, some


def pick_joints(path: Path, names: Sequence[str]) -> list[Keypoints]:
    """The joints of these images, each float32 (18,3), from a keypoint file.

    A row is found by the image's name, or without the ending of both.

    Raises:
        DataError: if the file is malformed, has no row for an image, or two rows for one; the
            images are counted and named.
    """
    poses = read_keypoints(path)
    exact = {name: row for row, name in enumerate(poses.names)}
    stems = _by_stem(poses, {image_stem(name) for name in names if name not in exact}, path)
    rows = [exact.get(name, stems.get(image_stem(name), -1)) for name in names]
    missing = list(dict.fromkeys(n for n, row in zip(names, rows, strict=True) if row < 0))
    if missing:
        raise DataError(
            f"{path}: expected a row for every image, {len(missing)} have none: {some(missing)}"
        )
    return [poses.keypoints[row] for row in rows]


def _by_stem(poses: Poses, wanted: set[str], path: Path) -> dict[str, int]:
    """Rows of names whose ending is another one."""
    found: dict[str, int] = {}
    for row, name in enumerate(poses.names if wanted else ()):
        stem = image_stem(name)
        if stem in wanted and found.setdefault(stem, row) != row:
            raise DataError(
                f"{path}: {poses.names[found[stem]]!r} (row {found[stem] + 1}) and {name!r} "
                f"(row {row + 1}) are both named as the image {stem!r}"
            )
    return found


def require_inside(keypoints: Keypoints, size: tuple[int, int], what: str) -> None:
    """Make sure that every joint that is there lies in an image of ``size`` (rows, columns).

    Raises:
        DataError: naming ``what`` and the joint.
    """
    there = keypoints[:, 2] > MISSING
    ends = np.array([size[1], size[0]]) - 0.5
    outside = there & ((keypoints[:, :2] < LOWEST) | (keypoints[:, :2] > ends)).any(axis=1)
    if outside.any():
        joint = int(np.argmax(outside))
        x, y = keypoints[joint, :2].tolist()
        raise DataError(
            f"{what}: joint {joint} at x {x:g}, y {y:g} lies outside the image of {size[1]} "
            f"columns and {size[0]} rows: the joints were made for images of another size (PATN "
            f"crops columns 40 to 215 of 256x256 images, and its joints with them)"
        )
