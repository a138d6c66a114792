"""Poses as pictures: heatmaps for the networks and the pose masks of the masked metrics.

Shapes: J = 18 joints, H x W pixels. Joints stand on pixels here: all pictures round ``x`` and
``y`` to the nearest pixel (halves upwards) before anything else. Annotation files of the field
hold whole pixels, so rounding leaves them as they are, and a joint between pixels still gives a
disk of exactly 49 pixels. A joint with visibility 0 draws nothing; the part of a disk that lies
outside the image is cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from recapbench.data.skeleton import MASK_LIMBS, MISSING, NUM_JOINTS

HEATMAP_RADIUS: Final = 4
"""Radius in pixels of the paper's binary heatmaps."""
MASK_RADIUS: Final = 4
"""Half-width of limbs and radius of disks in the pose masks, in pixels."""
MASK_CLOSING: Final = 5
"""Side in pixels of the square that closes the pose masks."""

Size = tuple[int, int]
"""Height and width in pixels."""
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Present = npt.NDArray[np.bool_]


def joint_pixels(
    keypoints: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Whole pixels of the joints, and which joints are there.

    Args:
        keypoints: (..., 18, 3) of x, y, visibility.

    Returns:
        int64 (..., 18, 2) of row, column (0 for an absent joint), and bool (..., 18).

    Raises:
        ValueError: if the shape is another, or a present joint is not finite.
    """
    keypoints = np.asarray(keypoints)
    if keypoints.ndim < 2 or keypoints.shape[-2:] != (NUM_JOINTS, 3):
        raise ValueError(f"expected keypoints (..., {NUM_JOINTS}, 3), got {keypoints.shape}")
    present = keypoints[..., 2] > MISSING
    places = np.where(present[..., None], keypoints[..., 1::-1], 0.0)
    if not np.isfinite(places).all():
        raise ValueError("a joint with visibility 1 or 2 has a coordinate that is not finite")
    bounded = np.clip(places.astype(np.float64), -1e6, 1e6)
    return np.floor(bounded + 0.5).astype(np.int64), present


def heatmaps(
    keypoints: npt.NDArray[np.floating],
    size: Size,
    radius: int = HEATMAP_RADIUS,
    kind: Literal["binary", "gaussian"] = "binary",
    sigma: float = 6.0,
    dtype: npt.DTypeLike | None = None,
) -> npt.NDArray[np.generic]:
    """One channel per joint.

    ``binary`` (the paper's): 1 where the distance to the joint is at most ``radius``, 49 pixels
    at radius 4. ``gaussian`` (Def-GAN's and PATN's): ``exp(-distance^2 / (2 sigma^2))``.

    Args:
        keypoints: (..., 18, 3) of x, y, visibility; leading axes are batches.
        size: height and width in pixels.
        radius: of the binary disk, in pixels.
        kind: which of the two.
        sigma: of the Gaussian, in pixels.
        dtype: of the result; uint8 for ``binary`` and float32 for ``gaussian`` by default.

    Returns:
        (..., 18, H, W), values 0 to 1. An absent joint leaves its channel 0.

    Raises:
        ValueError: on malformed keypoints or an unknown ``kind``.
    """
    places, present = joint_pixels(keypoints)
    if kind == "binary":
        maps = np.zeros((*present.shape, *size), np.dtype(dtype or np.uint8))
        _stamp(maps, places, present, radius)
        return maps
    if kind == "gaussian":
        return _gaussians(places, present, size, sigma).astype(dtype or np.float32, copy=False)
    raise ValueError(f"expected kind 'binary' or 'gaussian', got {kind!r}")


def stamp_heatmaps(
    maps: npt.NDArray[np.generic],
    keypoints: npt.NDArray[np.floating],
    radius: int = HEATMAP_RADIUS,
) -> None:
    """Draw binary heatmaps into memory that is there already.

    Args:
        maps: (..., 18, H, W) of zeros, contiguous; written in place.
        keypoints: (..., 18, 3) of x, y, visibility.
        radius: of the disk, in pixels.

    Raises:
        ValueError: if the shapes do not fit, or on malformed keypoints.
    """
    places, present = joint_pixels(keypoints)
    if maps.shape[:-2] != present.shape or not maps.flags.c_contiguous:
        raise ValueError(f"expected contiguous maps {(*present.shape, 'H', 'W')}, got {maps.shape}")
    _stamp(maps, places, present, radius)


@cache
def _disk(radius: int) -> npt.NDArray[np.int64]:
    """Offsets (row, column) of the pixels within ``radius`` of a pixel."""
    reach = np.arange(-radius, radius + 1)
    return np.argwhere(reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2) - radius


def _stamp(
    maps: npt.NDArray[np.generic],
    places: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_],
    radius: int,
) -> None:
    """Copy one disk to every joint: the cost is the disks' pixels, not the image's."""
    height, width = maps.shape[-2:]
    disk = _disk(radius)
    rows = places[..., :1] + disk[:, 0]
    columns = places[..., 1:] + disk[:, 1]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    inside &= present[..., None]
    channels = np.arange(present.size).reshape(*present.shape, 1)
    maps.reshape(-1)[((channels * height + rows) * width + columns)[inside]] = 1


def _gaussians(
    places: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_],
    size: Size,
    sigma: float,
) -> npt.NDArray[np.float32]:
    """Outer products of a column and a row: a Gaussian is separable."""
    scale = -0.5 / sigma**2
    rows = np.exp(scale * (np.arange(size[0]) - places[..., :1]) ** 2.0)
    columns = np.exp(scale * (np.arange(size[1]) - places[..., 1:]) ** 2.0)
    rows = np.where(present[..., None], rows, 0.0).astype(np.float32)
    return rows[..., :, None] * columns.astype(np.float32)[..., None, :]


def pose_mask(keypoints: npt.NDArray[np.floating], size: Size) -> npt.NDArray[np.bool_]:
    """The pose mask in Def-GAN's form, that of the field's masked metrics.

    A rectangle of half-width 4 around each limb whose two ends are present (edges included, as
    ``skimage.draw.polygon`` fills it), a disk of radius 4 at each present joint (strictly inside:
    45 pixels), then a 5x5 closing. Limbs of zero length draw nothing but their joints' disk.

    Args:
        keypoints: (..., 18, 3) of x, y, visibility; leading axes are batches.
        size: height and width in pixels.

    Returns:
        bool (..., H, W).

    Raises:
        ValueError: on malformed keypoints.
    """
    from recapbench.data._mask import fill_mask

    limbs = np.array(MASK_LIMBS, dtype=np.int64)

    def draw(mask: Mask, places: Places, present: Present) -> None:
        fill_mask(mask, places, present, limbs, MASK_RADIUS, MASK_CLOSING // 2)

    return _masks(keypoints, size, draw)


def pg2_mask(keypoints: npt.NDArray[np.floating], size: Size) -> npt.NDArray[np.bool_]:
    """The pose mask in PG2's form: its masked losses and scores.

    Along each limb whose two ends are present, disks of radius 4 (distance <= 4: 49 pixels) at
    both ends and at the points that cut the limb into ``floor(length / 4)`` equal parts, their
    coordinates cut off to whole pixels; then a 5x5 closing. The limbs are those of `pose_mask`;
    a joint without a limb draws nothing. Source: ``datasets/convert_market.py`` of PG2's public
    code.

    Args:
        keypoints: (..., 18, 3) of x, y, visibility; leading axes are batches.
        size: height and width in pixels.

    Returns:
        bool (..., H, W).

    Raises:
        ValueError: on malformed keypoints.
    """
    from recapbench.data._mask import fill_disks

    limbs = np.array(MASK_LIMBS, dtype=np.int64)

    def draw(mask: Mask, places: Places, present: Present) -> None:
        drawn = limbs[present[limbs].all(axis=1)]
        fill_disks(mask, places, drawn, MASK_RADIUS, MASK_CLOSING // 2)

    return _masks(keypoints, size, draw)


def _masks(
    keypoints: npt.NDArray[np.floating],
    size: Size,
    draw: Callable[[Mask, Places, Present], None],
) -> npt.NDArray[np.bool_]:
    """One mask for each pose, drawn one by one."""
    places, present = joint_pixels(keypoints)
    masks = np.zeros((*present.shape[:-1], *size), np.bool_)
    for mask, place, there in zip(
        masks.reshape(-1, *size),
        places.reshape(-1, NUM_JOINTS, 2),
        present.reshape(-1, NUM_JOINTS),
        strict=True,
    ):
        draw(mask, place, there)
    return masks
