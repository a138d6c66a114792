"""Pixels to look from on an attention sheet: one inside each of a few parts of the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from recapbench.data.parsing import part_labels

Labels = npt.NDArray[np.uint8]

REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "face": ("face",),
    "upper garment": ("upper-clothes", "dress", "coat", "jumpsuits", "upper"),
    "arm": ("left-arm", "right-arm", "arms"),
    "shoe": ("left-shoe", "right-shoe"),
    "lower garment": ("pants", "skirt", "lower"),
    "hair": ("hair",),
    "leg": ("left-leg", "right-leg", "legs"),
}
"""Regions by name, in the order in which they are shown, with the part labels that each may have
in either part set."""


@dataclass(frozen=True)
class Point:
    """A pixel of the target, and what it lies in.

    Attributes:
        region: one of ``REGIONS``.
        row: of the image, from the top.
        column: from the left.
    """

    region: str
    row: int
    column: int


def regions(parts: int) -> list[str]:
    """The regions that a part set has, in order."""
    names = set(part_labels(parts))
    return [region for region, labels in REGIONS.items() if names & set(labels)]


def shared_part(region: str, layout: Labels, source: Labels, parts: int) -> int | None:
    """The part of a region with the most pixels in the layout, of those that both pictures show.

    Args:
        region: one of ``REGIONS``.
        layout: part labels of the target, uint8 (H,W).
        source: part labels of the source, uint8 (H,W).
        parts: size of the part set (20 or 7).
    """
    names = part_labels(parts)
    found = [names.index(name) for name in REGIONS[region] if name in names]
    sizes, there = (np.bincount(one.reshape(-1), minlength=parts) for one in (layout, source))
    shared = [part for part in found if sizes[part] and there[part]]
    return max(shared, key=lambda part: int(sizes[part])) if shared else None


def find_point(
    region: str, layout: Labels, source: Labels, parts: int, stride: int = 1
) -> Point | None:
    """The innermost pixel of a region's part, the one farthest from its edge; see `shared_part`.

    Args:
        stride: pixels from one position of the attention's map to the next. A label map brought to
            the map's size by nearest neighbour keeps every ``stride``-th pixel: the point is one of
            these, or it would show the attention of whatever part lies there.

    Returns:
        None if no part of the region is on both pictures at the map's size.
    """
    kept = layout[::stride, ::stride]
    part = shared_part(region, kept, source[::stride, ::stride], parts)
    if part is None:
        return None
    inside = ndimage.distance_transform_edt(np.pad(layout == part, 1))[1:-1, 1:-1]
    kept_inside = inside[::stride, ::stride]
    row, column = np.unravel_index(int(kept_inside.argmax()), kept.shape)
    return Point(region, stride * int(row), stride * int(column))
