"""Leaderboards of what was measured here: one for each list of pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.score import Score, number_text
from recapbench.leaderboard.board import Measured
from recapbench.leaderboard.tables.dataset import DEFAULT_METRICS
from recapbench.leaderboard.tables.measured import Group, about, group_records, label
from recapbench.page.links import measured_page
from recapbench.page.table import TRUE_LAYOUT, Bar, Figure, Head, Leaderboard, Row
from recapbench.page.words import count, interval
from recapbench.results import Reference


def measured_boards(records: Iterable[Measured], kind: str = "measured") -> list[Leaderboard]:
    """A leaderboard for each group of records of the same pairs and images.

    Args:
        records: of any datasets.
        kind: begins the anchors and, unless it is "measured", the titles.
    """
    return [
        _leaderboard(group, f"{kind}-{place}", kind)
        for place, group in enumerate(group_records(records), start=1)
    ]


@dataclass(frozen=True)
class _Line:
    """A row before its cells are made."""

    row: Row
    scores: dict[str, Score]
    competes: bool


def _leaderboard(group: Group, anchor: str, kind: str) -> Leaderboard:
    first = group.records[0]
    n = first.result.manifest.n
    lines = [_method_line(record) for record in group.records]
    lines += [_reference_line(row, n) for row in group.references()]
    names = group.metrics()
    pairs = f"{count(n)} pairs"
    columns = [_column(name, lines, n) for name in names]
    rows = [
        replace(line.row, figures=figures)
        for line, figures in zip(lines, zip(*columns, strict=True), strict=True)
    ]
    return Leaderboard(
        anchor=f"{first.dataset}-{anchor}",
        dataset=first.dataset,
        title=pairs if kind == "measured" else f"{kind.capitalize()}, {pairs}",
        facts=tuple(_facts(group, lines)),
        heads=tuple(_head(name, lines) for name in names),
        rows=tuple(rows),
    )


def _facts(group: Group, lines: Sequence[_Line]) -> Iterator[str]:
    task = group.task().removeprefix(f"{group.name}: ")
    yield task[:1].upper() + task[1:]
    yield from _intervals(lines)
    if any(_given(record) for record in group.records):
        yield TRUE_LAYOUT


def _method_line(record: Measured) -> _Line:
    result = record.result
    row = Row(
        label=label(record),
        about=about(record) + (", given the target's true layout" if _given(record) else ""),
        href=measured_page(record),
        origin="measured",
        n=count(result.manifest.n),
        figures=(),
    )
    scores = {score.name: score for score in result.scores}
    return _Line(row, scores, competes=not _given(record))


def _given(record: Measured) -> bool:
    """Whether the method was given the target's true layout."""
    inputs = record.result.method.inputs or []
    return record.result.target_parsing == "ground_truth" or "target_parsing" in inputs


def _reference_line(reference: Reference, pairs: int) -> _Line:
    row = Row(reference.name, reference.title, None, "reference", count(pairs), ())
    return _Line(row, {score.name: score for score in reference.scores}, competes=False)


def _head(name: str, lines: Sequence[_Line]) -> Head:
    family, _, protocol = name.partition(".")
    known = next(line.scores[name] for line in lines if name in line.scores)
    main = name in DEFAULT_METRICS
    return Head(name, family, protocol or "plain", known.higher_is_better, main, name in METRICS)


def _column(name: str, lines: Sequence[_Line], pairs: int) -> list[Figure | None]:
    """A metric's cells, with the best method marked and the intervals on one scale."""
    scores = [line.scores.get(name) for line in lines]
    methods = [
        score
        for score, line in zip(scores, lines, strict=True)
        if score is not None and score.value is not None and line.competes
    ]
    best = _best(methods)
    scale = _scale(methods)
    return [
        _figure(score, pairs, best if line.competes else None, scale if line.competes else None)
        for score, line in zip(scores, lines, strict=True)
    ]


def _best(scores: Sequence[Score]) -> float | None:
    """The best of two or more values."""
    values = [score.value for score in scores if score.value is not None]
    if len(values) < 2:
        return None
    return max(values) if scores[0].higher_is_better else min(values)


def _scale(scores: Sequence[Score]) -> tuple[float, float] | None:
    """From the lowest to the highest end of two or more intervals."""
    low = [score.low for score in scores if score.low is not None]
    high = [score.high for score in scores if score.high is not None]
    return (min(low), max(high)) if len(low) > 1 and max(high) > min(low) else None


def _figure(
    score: Score | None, pairs: int, best: float | None, scale: tuple[float, float] | None
) -> Figure | None:
    if score is None or score.value is None:
        return None
    return Figure(
        text=number_text(score.value),
        value=score.value,
        interval=interval(score.low, score.high),
        n="" if score.n == pairs else f"n = {count(score.n)}",
        best=score.value == best,
        bar=_bar(score, scale),
    )


def _bar(score: Score, scale: tuple[float, float] | None) -> Bar | None:
    if scale is None or score.low is None or score.high is None or score.value is None:
        return None
    start, end = scale
    low, high, tick = (
        round(100 * (value - start) / (end - start), 1)
        for value in (score.low, score.high, score.value)
    )
    return Bar(min(low, 99.0), round(max(high - low, 1.0), 1), min(max(tick, 1.0), 99.0))


def _intervals(lines: Sequence[_Line]) -> list[str]:
    """What the intervals are, with the metrics that have them."""
    kinds: dict[str, dict[str, None]] = {}
    for score in (score for line in lines for score in line.scores.values()):
        if score.interval:
            kinds.setdefault(score.interval, {})[score.name] = None
    return [f"Intervals of {', '.join(names)}: {kind}." for kind, names in kinds.items()]
