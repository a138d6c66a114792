"""Names beside what they name, so placed that they cover neither each other nor the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from recapbench.leaderboard.plots.style import SMALL

_REACHES: Final = (9.0, 16.0, 26.0, 40.0, 58.0, 80.0)
"""Points from a mark to the edge of its label, the nearest first."""
_BESIDE: Final = _REACHES[1]
"""A label further away has a line to its mark."""
_DIRECTIONS: Final = 16
_POINT: Final = 5.0
"""Half the side, in points, of the square that a mark takes."""
_AIR: Final = 1.5
"""Points around a label."""
_WORSE: Final = 5.0
"""How much worse it is to cover another name than to cover the data."""


class Box(NamedTuple):
    """A rectangle in points from the figure's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def shared(self, other: Box) -> float:
        """Area that two boxes have in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)


class Mark(NamedTuple):
    """A point of a plot with its name, and the boxes in points that its intervals cover."""

    name: str
    x: float
    y: float
    colour: str
    intervals: tuple[Box, ...] = ()


def put_labels(axes: Any, marks: Sequence[Mark]) -> None:
    """Write each mark's name near it, with a thin line to it where it had to move away.

    Labels are placed one after another where they cover least: nothing, if there is room.
    The axes' limits must be final.

    Args:
        axes: where to write.
        marks: x and y in data coordinates.
    """
    scale = 72 / axes.figure.dpi
    frame = Box(*(float(edge) * scale for edge in axes.get_window_extent().extents))
    data = [_around(*_points(axes, mark.x, mark.y), _POINT, _POINT) for mark in marks]
    data += [box for mark in marks for box in mark.intervals]
    names: list[Box] = []
    leads: list[Box] = []
    for mark in marks:
        text = axes.annotate(
            mark.name,
            (mark.x, mark.y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
        )
        half = _half_size(axes, text)
        start = _points(axes, mark.x, mark.y)
        place = _free_place(start, half, _Taken(data, names, leads, frame))
        text.set_position((place.x - start[0], place.y - start[1]))
        names.append(_around(place.x, place.y, *half))
        if place.reach > _BESIDE:
            _draw_lead(axes, mark, start, place, half)
            leads += _lead_boxes(start, place)


def put_end_labels(axes: Any, ends: Sequence[Mark]) -> None:
    """Write names at the right of the lines that end at these marks, one below another."""
    step = 1.35 * SMALL
    places = [_points(axes, mark.x, mark.y) for mark in ends]
    order = sorted(range(len(ends)), key=lambda index: places[index][1])
    heights = apart([places[index][1] for index in order], step)
    for index, height in zip(order, heights, strict=True):
        mark, (_, y) = ends[index], places[index]
        axes.annotate(
            mark.name,
            (mark.x, mark.y),
            xytext=(14, height - y),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": mark.colour,
                "linewidth": 0.8,
                "shrinkB": 4,
                "relpos": (0.0, 0.5),
            },
        )


def apart(heights: Sequence[float], step: float) -> list[float]:
    """Ascending heights moved as little as need be, so that neighbours are a step apart.

    Those that are too near each other form a stack around their mean.
    """
    stacks: list[list[float]] = []
    for height in heights:
        stacks.append([height])
        while len(stacks) > 1 and _top(stacks[-2], step) + step > _bottom(stacks[-1], step):
            last = stacks.pop()
            stacks[-1] += last
    return [_bottom(stack, step) + step * place for stack in stacks for place in range(len(stack))]


def _bottom(stack: Sequence[float], step: float) -> float:
    return sum(stack) / len(stack) - step * (len(stack) - 1) / 2


def _top(stack: Sequence[float], step: float) -> float:
    return sum(stack) / len(stack) + step * (len(stack) - 1) / 2


def interval_boxes(
    axes: Any, x: tuple[float, float], y: tuple[float, float], at: tuple[float, float]
) -> tuple[Box, ...]:
    """What the two lines of a point's intervals cover, in points: data coordinates in."""
    (left, middle), (right, _) = _points(axes, x[0], at[1]), _points(axes, x[1], at[1])
    (centre, bottom), (_, top) = _points(axes, at[0], y[0]), _points(axes, at[0], y[1])
    return (
        Box(left, middle - 1, right, middle + 1),
        Box(centre - 1, bottom, centre + 1, top),
    )


class _Place(NamedTuple):
    """Centre of a label in points, and how far it is from its mark."""

    x: float
    y: float
    reach: float


class _Taken(NamedTuple):
    """What a label should not cover, and the frame that it should not leave."""

    data: Sequence[Box]
    names: Sequence[Box]
    leads: Sequence[Box]
    frame: Box

    def cost(self, start: tuple[float, float], place: _Place, half: tuple[float, float]) -> float:
        """Area that a label at a place covers, or has outside, or that its lead covers."""
        box = _around(place.x, place.y, *half)
        outside = 4 * half[0] * half[1] - box.shared(self.frame)
        covered = sum(box.shared(other) for other in (*self.data, *self.leads))
        named = sum(box.shared(other) for other in self.names)
        if place.reach > _BESIDE:
            lead = _lead_boxes(start, place)
            named += sum(one.shared(other) for one in lead for other in self.names)
        return outside + covered + _WORSE * named


def _free_place(start: tuple[float, float], half: tuple[float, float], taken: _Taken) -> _Place:
    """The place that covers least, and of equal ones the nearest."""
    best, least = _Place(*start, 0.0), math.inf
    for reach in _REACHES:
        for step in range(_DIRECTIONS):
            angle = 2 * math.pi * step / _DIRECTIONS
            place = _Place(
                start[0] + math.cos(angle) * (reach + half[0]),
                start[1] + math.sin(angle) * (reach + half[1] - _POINT),
                reach,
            )
            cost = taken.cost(start, place, half)
            if cost < least - 1e-6:
                best, least = place, cost
        if least < 1e-6:
            break
    return best


def _lead_boxes(start: tuple[float, float], place: _Place) -> list[Box]:
    """What the line from a mark to its label covers, in small squares."""
    across, up = place.x - start[0], place.y - start[1]
    count = max(int(math.hypot(across, up) / 2), 1)
    shares = (number / count for number in range(count))
    return [_around(start[0] + across * s, start[1] + up * s, 1.0, 1.0) for s in shares]


def _draw_lead(
    axes: Any, mark: Mark, start: tuple[float, float], place: _Place, half: tuple[float, float]
) -> None:
    """A thin line from a mark to the edge of its label."""
    away = place.x - start[0], place.y - start[1]
    inside = min(half[axis] / abs(away[axis]) if away[axis] else math.inf for axis in range(2))
    share = max(1 - inside, 0.0)
    axes.annotate(
        "",
        (mark.x, mark.y),
        xytext=(away[0] * share, away[1] * share),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": mark.colour, "linewidth": 0.8, "shrinkB": 3},
    )


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def _points(axes: Any, x: float, y: float) -> tuple[float, float]:
    """A place of the data in points of the figure."""
    scale = 72 / axes.figure.dpi
    across, up = axes.transData.transform((x, y))
    return float(across) * scale, float(up) * scale


def _half_size(axes: Any, text: Any) -> tuple[float, float]:
    """Half of a text's width and height in points, with air around it."""
    extent = text.get_window_extent(axes.figure.canvas.get_renderer())
    scale = 36 / axes.figure.dpi
    return extent.width * scale + _AIR, extent.height * scale + _AIR
