"""Values of single pairs in groups: where a method is good, and where it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure

from recapbench.data.manifest import Pair
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError, unknown
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.pair_values import PairValues
from recapbench.leaderboard.plots.groups import GROUPINGS, Grouping
from recapbench.leaderboard.plots.style import (
    SMALL,
    WIDTH,
    Form,
    better_text,
    caption_height,
    caption_lines,
    drawn,
    legend_height,
    looks,
    new_figure,
    place_panels,
    put_caption,
    put_legend,
    text_width,
)

DEFAULT_METRICS: Final = ("l1", "ssim.def_gan")
"""What is shown unless other metrics are asked for."""
_GROUP: Final = 0.3
"""Inches of a group, and of each run in it."""
_RUN: Final = 0.13


@dataclass(frozen=True)
class Cell:
    """A run's values of a metric in a group.

    Attributes:
        n: pairs with a value.
        mean: None without any.
        ends: 95% interval of the mean (bootstrap over persons); None with a single person.
    """

    n: int
    mean: float | None
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Group:
    """A group of pairs: its title, how many pairs it has, and of how many persons."""

    title: str
    n: int
    persons: int


@dataclass(frozen=True)
class Breakdown:
    """Metrics of some runs by group.

    Attributes:
        task: what was measured.
        n: number of pairs.
        by: how the pairs are grouped.
        groups: those with at least one pair, in the order in which they are shown.
        empty: titles of those without.
        ungrouped: pairs that are in no group.
        higher_is_better: by metric.
        runs: names of the runs.
        cells: run, metric, title of a group -> its values.
        whole: run, metric -> values of all pairs.
    """

    task: str
    n: int
    by: Grouping
    groups: tuple[Group, ...]
    empty: tuple[str, ...]
    ungrouped: int
    higher_is_better: Mapping[str, bool]
    runs: tuple[str, ...]
    cells: Mapping[tuple[str, str, str], Cell]
    whole: Mapping[tuple[str, str], Cell]


def find_grouping(name: str) -> Grouping:
    """A grouping by its name; UsageError for an unknown one."""
    if name not in GROUPINGS:
        raise unknown("grouping", name, GROUPINGS)
    return GROUPINGS[name]


def common_metrics(
    values: Mapping[str, PairValues], asked: Sequence[str] | None
) -> tuple[str, ...]:
    """The metrics to show: those asked for, or else the usual ones, of which all runs have values.

    Raises:
        UsageError: if a run has no values of one that is asked for.
        DataError: if the runs have no metric in common.
    """
    tables = list(values.values())
    shared = [name for name in tables[0].metrics if all(name in one.metrics for one in tables)]
    if asked is not None:
        for name in asked:
            if name not in shared:
                raise unknown("metric with values of single pairs", name, shared)
        return tuple(asked)
    if not shared:
        raise DataError(f"{', '.join(values)} have values of single pairs of no metric in common")
    return tuple(name for name in DEFAULT_METRICS if name in shared) or tuple(shared[:2])


def breakdown(
    values: Mapping[str, PairValues],
    split: Split,
    by: Grouping,
    higher_is_better: Mapping[str, bool],
) -> Breakdown:
    """The values of runs on the same pairs, by group.

    Args:
        values: of each run, by its name; all of the same pairs.
        split: the images of the pairs.
        by: how to group them.
        higher_is_better: direction of each metric to show.

    Raises:
        DataError: if the split has not what the grouping needs.
        UsageError: if the runs are of different pairs.
    """
    first = next(iter(values.values()))
    if any(one.pairs != first.pairs for one in values.values()):
        raise UsageError("expected runs of the same pairs, got several lists of pairs")
    pairs = [Pair(*pair) for pair in first.pairs]
    found = by.places(split, pairs)
    groups = tuple(
        Group(title, len(places), len({first.persons[place] for place in places}))
        for title, places in found.items()
        if places
    )
    cells = {
        (run, metric, group.title): _cell(table, metric, found[group.title])
        for run, table in values.items()
        for metric in higher_is_better
        for group in groups
    }
    everything = range(len(pairs))
    return Breakdown(
        n=len(pairs),
        task=f"{split.record.name} {split.name}, {len(pairs)} pairs",
        by=by,
        groups=groups,
        empty=tuple(title for title, places in found.items() if not places),
        ungrouped=len(pairs) - len({place for places in found.values() for place in places}),
        higher_is_better=higher_is_better,
        runs=tuple(values),
        cells=cells,
        whole={
            (run, metric): _cell(table, metric, everything)
            for run, table in values.items()
            for metric in higher_is_better
        },
    )


def _cell(table: PairValues, metric: str, places: Sequence[int]) -> Cell:
    column = table.metrics[metric]
    known = [(value, table.persons[p]) for p in places if (value := column[p]) is not None]
    if not known:
        return Cell(0, None, None)
    numbers, persons = [value for value, _ in known], [person for _, person in known]
    mean, ends = math.fsum(numbers) / len(numbers), interval(numbers, persons)
    return Cell(len(known), mean, ends and (min(ends[0], mean), max(ends[1], mean)))


def breakdown_plot(figures: Breakdown, form: Form) -> bytes:
    """The plot as a file's content; the same values give the same bytes."""
    return drawn(partial(breakdown_figure, figures), form)


def breakdown_figure(figures: Breakdown) -> Figure:
    """The plot itself: a panel a metric, a line a group, a point a run."""
    if not figures.groups:
        raise DataError(f"{figures.task}: no pair is in a group of {figures.by.name}")
    caption = caption_lines(_caption(figures))
    foot, panels = caption_height(caption), len(figures.higher_is_better)
    head = legend_height(figures.runs)
    body = len(figures.groups) * (_GROUP + _RUN * (len(figures.runs) - 1))
    figure = new_figure(WIDTH, head + body + 0.6 + foot)
    names = [f"{one.title}  (n = {one.n:,})" for one in figures.groups]
    left = max(text_width(name, SMALL) for name in names) + 0.35
    place_panels(figure, left=left, right=0.25, top=head, bottom=foot + 0.55, wspace=0.1)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    for place, (one, metric) in enumerate(zip(axes, figures.higher_is_better, strict=True)):
        _panel(one, figures, metric)
        one.set_yticks(range(len(names)), names if place == 0 else [])
    put_legend(figure, figures.runs)
    put_caption(figure, caption)
    return figure


def _panel(axes: Any, figures: Breakdown, metric: str) -> None:
    axes.set_xlabel(better_text(metric, figures.higher_is_better[metric]), fontsize=SMALL)
    step = _RUN / (_GROUP + _RUN * (len(figures.runs) - 1))
    for place, (run, own) in enumerate(looks(figures.runs).items()):
        shift = step * (place - (len(figures.runs) - 1) / 2)
        whole = figures.whole[run, metric].mean
        if whole is not None:
            axes.axvline(whole, color=own.colour, linewidth=0.8, linestyle=(0, (3, 2)))
        for row, group in enumerate(figures.groups):
            cell = figures.cells[run, metric, group.title]
            if cell.mean is None:
                continue
            if cell.ends is not None:
                axes.plot(cell.ends, [row + shift] * 2, color=own.colour, linewidth=1.4)
            axes.plot(cell.mean, row + shift, own.marker, color=own.colour, markersize=5)
    for row in range(1, len(figures.groups)):
        axes.axhline(row - 0.5, color="#E4E4E4", linewidth=0.6)
    axes.set_ylim(len(figures.groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color("#E4E4E4")
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)
    axes.set_axisbelow(True)


def _caption(figures: Breakdown) -> list[str]:
    lines = [
        f"{figures.task}. {figures.by.what}. Lines: 95% bootstrap over the persons of a group; "
        f"a group of one person has none. Dashed: mean over all pairs."
    ]
    if figures.empty:
        lines.append(f"Without a pair: {', '.join(figures.empty)}.")
    if figures.ungrouped:
        lines.append(f"In no group: {figures.ungrouped} of the pairs.")
    for (run, metric), cell in figures.whole.items():
        if gap := figures.n - cell.n:
            lines.append(f"{run} has no value of {metric} for {gap} of {figures.n} pairs.")
    return lines
