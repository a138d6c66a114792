"""What an image and a mask are to the evaluators, checked where they come in."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError

Image: TypeAlias = NDArray[np.uint8]
"""RGB pixels, uint8 (H,W,3)."""
Mask: TypeAlias = NDArray[np.bool_]
"""Pixels that belong to the person, bool (H,W)."""


def require_image(image: NDArray[np.generic], what: str = "image") -> None:
    """Raise a DataError unless this is a uint8 (H,W,3) array with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise DataError(
            f"{what}: expected uint8 RGB of shape (H,W,3), got {image.dtype} {image.shape}"
        )


def require_pair(generated: NDArray[np.generic], target: NDArray[np.generic]) -> None:
    """Raise a DataError unless both are uint8 RGB of one size."""
    require_image(generated, "generated image")
    require_image(target, "target image")
    if generated.shape != target.shape:
        raise DataError(
            f"the generated image has {_size(generated)} pixels, its target {_size(target)}; "
            f"expected one size"
        )


def as_mask(mask: NDArray[np.generic], image: Image, what: str = "mask") -> Mask:
    """The mask as bool (H,W).

    Raises:
        DataError: if its size is not the image's, or it holds more than 0 and 1.
    """
    if mask.shape != image.shape[:2]:
        raise DataError(
            f"{what}: expected one value for each pixel of {image.shape[:2]} (rows, columns), "
            f"got shape {mask.shape}"
        )
    if mask.dtype == np.bool_:
        return mask.astype(np.bool_, copy=False)
    if mask.dtype != np.uint8 or int(mask.max(initial=np.uint8(0))) > 1:
        raise DataError(f"{what}: expected bool, or uint8 of 0 and 1, got {mask.dtype}")
    return mask.astype(np.bool_)


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
