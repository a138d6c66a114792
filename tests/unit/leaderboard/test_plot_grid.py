"""Grids of images as figures."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recapbench.errors import UsageError
from recapbench.leaderboard.plots.grid import Picture, grid_figure, grid_plot, title_lines

TITLES = ["source", "sat_lgr-with_a_name_of_many_parts", "target"]


@pytest.fixture(scope="module")
def tiles() -> list[list[Picture]]:
    draw = np.random.default_rng(0)
    return [[draw.integers(0, 256, (128, 64, 3), np.uint8) for _ in range(3)] for _ in range(2)]


def test_every_pixel_of_every_tile_is_in_the_png(tiles: list[list[Picture]]) -> None:
    picture = np.asarray(Image.open(io.BytesIO(grid_plot(TITLES, tiles, "png"))).convert("RGB"))
    gap = 2
    scale = picture.shape[1] // (3 * (64 + gap) - gap)
    assert scale == 4
    assert picture.shape[1] == scale * (3 * (64 + gap) - gap)
    sheet = picture[picture.shape[0] - scale * (2 * (128 + gap) - gap) :]
    middle = sheet[scale // 2 :: scale, scale // 2 :: scale]
    for number, row in enumerate(tiles):
        for place, tile in enumerate(row):
            top, left = number * (128 + gap), place * (64 + gap)
            assert (middle[top : top + 128, left : left + 64] == tile).all()


def test_titles_stand_above_their_columns(tiles: list[list[Picture]]) -> None:
    figure = grid_figure(TITLES, tiles)
    texts = figure.axes[0].texts
    assert [text.get_text().replace("\n", "") for text in texts] == TITLES
    assert "\n" in texts[1].get_text()
    figure.canvas.draw()
    extents = [text.get_window_extent() for text in texts]
    assert all(a.x1 <= b.x0 for a, b in pairwise(extents))
    assert all(extent.y1 <= figure.bbox.y1 for extent in extents)
    assert ">target</text>" in grid_plot(TITLES, tiles, "svg").decode()


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_same_images_same_bytes(tiles: list[list[Picture]], form: Any) -> None:
    assert grid_plot(TITLES, tiles, form) == grid_plot(TITLES, tiles, form)


def test_titles_lose_nothing() -> None:
    assert title_lines("patn-st_parsing", 0.7) == ["patn-st_", "parsing"]
    assert title_lines("source", 0.1) == ["source"]
    assert title_lines("target pose", 9.0) == ["target pose"]


def test_a_row_of_another_length_is_refused(tiles: list[list[Picture]]) -> None:
    with pytest.raises(UsageError, match="expected 2 tiles in each row, got 3, 3"):
        grid_plot(TITLES[:2], tiles, "png")
    with pytest.raises(UsageError, match="got no row"):
        grid_plot(TITLES, [], "png")
