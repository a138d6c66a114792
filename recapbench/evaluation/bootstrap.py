"""Interval of a mean over pairs, by resampling the people rather than the pairs.

Pairs of one person are not independent: resampling them one by one gives an interval that is too
narrow (Efron and Tibshirani 1993, chapter 8, on data in groups).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

RESAMPLES: Final = 1000
_SEED = 0
_BLOCK = 50


def interval(
    values: Sequence[float],
    identities: Sequence[str],
    level: float = 0.95,
    wholes: Sequence[float] | None = None,
) -> tuple[float, float] | None:
    """Percentile interval of the mean, with a fixed seed.

    Args:
        values: one number for each pair.
        identities: the person of each pair.
        level: share of the resampled means inside the interval.
        wholes: what each value is a part of, above 0; the figure is then the sum of the values
            over the sum of the wholes. 1 for each pair, hence the mean, by default.

    Returns:
        Its two ends; None for fewer than two people, where there is nothing to resample.
    """
    _, person = np.unique(np.asarray(identities, dtype=object).astype(str), return_inverse=True)
    people = int(person.max(initial=-1)) + 1
    if people < 2:
        return None
    sums = np.bincount(person, weights=np.asarray(values, dtype=np.float64), minlength=people)
    counts = np.bincount(
        person, weights=np.ones(len(person)) if wholes is None else wholes, minlength=people
    )
    generator = np.random.default_rng(_SEED)
    share = np.full(people, 1.0 / people)
    means = np.empty(RESAMPLES)
    for start in range(0, RESAMPLES, _BLOCK):  # in blocks: people x resamples may be large
        drawn = generator.multinomial(people, share, size=_BLOCK)
        means[start : start + _BLOCK] = (drawn @ sums) / (drawn @ counts)
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, (tail, 1.0 - tail))
    return float(low), float(high)


def interval_text(identities: Sequence[str]) -> str:
    """What the interval is, for a record."""
    return f"95% bootstrap over {len(set(identities))} persons, {RESAMPLES} resamples"
