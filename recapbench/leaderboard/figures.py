"""Figures of the ablation as text, and what their intervals say of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from recapbench.evaluation.differences import (
    Difference,
    difference_on_halves,
    difference_on_pairs,
)
from recapbench.evaluation.score import number_text
from recapbench.leaderboard.ablation import Ablation, Row
from recapbench.leaderboard.table4 import LOWER_IS_BETTER


def cell(row: Row, metric: str) -> str:
    """The mean over a row's seeds, with the ends of its interval where it has one."""
    text, ends = number_text(row.mean(metric)), row.ends(metric)
    return text if ends is None else f"{text} [{number_text(ends[0])}, {number_text(ends[1])}]"


def arrow(ablation: Ablation, metric: str) -> str:
    """Which way is better."""
    return "↑" if ablation.higher_is_better(metric) else "↓"


def interval_kind(ablation: Ablation, metric: str) -> str:
    """What the intervals of a metric are, as the records say."""
    kinds = dict.fromkeys(run.score(metric).interval or "none" for run in ablation.runs)
    return "; ".join(kinds)


def overlaps(ablation: Ablation, metric: str, with_method: str) -> dict[bool, list[str]]:
    """Which rows' intervals overlap that of one row: titles by whether they do.

    Rows without an interval are in neither list.
    """
    found: dict[bool, list[str]] = {True: [], False: []}
    reference = ablation.row(with_method)
    own = reference.ends(metric) if reference else None
    for row in ablation.rows:
        ends = row.ends(metric)
        if own is not None and ends is not None and row is not reference:
            found[ends[0] <= own[1] and own[0] <= ends[1]].append(row.paper.title)
    return found


def comparable(ablation: Ablation, metrics: Sequence[str]) -> list[str]:
    """Those of some metrics of which every record has values of single pairs or of halves."""
    return [
        name
        for name in metrics
        if all(name in run.values.metrics or run.score(name).halves for run in ablation.runs)
    ]


def row_difference(row: Row, reference: Row, metric: str) -> Difference | None:
    """A row less another on the same pairs or, of figures of whole sets, on the same halves."""
    first, second = row.values(), reference.values()
    if metric in first.metrics and metric in second.metrics:
        return difference_on_pairs(first, second, metric)
    value = row.mean(metric) - reference.mean(metric)
    return difference_on_halves(value, row.halves(metric), reference.halves(metric))


def gap(row: Row, reference: Row, metric: str) -> str:
    """A row less another, with its interval; bold where zero is outside."""
    found = row_difference(row, reference, metric)
    if found is None:
        return "–"
    digits = 4 if max(abs(found.low), abs(found.high)) < 1 else 2
    mean, low, high = (f"{value:+.{digits}f}" for value in found)
    text = f"{mean} [{low}, {high}]"
    return f"**{text}**" if found.is_sure else text


def order(ablation: Ablation, metric: str) -> str:
    """Titles of the rows by their means, the best first."""
    means = {row.paper.title: row.mean(metric) for row in ablation.rows}
    return _ordered(means, ablation.higher_is_better(metric))


def reported_order(ablation: Ablation, heading: str) -> str:
    """Titles of the same rows by the figures that the paper reports, the best first."""
    figures = {
        row.paper.title: row.paper.reported(ablation.settings)[heading] for row in ablation.rows
    }
    return _ordered(figures, heading not in LOWER_IS_BETTER)


def _ordered(figures: Mapping[str, float], highest_first: bool) -> str:
    """Titles from best to worst, with ">" between them, or "=" where two are equal."""
    titles = sorted(figures, key=lambda title: figures[title], reverse=highest_first)
    text = titles[0]
    for before, title in pairwise(titles):
        text += f" {'=' if figures[before] == figures[title] else '>'} {title}"
    return text


def counterpart(ablation: Ablation, names: Sequence[str]) -> str | None:
    """The first of some metrics that every record has a value of."""
    return next((name for name in names if ablation.has(name)), None)


def counterparts(ablation: Ablation, metrics: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """The table's headings with this library's metric of each, as far as records have one."""
    headings = ablation.rows[0].paper.reported(ablation.settings)
    found = ((heading, counterpart(ablation, metrics[heading])) for heading in headings)
    return [(heading, metric) for heading, metric in found if metric is not None]
