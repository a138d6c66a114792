"""Whether joints can be those of a picture."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.ingest.geometry import Size, outside
from recapbench.data.skeleton import JOINTS, MISSING
from recapbench.errors import DataError

FEWEST: Final = 3
"""Joints from which on a pose whose joints all stand on one pixel is no pose."""


def check_joints(joints: npt.NDArray[np.float32], size: Size, where: str) -> None:
    """Make sure that every joint lies in the picture and that they are not all in one place.

    Two or three joints on one pixel are common in small pictures: 413 of the 32,668 rows of the
    public files of Market-1501 have some. The pose mask knows how to draw them.

    Args:
        joints: float32 (18, 3) of x, y, visibility.
        size: height and width of the picture that they were measured in.
        where: file, row and name, for the message.

    Raises:
        DataError: naming the first joint that is outside, or the place of the collapsed pose.
    """
    present = joints[:, 2] != MISSING
    wrong = np.flatnonzero(outside(joints, size) & present)
    if wrong.size:
        joint = int(wrong[0])
        raise DataError(
            f"{where}: expected joints within the picture of {size} pixels (height, width), got "
            f"x {joints[joint, 0]:g}, y {joints[joint, 1]:g} for joint {joint} ({JOINTS[joint]})"
        )
    places = np.unique(np.floor(joints[present, :2] + 0.5), axis=0)
    if present.sum() >= FEWEST and len(places) == 1:
        raise DataError(
            f"{where}: expected a pose, got {present.sum()} joints that all stand at "
            f"x {places[0, 0]:g}, y {places[0, 1]:g}"
        )
