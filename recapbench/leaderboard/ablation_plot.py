"""The ablation as a plot: a panel a metric, a bar a row, a dot and an interval a seed.

The bars begin at the first row's figure, so that their length is what a row gains or loses against
it; with bars from zero these differences could not be seen.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from recapbench.leaderboard.ablation import Ablation, Row
from recapbench.leaderboard.figures import number

_DPI: Final = 100
_WIDTH: Final = 10.0
"""Inches: 1000 pixels."""
_LABELS: Final = 1.75
"""Inches at the left for the rows' names."""
_ROW: Final = 0.27
_HEAD: Final = 0.75
"""Inches a line of panels needs besides its rows."""
_COLUMNS: Final = 3
_BETTER: Final = "#56B4E9"
_WORSE: Final = "#E69F00"
"""Sky blue and orange of Okabe and Ito's palette, told apart with any colour vision."""
_INK: Final = "#202020"
_FAINT: Final = "#808080"


def ablation_plot(ablation: Ablation, metrics: Sequence[str], form: Literal["svg", "png"]) -> bytes:
    """The plot as a file's content; the same records give the same bytes.

    Args:
        ablation: the records.
        metrics: one panel each.
        form: of the file; a PNG is 1000 pixels wide.
    """
    metadata = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}[form]
    with _own_settings():
        figure = _figure(ablation, metrics)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=_DPI, metadata=metadata)
    return buffer.getvalue()


@contextmanager
def _own_settings() -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's own are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc("svg", hashsalt="recapbench")
        matplotlib.rc("font", size=9.0)
        matplotlib.rc("axes", titlesize=9.0, edgecolor=_FAINT)
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("xtick", labelsize=8.0)
        yield


def _figure(ablation: Ablation, metrics: Sequence[str]) -> Figure:
    columns = min(_COLUMNS, len(metrics))
    lines = -(-len(metrics) // columns)
    foot = 0.4
    height = lines * (_HEAD + _ROW * len(ablation.rows)) + foot
    figure = Figure(figsize=(_WIDTH, height))
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, squeeze=False)
    for place, axes in enumerate(panels.flat):
        if place < len(metrics):
            _panel(axes, ablation, metrics[place], named=place % columns == 0)
        else:
            axes.set_axis_off()
    figure.subplots_adjust(
        left=_LABELS / _WIDTH,
        right=1 - 0.65 / _WIDTH,
        top=1 - 0.35 / height,
        bottom=(foot + 0.3) / height,
        wspace=0.42,
        hspace=0.62 / (_ROW * len(ablation.rows)),
    )
    figure.text(0.01, 0.1 / height, _legend(ablation), color=_INK, fontsize=8.5)
    return figure


def _legend(ablation: Ablation) -> str:
    first = ablation.rows[0].paper.title
    seeds = "dot: a seed, line: the interval in its record"
    return f"{ablation.dataset}. Bars begin at {first}: blue better, orange worse; {seeds}."


def _panel(axes: Any, ablation: Ablation, metric: str, named: bool) -> None:
    better = "higher" if ablation.higher_is_better(metric) else "lower"
    axes.set_title(f"{metric} ({better} is better)", loc="left", color=_INK)
    start = ablation.rows[0].mean(metric)
    axes.axvline(start, color=_FAINT, linewidth=0.8, linestyle=(0, (3, 2)))
    for place, row in enumerate(ablation.rows):
        mean = row.mean(metric)
        gains = (mean > start) == ablation.higher_is_better(metric)
        axes.barh(place, mean - start, 0.62, left=start, color=_BETTER if gains else _WORSE)
        _seeds(axes, row, metric, place)
        beside = axes.get_yaxis_transform()
        axes.text(1.02, place, number(mean), transform=beside, va="center", fontsize=8)
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
            axes.plot([score.low, score.high], [height] * 2, color=_INK, linewidth=1.1)
        axes.plot(score.value, height, "o", color=_INK, markersize=3.5)
