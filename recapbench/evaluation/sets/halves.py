"""Random halves and parts of two sets, for the intervals of figures that are no mean over images.

The variance of a figure of whole sets is estimated by the delete-half jackknife: the figure of
random halves of the persons, drawn without replacement, varies about as much as the figure of all
persons does (Shao and Wu 1989, A general theory for jackknife variance estimation; the factor for
keeping r and leaving out d is r / d). Persons are drawn rather than images because images of one
person are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.evaluation.features.store import FeatureSet

Rows: TypeAlias = NDArray[np.intp]
"""Indexes of images, ascending."""

HALVES: Final = 20
MIN_UNITS: Final = 4
"""Fewer persons have too few different halves."""

_SEED: Final = 0


def halves(generated: FeatureSet, real: FeatureSet) -> list[tuple[Rows, Rows]]:
    """Rows of both sets in each random half; none where there are too few persons.

    If the persons of both sets are known, a half has the same persons in both. A set without
    persons is halved by images, on its own.
    """
    together = generated.identities is not None and real.identities is not None
    if together:
        persons = sorted({*(generated.identities or ()), *(real.identities or ())})
        sides = [
            (_places(side.identities or (), persons), len(persons)) for side in (generated, real)
        ]
    else:
        sides = [_units(side) for side in (generated, real)]
    if min(count for _, count in sides) < MIN_UNITS:
        return []
    generator = np.random.default_rng(_SEED)
    found: list[tuple[Rows, Rows]] = []
    for number in range(HALVES):
        drawn = [_half(generator, count, number) for _, count in sides[: 1 if together else 2]]
        first, second = (
            np.flatnonzero(half[unit])
            for half, (unit, _) in zip((drawn[0], drawn[-1]), sides, strict=True)
        )
        found.append((first, second))
    return found


def half_text(generated: FeatureSet) -> str:
    """What the interval is, for a record."""
    if generated.identities is None:
        over = f"{len(generated)} images"
    else:
        over = f"{len(set(generated.identities))} persons"
    return f"1.96 standard deviations of {HALVES} random halves of {over} (delete-half jackknife)"


def half_interval(value: float, figures: Sequence[float]) -> tuple[float, float] | None:
    """value +- 1.96 standard deviations of the figures of the halves; None without figures."""
    if len(figures) < 2:
        return None
    reach = 1.96 * math.sqrt(float(np.var(np.asarray(figures), ddof=1)))
    return value - reach, value + reach


def _half(generator: np.random.Generator, count: int, number: int) -> NDArray[np.bool_]:
    """Which units are in a half; of an odd count, the middle one in every second half."""
    return np.asarray(generator.permutation(count) < (count + number % 2) // 2)


def _units(side: FeatureSet) -> tuple[NDArray[np.intp], int]:
    """The person, or else the image, of each row; how many there are."""
    if side.identities is None:
        return np.arange(len(side)), len(side)
    persons = sorted(set(side.identities))
    return _places(side.identities, persons), len(persons)


def _places(identities: Sequence[str], persons: Sequence[str]) -> NDArray[np.intp]:
    place = {person: index for index, person in enumerate(persons)}
    return np.array([place[person] for person in identities], dtype=np.intp)
