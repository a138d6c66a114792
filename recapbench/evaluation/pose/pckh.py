"""PCKh: how many of the target's joints stand in their place in the generated image.

Source: ``tool/calPCKH_fashion.py`` and ``tool/calPCKH_market.py`` of PATN's public code. The place
is a box around the target's joint, as large as the box around the target's head.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError
from recapbench.evaluation.base import Share
from recapbench.evaluation.pairs import Keypoints

HEAD_JOINTS: Final = (0, 1, 14, 15, 16, 17)
"""Nose, neck, eyes and ears: the head's box is the smallest around those that are there."""
ALPHA: Final = 0.5
"""Half the side of the box in which a joint counts as found, in sides of the head's box."""


def pckh(generated: Keypoints, target: Keypoints) -> Share | None:
    """Joints of the target that are found, of all that the target has.

    A joint is found if it lies strictly less than half the head's width and half its height away.
    One that the generated image does not have is not found.

    Args:
        generated: float32 (18,3) of x, y, visibility, in the generated image.
        target: float32 (18,3), in the target. Joints of visibility 1 and 2 count.

    Returns:
        Found of all; None if the target has fewer than two joints of the head.

    Raises:
        DataError: if a joint that is there has a coordinate that is not finite.
    """
    wanted = _there(target, "the target's")
    found = _there(generated, "the generated image's") & wanted
    head = [joint for joint in HEAD_JOINTS if wanted[joint]]
    if len(head) < 2:
        return None
    width, height = np.ptp(target[head, :2].astype(np.float64), axis=0)
    away = np.abs(np.subtract(generated[found, :2], target[found, :2], dtype=np.float64))
    near = (away[:, 0] < ALPHA * width) & (away[:, 1] < ALPHA * height)
    return Share(float(near.sum()), float(wanted.sum()))


def _there(keypoints: Keypoints, whose: str) -> NDArray[np.bool_]:
    there = keypoints[:, 2] > 0
    if not np.isfinite(keypoints[there]).all():
        raise DataError(f"{whose} joints: expected finite coordinates, got {keypoints[there]}")
    return np.asarray(there)
