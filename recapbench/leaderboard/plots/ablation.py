"""The ablation as a plot: a panel a metric, a bar a row, a dot a seed, and an interval.

The bars begin at the first row's figure, so that their length is what a row gains or loses against
it; with bars from zero these differences could not be seen. The interval is that of this difference
on the same pairs or, of whole sets, on the same random halves of the persons: that of the figure
itself mostly tells how unlike the persons are, which is the same for all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure

from recapbench.evaluation.score import number_text
from recapbench.leaderboard.ablation import Ablation, Row
from recapbench.leaderboard.figures import comparable, row_difference
from recapbench.leaderboard.plots.style import (
    BETTER,
    FAINT,
    INK,
    SMALL,
    WIDTH,
    WORSE,
    Form,
    caption_height,
    caption_lines,
    drawn,
    new_figure,
    place_panels,
    put_caption,
)

_LABELS: Final = 1.95
"""Inches at the left for the rows' names."""
_ROW: Final = 0.27
_HEAD: Final = 0.8
"""Inches a line of panels needs besides its rows."""
_COLUMNS: Final = 2


def ablation_plot(ablation: Ablation, metrics: Sequence[str], form: Form) -> bytes:
    """The plot as a file's content; the same records give the same bytes.

    Args:
        ablation: the records.
        metrics: one panel each.
        form: of the file; a PNG is 1000 pixels wide.
    """
    return drawn(partial(ablation_figure, ablation, metrics), form)


def ablation_figure(ablation: Ablation, metrics: Sequence[str]) -> Figure:
    """The plot itself."""
    columns = min(_COLUMNS, len(metrics))
    lines = -(-len(metrics) // columns)
    caption = caption_lines(_legend(ablation))
    foot = caption_height(caption)
    rows = _ROW * len(ablation.rows)
    figure = new_figure(WIDTH, lines * (_HEAD + rows) + foot)
    panels = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(panels.flat):
        if place < len(metrics):
            _panel(axes, ablation, metrics[place], named=place % columns == 0)
        else:
            axes.set_axis_off()
    place_panels(
        figure,
        left=_LABELS,
        right=0.75,
        top=0.4,
        bottom=foot + 0.35,
        wspace=0.4,
        hspace=(_HEAD - 0.05) / rows,
    )
    put_caption(figure, caption)
    return figure


def _legend(ablation: Ablation) -> list[str]:
    first = ablation.rows[0].paper.title
    return [
        f"{ablation.dataset}. Bars begin at {first}: blue better, orange worse; a dot is a seed.",
        f"Black line: 95% interval of the difference to {first} on the same pairs (bootstrap over "
        f"persons) or, of FID and KID, on the same random halves of the persons. Grey line: the "
        f"interval of the figure itself, where there is no other.",
    ]


def _panel(axes: Any, ablation: Ablation, metric: str, named: bool) -> None:
    better = "higher" if ablation.higher_is_better(metric) else "lower"
    axes.set_title(f"{metric} ({better} is better)", loc="left")
    first = ablation.rows[0]
    start = first.mean(metric)
    subtracted = bool(comparable(ablation, [metric]))
    axes.axvline(start, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, row in enumerate(ablation.rows):
        mean = row.mean(metric)
        gains = (mean > start) == ablation.higher_is_better(metric)
        axes.barh(place, mean - start, 0.62, left=start, color=BETTER if gains else WORSE)
        _seeds(axes, row, metric, place, lines=not subtracted)
        if subtracted and row is not first:
            _difference(axes, row, first, metric, place)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, number_text(mean), transform=beside, va="center", fontsize=SMALL)
    axes.set_yticks(range(len(ablation.rows)))
    axes.set_yticklabels([row.paper.title for row in ablation.rows] if named else [])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ablation.rows) - 0.4, -0.6)
    axes.use_sticky_edges = False
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)


def _seeds(axes: Any, row: Row, metric: str, place: int, lines: bool) -> None:
    """A dot for each seed, one below the other, with or without the line of its interval."""
    for index, run in enumerate(row.runs):
        score = run.score(metric)
        height = place + 0.2 * (index - (len(row.runs) - 1) / 2)
        if lines and score.low is not None:
            axes.plot([score.low, score.high], [height] * 2, color=FAINT, linewidth=1.1)
        axes.plot(score.value, height, "o", color=INK, markersize=3.5)


def _difference(axes: Any, row: Row, first: Row, metric: str, place: int) -> None:
    """The line of the interval of a row's difference to the first, at its bar's end."""
    found = row_difference(row, first, metric)
    if found is not None:
        start = first.mean(metric)
        ends = [start + found.low, start + found.high]
        axes.plot(ends, [place] * 2, color=INK, linewidth=1.3)
