"""A figure of whole sets against the number of images that it is computed from.

FID and its kin have a bias that falls with the number of images: figures of different numbers
cannot be compared, and this plot shows by how much they differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from recapbench.evaluation.score import Score, SizeFigure
from recapbench.leaderboard.plots.choice import Field, expect_some, not_drawn, reason
from recapbench.leaderboard.plots.labels import Mark, put_end_labels
from recapbench.leaderboard.plots.style import (
    SMALL,
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
    text_width,
)

_HEIGHT: Final = 4.2


@dataclass(frozen=True)
class BySize:
    """A metric by the number of images.

    Attributes:
        task: what it was measured on.
        metric: its name.
        higher_is_better: its direction.
        lines: figures of each method, by ascending number of images.
        left_out: why other methods have no line, by method.
    """

    task: str
    metric: str
    higher_is_better: bool
    lines: Mapping[str, tuple[SizeFigure, ...]]
    left_out: Mapping[str, str]


def by_size(field: Field, metric: str) -> BySize:
    """The figures of parts in the records.

    Raises:
        UsageError: if no record names the metric, or none has figures of parts.
    """
    left_out, lines = dict(field.left_out), dict[str, tuple[SizeFigure, ...]]()
    scores = field.scores(metric)
    for name in field.results:
        score = scores.get(name)
        if score is not None and len(score.sizes) > 1:
            lines[name] = tuple(sorted(score.sizes, key=lambda one: one.n))
        else:
            left_out[name] = _why(score, metric)
    expect_some(lines, f"{metric} by number of images", left_out)
    higher = next(iter(scores.values())).higher_is_better
    return BySize(field.task, metric, higher, lines, left_out)


def _why(score: Score | None, metric: str) -> str:
    if score is None or score.value is None:
        return reason(score, metric)
    return f"its record has {metric} of the whole set alone"


def sample_size_plot(figures: BySize, form: Form) -> bytes:
    """The plot as a file's content; the same records give the same bytes."""
    return drawn(partial(sample_size_figure, figures), form)


def sample_size_figure(figures: BySize) -> Figure:
    """The plot itself."""
    caption = caption_lines(_caption(figures))
    foot = caption_height(caption)
    figure = new_figure(WIDTH, _HEIGHT + foot)
    widest = max(text_width(name, SMALL) for name in figures.lines)
    place_panels(figure, left=0.85, right=widest + 0.45, top=0.2, bottom=foot + 0.5)
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    axes.set_xlabel("number of images")
    axes.set_ylabel(better_text(figures.metric, figures.higher_is_better))
    known = looks([*figures.lines, *figures.left_out])
    for name, line in figures.lines.items():
        _line(axes, known[name], line)
    sizes = sorted({one.n for line in figures.lines.values() for one in line})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.autoscale_view()
    put_end_labels(
        axes,
        [
            Mark(name, line[-1].n, line[-1].mean, known[name].colour)
            for name, line in figures.lines.items()
        ],
    )
    put_caption(figure, caption)
    return figure


def _caption(figures: BySize) -> list[str]:
    draws = sorted({one.draws for line in figures.lines.values() for one in line if one.draws > 1})
    several = f"{' or '.join(map(str, draws))} random parts" if draws else "random parts"
    text = (
        f"{figures.task}. A point is the mean over {several} of so many images, the band one "
        f"standard deviation to each side; the last point is the whole set, and has no band."
    )
    return [text, *not_drawn(figures.left_out)]


def _line(axes: Any, own: Look, line: tuple[SizeFigure, ...]) -> None:
    sizes, means = [one.n for one in line], [one.mean for one in line]
    parts = [one for one in line if one.std is not None]
    axes.fill_between(
        [one.n for one in parts],
        [one.mean - (one.std or 0.0) for one in parts],
        [one.mean + (one.std or 0.0) for one in parts],
        color=own.colour,
        alpha=0.18,
        linewidth=0,
    )
    axes.plot(
        sizes,
        means,
        marker=own.marker,
        markersize=5,
        color=own.colour,
        linestyle=own.dashes,
        linewidth=1.5,
    )
