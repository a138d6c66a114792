"""The ablation as a plot: a panel a metric, a bar a row, a dot and an interval a seed.

The bars begin at the first row's figure, so that their length is what a row gains or loses against
it; with bars from zero these differences could not be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure

from recapbench.leaderboard.ablation import Ablation, Row
from recapbench.leaderboard.figures import number
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
    caption = caption_lines([_legend(ablation)])
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


def _legend(ablation: Ablation) -> str:
    first = ablation.rows[0].paper.title
    seeds = "dot: a seed, line: the interval in its record"
    return f"{ablation.dataset}. Bars begin at {first}: blue better, orange worse; {seeds}."


def _panel(axes: Any, ablation: Ablation, metric: str, named: bool) -> None:
    better = "higher" if ablation.higher_is_better(metric) else "lower"
    axes.set_title(f"{metric} ({better} is better)", loc="left")
    start = ablation.rows[0].mean(metric)
    axes.axvline(start, color=FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, row in enumerate(ablation.rows):
        mean = row.mean(metric)
        gains = (mean > start) == ablation.higher_is_better(metric)
        axes.barh(place, mean - start, 0.62, left=start, color=BETTER if gains else WORSE)
        _seeds(axes, row, metric, place)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, number(mean), transform=beside, va="center", fontsize=SMALL)
    axes.set_yticks(range(len(ablation.rows)))
    axes.set_yticklabels([row.paper.title for row in ablation.rows] if named else [])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(ablation.rows) - 0.4, -0.6)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)


def _seeds(axes: Any, row: Row, metric: str, place: int) -> None:
    """A dot for each seed, and the line of its interval, one below the other."""
    for index, run in enumerate(row.runs):
        score = run.score(metric)
        height = place + 0.2 * (index - (len(row.runs) - 1) / 2)
        if score.low is not None:
            axes.plot([score.low, score.high], [height] * 2, color=INK, linewidth=1.1)
        axes.plot(score.value, height, "o", color=INK, markersize=3.5)
