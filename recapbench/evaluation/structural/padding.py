"""PATN's white columns around its 256x176 images (PROTOCOLS: its DeepFashion figures)."""

from __future__ import annotations

from typing import Final

import numpy as np

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image

PATN_SIZE: Final = (256, 176)
"""Rows and columns of the images that PATN pads."""
PATN_COLUMNS: Final = 40
"""White columns that it adds on each side."""


def fits_patn(image: Image) -> bool:
    """Whether an image uint8 (H,W,3) has the size that PATN's protocol is defined for."""
    return image.shape[:2] == PATN_SIZE


def pad_patn(image: Image) -> Image:
    """A 256x176 image between 40 white columns on each side: uint8 (256,256,3).

    Raises:
        DataError: for another size.
    """
    if not fits_patn(image):
        height, width = image.shape[:2]
        raise DataError(f"PATN's padding is defined for 256x176 images, got {height}x{width}")
    return pad_white(image, PATN_COLUMNS)


def pad_white(image: Image, columns: int) -> Image:
    """An image uint8 (H,W,3) between white columns: uint8 (H,W + 2 columns,3)."""
    return np.pad(image, ((0, 0), (columns, columns), (0, 0)), constant_values=255)
