"""How far apart two poses are, in lengths of the torso."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.skeleton import JOINTS, MISSING

MIN_JOINTS: Final = 4
"""Fewer common joints say too little of two poses."""
_NECK: Final = JOINTS.index("neck")
_HIPS: Final = (JOINTS.index("right_hip"), JOINTS.index("left_hip"))

Pose = npt.NDArray[np.floating]


def pose_distance(source: Pose, target: Pose) -> float | None:
    """Mean distance in the image of the joints of two poses, in torso lengths.

    The mean is over the joints that are inside both images, hidden ones too. The torso goes from
    the neck to the middle of those hips that are there; its length is the mean over the poses that
    have one. A person who stands elsewhere in the image, or is larger there, is further away:
    a method has to bridge that too.

    Args:
        source: (18, 3) of x, y in pixels and visibility.
        target: the same of the other pose.

    Returns:
        The distance, at least 0; None with fewer than 4 common joints, or without a torso.
    """
    common = (source[:, 2] > MISSING) & (target[:, 2] > MISSING)
    lengths = [length for length in map(torso_length, (source, target)) if length is not None]
    if common.sum() < MIN_JOINTS or not lengths:
        return None
    moved = np.hypot(*(source[common, :2] - target[common, :2]).astype(np.float64).T)
    return float(moved.mean() / np.mean(lengths))


def torso_length(pose: Pose) -> float | None:
    """Pixels from the neck to the middle of the hips; None if either is missing or both are one.

    Args:
        pose: (18, 3) of x, y in pixels and visibility.
    """
    hips = [pose[joint, :2] for joint in _HIPS if pose[joint, 2] > MISSING]
    if pose[_NECK, 2] <= MISSING or not hips:
        return None
    length = float(np.hypot(*(pose[_NECK, :2] - np.mean(hips, axis=0))))
    return length if length > 0 else None
