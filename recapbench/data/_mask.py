"""The compiled kernels of the pose masks.

Def-GAN's mask: the field's reference is ``skimage.draw.polygon`` in floating point, so a mask must
agree with it pixel by pixel. Ends of limbs are whole pixels; then a pixel can lie exactly on a
rectangle's long edge only if the limb's length is a whole number. Along the axes the arithmetic is
exact and both agree. For oblique limbs of whole length (3-4-5 and its like) rounding inside
scikit-image decides about such pixels, and those few limbs are left to scikit-image. Pixels on a
short edge are nearer than 4 pixels to a joint, whose disk covers them anyway.

PG2's mask needs none of this: it is made of disks on whole pixels.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def _limb(mask, row_a, column_a, row_b, column_b, radius):  # type: ignore[no-untyped-def]
    """Set the pixels within ``radius`` of the segment's line and between its ends."""
    down, across = row_b - row_a, column_b - column_a
    square = down * down + across * across
    if square == 0:
        return
    height, width = mask.shape
    limit = radius * np.sqrt(float(square))
    first = max(0, min(row_a, row_b) - radius)
    last = min(height - 1, max(row_a, row_b) + radius)
    left = max(0, min(column_a, column_b) - radius)
    right = min(width - 1, max(column_a, column_b) + radius)
    for row in range(first, last + 1):
        for column in range(left, right + 1):
            y, x = row - row_a, column - column_a
            along = y * down + x * across
            if 0 <= along <= square and abs(y * across - x * down) <= limit:
                mask[row, column] = True


@njit(cache=True, nogil=True)
def _disk(mask, row, column, radius, square):  # type: ignore[no-untyped-def]
    """Set the pixels whose squared distance is at most ``square``, which is at most radius^2."""
    height, width = mask.shape
    for y in range(max(0, row - radius), min(height, row + radius + 1)):
        for x in range(max(0, column - radius), min(width, column + radius + 1)):
            if (y - row) ** 2 + (x - column) ** 2 <= square:
                mask[y, x] = True


@njit(cache=True, nogil=True)
def _dilate(mask, reach):  # type: ignore[no-untyped-def]
    """Spread ones over a square of half-side ``reach``; uint8, 0 or 1. No branches: it vectorises.

    Outside the image nothing is set.
    """
    height, width = mask.shape
    rows = mask.copy()
    for y in range(height):
        for shift in range(1, reach + 1):
            for x in range(width - shift):
                rows[y, x] |= mask[y, x + shift]
            for x in range(shift, width):
                rows[y, x] |= mask[y, x - shift]
    for y in range(height):
        for near in range(max(0, y - reach), min(height, y + reach + 1)):
            for x in range(width):
                mask[y, x] |= rows[near, x]


@njit(cache=True, nogil=True)
def _invert(mask):  # type: ignore[no-untyped-def]
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            mask[y, x] ^= np.uint8(1)


@njit(cache=True, nogil=True)
def _close(mask, reach):  # type: ignore[no-untyped-def]
    """Dilate the ones, then the zeros; uint8, 0 or 1."""
    _dilate(mask, reach)
    _invert(mask)
    _dilate(mask, reach)
    _invert(mask)


@njit(cache=True, nogil=True)
def _fill(mask, places, present, limbs, radius, reach):  # type: ignore[no-untyped-def]
    for a, b in limbs:
        _limb(mask, places[a, 0], places[a, 1], places[b, 0], places[b, 1], radius)
    for joint in range(len(present)):
        if present[joint]:
            # Strictly inside: distances are whole, so "below" is "at most one less".
            _disk(mask, places[joint, 0], places[joint, 1], radius, radius * radius - 1)
    _close(mask.view(np.uint8), reach)


@njit(cache=True, nogil=True)
def _row_of_disks(mask, row_a, column_a, row_b, column_b, radius):  # type: ignore[no-untyped-def]
    """Disks from one end of a limb to the other, a radius apart or a little more."""
    down, across = row_b - row_a, column_b - column_a
    steps = max(1, int(np.sqrt(float(down * down + across * across)) / radius))
    for step in range(steps + 1):
        row = int(row_a + down * step / steps)  # cut off, as the public code does
        column = int(column_a + across * step / steps)
        _disk(mask, row, column, radius, radius * radius)


@njit(cache=True, nogil=True)
def fill_disks(mask, places, limbs, radius, reach):  # type: ignore[no-untyped-def]
    """Draw PG2's pose mask into ``mask`` (H, W), bool, which must be empty.

    Args:
        mask: bool (H, W), written in place.
        places: int64 (J, 2), row and column of each joint.
        limbs: int64 (L, 2), the limbs whose two ends are present.
        radius: of the disks, in pixels.
        reach: half-side of the closing square, in pixels.
    """
    for a, b in limbs:
        _row_of_disks(mask, places[a, 0], places[a, 1], places[b, 0], places[b, 1], radius)
    _close(mask.view(np.uint8), reach)


def _polygon(
    mask: npt.NDArray[np.bool_],
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    radius: int,
) -> None:
    """Fill one limb's rectangle through scikit-image."""
    from skimage.draw import polygon

    down, across = (end - start).astype(np.float64)
    side = radius * np.array([across, -down]) / np.hypot(down, across)
    corners = np.stack([start + side, start - side, end - side, end + side])
    mask[polygon(corners[:, 0], corners[:, 1], shape=mask.shape)] = True


def fill_mask(
    mask: npt.NDArray[np.bool_],
    places: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_],
    limbs: npt.NDArray[np.int64],
    radius: int,
    reach: int,
) -> None:
    """Draw Def-GAN's pose mask into ``mask`` (H, W), which must be empty.

    Args:
        mask: bool (H, W), written in place.
        places: int64 (J, 2), row and column of each joint.
        present: bool (J,).
        limbs: int64 (L, 2), joints at the ends of each limb.
        radius: half-width of limbs and radius of disks, in pixels.
        reach: half-side of the closing square, in pixels.
    """
    drawn = limbs[present[limbs].all(axis=1)]
    ends = places[drawn]
    steps = ends[:, 1] - ends[:, 0]
    oblique = (steps != 0).all(axis=1)
    lengths = (steps**2).sum(axis=1)
    unsure = np.array(
        [skew and isqrt(n) ** 2 == n for skew, n in zip(oblique, lengths.tolist(), strict=True)],
        dtype=np.bool_,
    )
    for start, end in ends[unsure]:
        _polygon(mask, start, end, radius)
    _fill(mask, places, present, drawn[~unsure], radius, reach)
