"""The joints of a list of images, and what any file of them must keep to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.names import check_name, first_duplicate
from recapbench.data.skeleton import MISSING, NUM_JOINTS, SEEN
from recapbench.errors import DataError

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
