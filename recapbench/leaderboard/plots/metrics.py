"""One metric against another: a point for each method, with both intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure

from recapbench.errors import UsageError
from recapbench.evaluation.score import Score
from recapbench.leaderboard.plots.choice import (
    Field,
    expect_some,
    interval_text,
    not_drawn,
    reason,
)
from recapbench.leaderboard.plots.labels import Mark, interval_boxes, put_labels
from recapbench.leaderboard.plots.style import (
    WIDTH,
    Form,
    Look,
    better_text,
    caption_height,
    caption_lines,
    drawn,
    looks,
    new_figure,
    place_panels,
    put_caption,
)

_HEIGHT: Final = 5.0


@dataclass(frozen=True)
class Versus:
    """Two metrics of the methods that have a value of both.

    Attributes:
        task: what they were measured on.
        x, y: names of the metrics.
        points: scores of both, by method.
        left_out: why other methods have no point, by method.
    """

    task: str
    x: str
    y: str
    points: Mapping[str, tuple[Score, Score]]
    left_out: Mapping[str, str]


def versus(field: Field, x: str, y: str) -> Versus:
    """The figures of two metrics.

    Raises:
        UsageError: if the two are the same, no record names one of them, or none has both.
    """
    if x == y:
        raise UsageError(f"expected two metrics, got {x} twice")
    left_out = dict(field.left_out)
    points: dict[str, tuple[Score, Score]] = {}
    columns = [(metric, field.scores(metric)) for metric in (x, y)]
    for name in field.results:
        found = [scores.get(name) for _, scores in columns]
        if all(score is not None and score.value is not None for score in found):
            points[name] = (columns[0][1][name], columns[1][1][name])
        else:
            left_out[name] = "; ".join(
                reason(score, metric)
                for score, (metric, _) in zip(found, columns, strict=True)
                if score is None or score.value is None
            )
    expect_some(points, f"values of both {x} and {y}", left_out)
    return Versus(field.task, x, y, points, left_out)


def metrics_plot(figures: Versus, form: Form) -> bytes:
    """The plot as a file's content; the same records give the same bytes."""
    return drawn(partial(metrics_figure, figures), form)


def metrics_figure(figures: Versus) -> Figure:
    """The plot itself."""
    caption = caption_lines(_caption(figures))
    foot = caption_height(caption)
    figure = new_figure(WIDTH, _HEIGHT + foot)
    place_panels(figure, left=0.85, right=0.25, top=0.2, bottom=foot + 0.5)
    axes = figure.subplots()
    scores = list(figures.points.values())
    axes.set_xlabel(better_text(figures.x, scores[0][0].higher_is_better))
    axes.set_ylabel(better_text(figures.y, scores[0][1].higher_is_better))
    axes.margins(0.12)
    known = looks([*figures.points, *figures.left_out])
    for name, pair in figures.points.items():
        _point(axes, known[name], *pair)
    axes.grid(color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.autoscale_view()
    put_labels(
        axes, [_mark(axes, name, known[name], *figures.points[name]) for name in figures.points]
    )
    put_caption(figure, caption)
    return figure


def _caption(figures: Versus) -> list[str]:
    pairs = list(figures.points.values())
    kinds = [
        interval_text(figures.x, [x for x, _ in pairs]),
        interval_text(figures.y, [y for _, y in pairs]),
    ]
    text = f"{figures.task}. Lines: the intervals of the records. {'. '.join(kinds)}."
    return [text, *not_drawn(figures.left_out)]


def ends(score: Score) -> tuple[float, float]:
    """A figure's interval; without one, the figure twice."""
    assert score.value is not None
    if score.low is None or score.high is None:
        return score.value, score.value
    return score.low, score.high


def _point(axes: Any, own: Look, x: Score, y: Score) -> None:
    axes.plot(ends(x), [y.value] * 2, color=own.colour, linewidth=1.3, alpha=0.75)
    axes.plot([x.value] * 2, ends(y), color=own.colour, linewidth=1.3, alpha=0.75)
    axes.plot(x.value, y.value, own.marker, color=own.colour, markersize=6.5)


def _mark(axes: Any, name: str, own: Look, x: Score, y: Score) -> Mark:
    assert x.value is not None
    assert y.value is not None
    at = (x.value, y.value)
    return Mark(name, *at, own.colour, interval_boxes(axes, ends(x), ends(y), at))
