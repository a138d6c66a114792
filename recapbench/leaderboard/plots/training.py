"""Curves of one or several trainings: a panel for each loss, and one for the validation pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, StrMethodFormatter

from recapbench.leaderboard.plots.style import (
    WIDTH,
    Form,
    Look,
    caption_height,
    caption_lines,
    drawn,
    legend_height,
    looks,
    new_figure,
    place_panels,
    put_caption,
    put_legend,
)
from recapbench.leaderboard.training_log import VALIDATION, Curve, TrainingLog

_COLUMNS: Final = 2
_PANEL: Final = 1.75
_BETWEEN: Final = 0.62
_LOG_FROM: Final = 10.0
"""Greatest over least smoothed figure from which an axis is logarithmic."""
_SPAN: Final = 0.025
"""Share of the longest training to each side over which curves are smoothed."""


def training_plot(logs: Sequence[TrainingLog], form: Form) -> bytes:
    """The plot as a file's content; the same logs give the same bytes."""
    return drawn(partial(training_figure, logs), form)


def training_figure(logs: Sequence[TrainingLog]) -> Figure:
    """The plot itself."""
    names = [log.name for log in logs]
    span = smoothing_span(logs)
    panels = _panels(logs)
    columns = min(_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    caption = caption_lines(_caption(logs, span))
    head, foot = legend_height(names) + 0.3, caption_height(caption) + 0.5
    body = lines * _PANEL + (lines - 1) * _BETWEEN
    figure = new_figure(WIDTH, head + body + foot)
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for one, (title, curves) in zip(axes, panels.items(), strict=False):
        _panel(one, title, curves, span, names)
        one.set_xlim(0, _last_step(logs) * 1.02)
    for one in axes[len(panels) :]:
        one.set_axis_off()
    for one in axes[max(len(panels) - columns, 0) : len(panels)]:
        one.set_xlabel("step")
    place_panels(
        figure,
        left=0.75,
        right=0.25,
        top=head,
        bottom=foot,
        wspace=0.28,
        hspace=_BETWEEN / _PANEL,
    )
    put_legend(figure, names, lines=True)
    put_caption(figure, caption)
    return figure


def _panels(logs: Sequence[TrainingLog]) -> dict[str, dict[str, Curve]]:
    """By title of a panel: the curve of each training that has one."""
    looks = {log.name: log.looks for log in logs if log.looks}
    panels = {VALIDATION: looks} if looks else {}
    for loss in dict.fromkeys(loss for log in logs for loss in log.losses):
        panels[loss] = {log.name: log.losses[loss] for log in logs if loss in log.losses}
    return panels


def smoothing_span(logs: Sequence[TrainingLog]) -> int:
    """How many steps to each side a smoothed figure is the mean over: at least two lines."""
    between = [
        (curve[-1][0] - curve[0][0]) / (len(curve) - 1)
        for log in logs
        for curve in log.losses.values()
        if len(curve) > 1
    ]
    return round(max(_SPAN * _last_step(logs), 2 * max(between, default=0.5)))


def _last_step(logs: Sequence[TrainingLog]) -> int:
    return max(log.reached for log in logs)


def smoothed(curve: Curve, span: int) -> Curve:
    """Each figure as the mean over those at most so many steps away; near an end, on both sides
    only as far as the end is."""
    first, last = curve[0][0], curve[-1][0]
    found = []
    for step, _ in curve:
        reach = min(span, step - first, last - step)
        near = [value for other, value in curve if abs(other - step) <= reach]
        found.append((step, math.fsum(near) / len(near)))
    return tuple(found)


def is_logarithmic(curves: Iterable[Curve]) -> bool:
    """Whether figures are all above 0 and so far apart that a linear axis would hide the small."""
    values = [value for curve in curves for _, value in curve]
    return min(values) > 0 and max(values) >= _LOG_FROM * min(values)


def _panel(
    axes: Any, title: str, curves: Mapping[str, Curve], span: int, names: Sequence[str]
) -> None:
    axes.set_title(title, loc="left")
    points = title == VALIDATION
    means = {name: curve if points else smoothed(curve, span) for name, curve in curves.items()}
    if is_logarithmic(means.values()):
        _set_logarithmic(axes)
    known = looks(names)
    for name, mean in means.items():
        own = known[name]
        if points:
            _line(axes, mean, own, linewidth=0.8, marker=own.marker, markersize=4)
        else:
            _line(axes, curves[name], own, linewidth=0.7, alpha=0.3)
            _line(axes, mean, own, linewidth=1.6, linestyle=own.dashes)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(color="#E4E4E4", linewidth=0.7)
    axes.set_axisbelow(True)


def _set_logarithmic(axes: Any) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _line(axes: Any, curve: Curve, own: Look, **how: Any) -> None:
    steps, values = zip(*curve, strict=True)
    axes.plot(steps, values, color=own.colour, **how)


def _caption(logs: Sequence[TrainingLog], span: int) -> list[str]:
    data = ", ".join(dict.fromkeys(_data(log) for log in logs))
    lines = [
        f"Trained on {data}. Faint: each line of the log. Thick: mean over {span} steps to each "
        f"side. Losses of different methods may be of different size."
    ]
    if blind := [log.name for log in logs if not log.looks]:
        lines.append(f"Without looks at validation pairs: {', '.join(blind)}.")
    short = [
        f"{log.name} ({log.reached:,} of {log.plan.steps:,} steps)"
        for log in logs
        if log.reached < log.plan.steps
    ]
    return [*lines, f"Not finished: {', '.join(short)}."] if short else lines


def _data(log: TrainingLog) -> str:
    preset = f" ({log.plan.preset})" if log.plan.preset else ""
    return f"{log.plan.dataset}{preset}"
