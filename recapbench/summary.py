"""A result as a table for the terminal, and why some of its figures are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.table import Table

from recapbench.errors import EXIT_DONE, EXIT_PARTIAL
from recapbench.evaluation.score import Score, number_text
from recapbench.results import DatasetPart, ManifestPart, Result

_ROUNDING: Final = 1e-9
"""Widths of intervals below this are rounding."""


def result_table(result: Result) -> Table:
    """A row per metric, a column for the method and each reference."""
    pairs = pairs_text(result.dataset, result.manifest)
    table = Table(title=f"{result.method.title} on {pairs}", title_justify="left")
    table.add_column("metric")
    table.add_column("better")
    table.add_column(result.method.name, justify="right")
    for reference in result.references:
        table.add_column(reference.name, justify="right")
    table.add_column("n", justify="right")
    for score in result.scores:
        found = [
            next((other for other in reference.scores if other.name == score.name), None)
            for reference in result.references
        ]
        others = ["" if other is None else _figure(other) for other in found]
        better = "higher" if score.higher_is_better else "lower"
        n = "" if score.value is None else str(score.n)
        table.add_row(score.name, better, _figure(score), *others, n)
    return table


def explanation_table(result: Result) -> Table:
    """A row per protocol and what-if: value, what it is compared with, and why they differ."""
    table = Table(
        title="The same images scored otherwise: explanations, not scores", title_justify="left"
    )
    for heading in ("what", "value", "less", "difference", "n", "why"):
        right = heading in ("value", "difference", "n")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in result.explanations:
        value, difference = f"{row.value:.4f}", f"{row.difference:+.4f}"
        table.add_row(row.name, value, row.of, difference, str(row.n), row.reason)
    return table


def by_size(result: Result) -> list[str]:
    """A line for each figure with a bias of small sets: what parts of the set would have had."""
    return [
        f"{score.name} by number of images: "
        + ", ".join(f"{size.n}: {number_text(size.mean)}" for size in score.sizes)
        for score in result.scores
        if score.sizes
    ]


def missing(*results: Result) -> list[str]:
    """Why a figure is not there: a line per reason, with the metrics that it keeps away.

    Where it keeps a metric away from some of the method and the references alone, it says from
    which.
    """
    known: Counter[str] = Counter()
    reasons: dict[str, dict[str, list[str]]] = {}
    for owner, score in (one for result in results for one in _owned_scores(result)):
        known[score.name] += 1
        if score.reason is not None:
            reasons.setdefault(score.reason, {}).setdefault(score.name, []).append(owner)
    lines = []
    for reason, metrics in reasons.items():
        names = [
            name
            if len(owners) == known[name]
            else f"{name} of {' and '.join(dict.fromkeys(owners))}"
            for name, owners in metrics.items()
        ]
        lines.append(f"- {', '.join(names)}: {reason}")
    return lines


def exit_code(*results: Result) -> int:
    """0, or 4 if a metric that should have a value has none."""
    scores = (score for result in results for _, score in _owned_scores(result))
    return EXIT_PARTIAL if any(score.failed for score in scores) else EXIT_DONE


def _owned_scores(result: Result) -> Iterator[tuple[str, Score]]:
    """The method's and those of the reference rows, each with the name of whose it is."""
    yield from ((result.method.name, score) for score in result.scores)
    for row in result.references:
        yield from ((row.name, score) for score in row.scores)


def pairs_text(dataset: DatasetPart | None, manifest: ManifestPart) -> str:
    """How many pairs, and whose."""
    of = "pairs by name"
    if dataset is not None:
        of = "/".join(part for part in (dataset.name, dataset.split) if part)
        of = f"pairs of {of}"
    elif manifest.file is not None:
        of = f"pairs of {manifest.file}"
    return f"{manifest.n} {of}"


def figure_text(value: float | None, low: float | None, high: float | None) -> str:
    """A value with half the width of its interval, if it has one."""
    if value is None:
        return "-"
    text = number_text(value)
    if low is None or high is None:
        return text
    spread = (high - low) / 2
    return f"{text} ±{spread if spread > _ROUNDING else 0.0:.2g}"


def _figure(score: Score) -> str:
    return figure_text(score.value, score.low, score.high)
