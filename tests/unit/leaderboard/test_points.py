"""Which pixels an attention sheet looks from."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.data.parsing import LIP_LABELS, MARKET_LABELS
from recapbench.leaderboard.points import REGIONS, Point, find_point, regions


@pytest.mark.parametrize("labels", [LIP_LABELS, MARKET_LABELS])
def test_every_part_set_has_four_regions_and_more(labels: tuple[str, ...]) -> None:
    found = regions(len(labels))
    assert found[:3] == ["face", "upper garment", "arm"]
    assert len(found) >= 4


def test_every_label_is_one_of_a_part_set() -> None:
    known = set(LIP_LABELS) | set(MARKET_LABELS)
    assert {label for labels in REGIONS.values() for label in labels} <= known


def test_the_innermost_pixel_of_the_largest_part_on_both() -> None:
    layout, source = np.zeros((2, 20, 20), np.uint8)
    dress, coat, upper = (LIP_LABELS.index(name) for name in ("dress", "coat", "upper-clothes"))
    layout[:, :8] = dress  # the largest, and not in the source
    layout[3:10, 10:17] = coat
    layout[12, 10:] = upper
    source[0, :2] = coat, upper
    assert find_point("upper garment", layout, source, 20) == Point("upper garment", 6, 13)


def test_a_crescents_point_lies_on_it() -> None:
    rows, columns = np.mgrid[:41, :41]
    ring = np.abs(np.hypot(rows - 20, columns - 20) - 14) < 3
    arms = MARKET_LABELS.index("arms")
    layout = np.where(ring & (rows < 20), arms, 0).astype(np.uint8)
    point = find_point("arm", layout, layout, 7)
    assert point is not None
    assert layout[point.row, point.column] == arms


def test_the_edge_of_the_picture_is_an_edge() -> None:
    face = np.full((9, 9), MARKET_LABELS.index("face"), np.uint8)
    assert find_point("face", face, face, 7) == Point("face", 4, 4)


def test_a_region_that_only_one_picture_shows_has_no_point() -> None:
    layout = np.full((4, 4), MARKET_LABELS.index("face"), np.uint8)
    assert find_point("face", layout, np.zeros_like(layout), 7) is None
    assert find_point("face", np.zeros_like(layout), layout, 7) is None
    assert find_point("shoe", layout, layout, 7) is None


def test_a_point_is_one_that_the_smaller_map_keeps() -> None:
    layout = np.zeros((32, 32), np.uint8)
    face = MARKET_LABELS.index("face")
    layout[10:13, 4:20] = face  # of these rows the map of every fourth keeps 12
    assert find_point("face", layout, layout, 7) == Point("face", 11, 5)
    assert find_point("face", layout, layout, 7, stride=4) == Point("face", 12, 4)
    layout[12] = 0
    assert find_point("face", layout, layout, 7, stride=4) is None
