"""Images of several methods side by side, as the paper's Fig. 5 and 6, for print and for a page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from recapbench.errors import UsageError
from recapbench.leaderboard.plots.style import SMALL, WIDTH, Form, drawn, new_figure, text_width

Picture = npt.NDArray[np.uint8]
"""RGB uint8 (H, W, 3)."""

_WIDEST: Final = 1.2
"""Inches of a tile where there are few columns."""
_PIXELS: Final = 1200
"""A PNG is at least about so wide, if its tiles are enlarged as often as four times."""
_LINE: Final = 0.16
_CUTS: Final = "-_ "
"""Where a title may go on in the next line."""


class _Sheet(NamedTuple):
    """All tiles in one picture, and what goes with it."""

    picture: Picture
    tile: int
    step: int
    inches: float

    @property
    def dpi(self) -> float:
        """Pixels of the picture an inch."""
        return self.picture.shape[1] / self.inches


def grid_plot(titles: Sequence[str], rows: Sequence[Sequence[Picture]], form: Form) -> bytes:
    """The figure as a file's content; the same images give the same bytes.

    In SVG and PDF each image pixel is stored as it is, in PNG it is a square of pixels.

    Args:
        titles: one for each column.
        rows: tiles of one size, one for each title.
        form: of the file.

    Raises:
        UsageError: if a row has not as many tiles as there are titles.
    """
    sheet = _sheet(titles, rows)
    scale = max(1, min(4, round(_PIXELS / sheet.picture.shape[1])))
    return drawn(partial(grid_figure, titles, rows), form, sheet.dpi * scale)


def grid_figure(titles: Sequence[str], rows: Sequence[Sequence[Picture]]) -> Figure:
    """The figure itself."""
    sheet = _sheet(titles, rows)
    height, width = sheet.picture.shape[:2]
    names = [title_lines(title, sheet.step / sheet.dpi) for title in titles]
    head = round((_LINE * max(map(len, names)) + 0.1) * sheet.dpi)
    figure = new_figure(sheet.inches, (height + head) / sheet.dpi)
    axes: Any = figure.add_axes((0.0, 0.0, 1.0, height / (height + head)))
    axes.imshow(sheet.picture, interpolation="none", aspect="auto")
    axes.set_axis_off()
    for place, lines in enumerate(names):
        x = place * sheet.step + sheet.tile / 2
        axes.annotate(
            "\n".join(lines),
            (x / width, 1.0),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            va="baseline",
            fontsize=SMALL,
            linespacing=1.1,
        )
    return figure


def _sheet(titles: Sequence[str], rows: Sequence[Sequence[Picture]]) -> _Sheet:
    """The tiles on white, with narrow gaps."""
    if not rows or any(len(row) != len(titles) for row in rows):
        counts = ", ".join(str(len(row)) for row in rows) or "no row"
        raise UsageError(f"expected {len(titles)} tiles in each row, got {counts}")
    height, width = rows[0][0].shape[:2]
    gap = max(2, width // 32)
    down, across = height + gap, width + gap
    size = (len(rows) * down - gap, len(titles) * across - gap, 3)
    picture = np.full(size, 255, dtype=np.uint8)
    for number, row in enumerate(rows):
        for place, tile in enumerate(row):
            top, left = number * down, place * across
            picture[top : top + height, left : left + width] = tile
    return _Sheet(picture, width, across, min(WIDTH, _WIDEST * len(titles)))


def title_lines(title: str, width: float) -> list[str]:
    """A title in lines of at most so many inches, cut behind "-", "_" or a blank if it can be."""
    lines, word = [""], ""
    for place, letter in enumerate(title):
        word += letter
        if letter in _CUTS or place == len(title) - 1:
            if lines[-1] and text_width((lines[-1] + word).rstrip(), SMALL) > width:
                lines.append("")
            lines[-1] += word
            word = ""
    return [line.strip() for line in lines]
