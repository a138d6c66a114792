"""Differences of two methods on the same pairs, with intervals.

What makes a person hard for every method falls out of a difference, so that its interval is
narrower than those of the two figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev
from typing import NamedTuple

from recapbench.errors import DataError
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.pair_values import PairValues


class Difference(NamedTuple):
    """One figure less another, with the ends of its 95% interval."""

    mean: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether 0 is outside the interval."""
        return not self.low <= 0 <= self.high


def difference_on_pairs(first: PairValues, second: PairValues, metric: str) -> Difference | None:
    """Mean of first less second over the pairs that both have a value of (bootstrap over persons).

    Returns:
        None without two persons.

    Raises:
        DataError: if the pairs differ, or one has no such metric.
    """
    if first.pairs != second.pairs:
        raise DataError("expected values of the same pairs, got two lists of pairs")
    for values in (first, second):
        if metric not in values.metrics:
            raise DataError(f"expected values of {metric}, got {', '.join(values.metrics)}")
    gaps, persons = [], []
    for a, b, person in zip(
        first.metrics[metric], second.metrics[metric], first.persons, strict=True
    ):
        if a is not None and b is not None:
            gaps.append(a - b)
            persons.append(person)
    ends = interval(gaps, persons)
    if ends is None:
        return None
    mean = math.fsum(gaps) / len(gaps)
    return Difference(mean, min(ends[0], mean), max(ends[1], mean))


def difference_on_halves(
    value: float, first: Sequence[float], second: Sequence[float]
) -> Difference | None:
    """A difference of two figures of whole sets, with its interval from the same random halves.

    The interval is 1.96 standard deviations of the halves' differences (delete-half jackknife).

    Args:
        value: the one figure less the other.
        first: the one figure of each half, as `Score.halves` has it.
        second: the other figure of the same halves.

    Returns:
        None if there are no halves, or not as many of both.
    """
    if len(first) != len(second) or len(first) < 2:
        return None
    reach = 1.96 * stdev(a - b for a, b in zip(first, second, strict=True))
    return Difference(value, value - reach, value + reach)
