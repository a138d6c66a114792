"""The style of all plots, and where labels stand."""

from __future__ import annotations

import io
import random
from itertools import combinations, pairwise
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from recapbench.leaderboard.plots.labels import Box, Mark, apart, put_end_labels, put_labels
from recapbench.leaderboard.plots.style import (
    better_text,
    drawn,
    look,
    looks,
    new_figure,
    text_width,
    wrapped,
)


def figure() -> Figure:
    made = new_figure(8.0, 3.0)
    axes = made.subplots()
    axes.plot([1, 2, 3], [2, 1, 3])
    axes.set_title("a $strange$ name_of_a_method")
    return made


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_bytes_depend_on_the_figure_alone(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    once = drawn(figure, form)
    with matplotlib.rc_context(
        {"font.size": 30.0, "axes.facecolor": "red", "svg.fonttype": "path"}
    ):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
        assert drawn(figure, form) == once


def test_text_of_an_svg_is_text() -> None:
    assert ">a $strange$ name_of_a_method</text>" in drawn(figure, "svg").decode()


def test_a_png_is_a_thousand_pixels_wide() -> None:
    assert Image.open(io.BytesIO(drawn(figure, "png"))).size == (1000, 375)


def test_looks_differ() -> None:
    assert len({look(place) for place in range(56)}) == 56
    assert len({look(place).dashes for place in range(4)}) == 4


def test_methods_look_the_same_in_whatever_order_they_are_given() -> None:
    names = ["pg2", "def_gan", "copy_source"]
    assert list(looks(names)) == names
    assert looks(names) == looks(sorted(names))
    assert looks(names)["copy_source"] == look(0)


def test_lines_are_cut_between_words_and_hold_them_all() -> None:
    text = "the quick brown fox jumps over the lazy dog and an_unbreakable_long_name " * 3
    lines = wrapped(text, 1.5, 9.0)
    assert " ".join(lines).split() == text.split()
    assert all(text_width(line, 9.0) <= 1.5 or " " not in line for line in lines)
    assert len(lines) > 3


def test_arrows_point_where_it_is_better() -> None:
    assert better_text("l1", False) == "← l1 (lower is better)"
    assert better_text("is", True) == "is (higher is better) →"


def boxes(made: Figure) -> dict[str, Box]:
    """Where each name stands, without the line that leads to it."""
    renderer: Any = made.canvas.get_renderer()  # type: ignore[attr-defined]
    found = {}
    for text in made.axes[0].texts:
        if text.get_text():
            text.update_positions(renderer)
            found[text.get_text()] = Box(*Text.get_window_extent(text, renderer).extents)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_labels_of_points_do_not_overlap(seed: int) -> None:
    draw = random.Random(seed)
    made = new_figure(8.0, 5.0)
    axes = made.subplots()
    points = [(draw.gauss(0, 0.2), draw.gauss(0, 0.2)) for _ in range(10)]
    points.append(points[0])  # two methods of the same figures
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    marks = [Mark(f"method_{place}", *at, "black") for place, at in enumerate(points)]
    put_labels(axes, marks)
    found = boxes(made).values()
    assert len(found) == len(marks)
    assert all(one.shared(other) == 0 for one, other in combinations(found, 2))
    frame = Box(*axes.get_window_extent().extents)
    assert all(frame.shared(one) == pytest.approx(one.shared(one)) for one in found)


def test_labels_of_lines_do_not_overlap_and_keep_their_order() -> None:
    made = new_figure(8.0, 5.0)
    axes = made.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    heights = [0.5, 0.51, 0.9, 0.505, 0.1]
    put_end_labels(axes, [Mark(f"{y}", 1.0, y, "black") for y in heights])
    found = boxes(made)
    assert all(one.shared(other) == 0 for one, other in combinations(found.values(), 2))
    upwards = sorted(found, key=lambda name: found[name].bottom)
    assert upwards == [f"{y}" for y in sorted(heights)]


def test_apart_moves_only_what_is_too_near() -> None:
    assert apart([0.0, 10.0, 11.0, 40.0], 5.0) == [0.0, 8.0, 13.0, 40.0]
    moved = apart([1.0, 1.0, 1.0, 5.0, 5.5], 3.0)
    assert all(b - a >= 3.0 - 1e-9 for a, b in pairwise(moved))
    assert apart([], 3.0) == []
