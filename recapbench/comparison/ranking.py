"""Who is better than whom in one metric, as far as the figures can tell.

Of two methods one is better if they can be told apart: if the interval of their difference leaves
out 0, on the same pairs where there are values of single pairs, or on the same random halves of the
persons (FID, KID). Other figures (IS) must have intervals that do not overlap, which is the
stricter demand; figures without any are told apart by their values. A rank is 1 plus the number of
methods that are better, so that methods that cannot be told apart may share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recapbench.comparison.entry import Entry
from recapbench.comparison.record import Figure, Gap, Metric, ReferenceFigure, ToldApartBy
from recapbench.evaluation.differences import (
    Difference,
    difference_on_halves,
    difference_on_pairs,
)
from recapbench.evaluation.score import Score


def rank_metric(name: str, entries: Sequence[Entry]) -> Metric:
    """All figures of a metric that at least one entry knows."""
    known = [score for entry in entries for score in entry.result.scores if score.name == name]
    ranking = _Ranking(name, known[0].higher_is_better, entries)
    return Metric(
        name=name,
        higher_is_better=ranking.higher_is_better,
        told_apart_by=ranking.told_apart_by,
        figures=[ranking.figure(entry.label) for entry in entries],
        references=_references(name, entries),
    )


@dataclass(frozen=True)
class _Scored:
    """An entry's figure, if it has one."""

    entry: Entry
    score: Score
    value: float
    ends: tuple[float, float] | None
    n: int
    merit: float
    """The value, turned so that more is better."""


def _scored(name: str, higher_is_better: bool, entry: Entry) -> _Scored | None:
    score = entry.score(name)
    if score is None or score.value is None:
        return None
    ends = None if score.low is None or score.high is None else (score.low, score.high)
    merit = score.value if higher_is_better else -score.value
    return _Scored(entry, score, score.value, ends, score.n, merit)


class _Ranking:
    """One metric of some entries."""

    def __init__(self, name: str, higher_is_better: bool, entries: Sequence[Entry]) -> None:
        self.name = name
        self.higher_is_better = higher_is_better
        found = (_scored(name, higher_is_better, entry) for entry in entries)
        self.scored = {one.entry.label: one for one in found if one is not None}
        self.told_apart_by = self._told_apart_by()

    def _told_apart_by(self) -> ToldApartBy:
        scored = self.scored.values()
        if all(self.name in one.entry.values.metrics for one in scored):
            return "pairs"
        if self._same_halves():
            return "halves"
        return "intervals" if all(one.ends for one in scored) else "value"

    def _same_halves(self) -> bool:
        """Whether all figures are known of the same halves: as many, of one network's features."""
        kinds = {
            (len(one.score.halves), one.score.n, one.score.extractor)
            for one in self.scored.values()
        }
        return len(kinds) == 1 and next(iter(kinds))[0] > 1

    def figure(self, label: str) -> Figure:
        """What the record says of one entry."""
        one = self.scored.get(label)
        if one is None:
            nothing = dict.fromkeys(("value", "low", "high", "n", "rank", "less_best"))
            return Figure(label=label, best=False, **nothing)
        low, high = one.ends or (None, None)
        best = max(self.scored.values(), key=lambda other: other.merit)
        return Figure(
            label=label,
            value=one.value,
            low=low,
            high=high,
            n=one.n,
            rank=self._rank(one) if len(self.scored) > 1 else None,
            best=one.merit == best.merit,
            less_best=None if one is best else self._gap(one, best),
        )

    def _rank(self, one: _Scored) -> int:
        others = (other for other in self.scored.values() if other is not one)
        return 1 + sum(self._better(other, one) for other in others)

    def _better(self, first: _Scored, second: _Scored) -> bool:
        """Whether the first is told apart from the second, and better."""
        if self.told_apart_by in ("pairs", "halves"):
            gap = self._gap(first, second)
            return gap is not None and (gap.low > 0 if self.higher_is_better else gap.high < 0)
        if first.ends is None or second.ends is None or self.told_apart_by == "value":
            return first.merit > second.merit
        apart = first.ends[0] > second.ends[1] or first.ends[1] < second.ends[0]
        return apart and first.merit > second.merit

    def _gap(self, first: _Scored, second: _Scored) -> Gap | None:
        """First less second; None without values to subtract, or with a single person."""
        found: Difference | None = None
        if self.told_apart_by == "pairs":
            found = difference_on_pairs(first.entry.values, second.entry.values, self.name)
        if self.told_apart_by == "halves":
            value = first.value - second.value
            found = difference_on_halves(value, first.score.halves, second.score.halves)
        return None if found is None else Gap(mean=found.mean, low=found.low, high=found.high)


def _references(name: str, entries: Sequence[Entry]) -> list[ReferenceFigure]:
    """Each reference's figure, from the first entry that has it; none of a method that competes."""
    competing = {entry.result.method.name for entry in entries}
    found: dict[str, ReferenceFigure] = {}
    for entry in entries:
        for row in entry.result.references:
            for score in row.scores:
                if score.name == name and row.name not in competing:
                    figure = ReferenceFigure(
                        name=row.name, value=score.value, low=score.low, high=score.high
                    )
                    found.setdefault(row.name, figure)
    return list(found.values())
