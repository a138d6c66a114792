"""What a metric is: a record, a pure function, and a small class that streams it.

A new protocol is one more record in `recapbench.evaluation.metrics`; nothing else changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from recapbench.errors import DataError, RecapbenchError
from recapbench.evaluation.arrays import Image, Mask, as_mask, require_pair
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.features import Features
from recapbench.evaluation.score import Score

PairMeasure: TypeAlias = Callable[[Image, Image, Mask], float | None]
"""(generated, target, mask of the target) -> value; None where a pair has none. A metric that
does not need a mask is given one of ones."""


@dataclass(frozen=True)
class Figure:
    """What a set metric comes to: a value with an interval, or a reason."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


SetMeasure: TypeAlias = Callable[[Features, Features | None], Figure]
"""(features of the generated images, those of the targets if it needs them) -> figure."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What there is to say about a metric, whatever its kind.

    Attributes:
        name: metric and protocol, as ``ssim.def_gan``; another definition is another name.
        title: heading of a column.
        description: the definition, in a sentence or two.
        papers: where it comes from.
        traps: what goes wrong with it, and what is done here.
        higher_is_better: direction.
        masked: whether it needs the pose mask of the target.
    """

    name: str
    title: str
    description: str
    papers: tuple[str, ...]
    traps: tuple[str, ...]
    higher_is_better: bool
    masked: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given: generated, target, mask, and weights by name."""
        return ("generated", "target", "mask") if self.masked else ("generated", "target")

    def without_value(self, reason: str, n: int) -> Score:
        """The score that says why there is no value."""
        return Score(
            name=self.name,
            value=None,
            reason=reason,
            n=n,
            higher_is_better=self.higher_is_better,
            extractor=getattr(self, "extractor", None),
        )


@dataclass(frozen=True, kw_only=True)
class PairedMetric(Metric):
    """A metric that is a mean over pairs.

    Attributes:
        measure: the value of one pair.
        undefined: why there is no value when no pair has one.
    """

    measure: PairMeasure
    undefined: str = "there are no pairs"


@dataclass(frozen=True, kw_only=True)
class SetMetric(Metric):
    """A metric of the features of whole sets.

    Attributes:
        extractor: name of the network.
        compare: the figure of the two sets.
        uses_targets: whether it looks at the targets' features.
    """

    extractor: str
    compare: SetMeasure
    uses_targets: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given: generated, target, mask, and weights by name."""
        given = ["generated"]
        given += ["target"] * self.uses_targets + ["mask"] * self.masked
        return (*given, f"weights:{self.extractor}")


class PairedEvaluator:
    """Streams a paired metric: update with each pair, merge with others, compute."""

    def __init__(self, metric: PairedMetric) -> None:
        self.metric = metric
        self._values: list[float] = []
        self._identities: list[str] = []
        self._seen = 0

    def update(self, generated: Image, target: Image, mask: Mask | None, identity: str) -> None:
        """Measure and add one pair.

        Args:
            generated: uint8 (H,W,3).
            target: uint8 (H,W,3).
            mask: pose mask of the target, bool or 0/1 uint8 (H,W); None if not needed.
            identity: the person of the pair.

        Raises:
            DataError: if sizes or types are wrong, or a mask is needed and not given.
        """
        self.add(measure_pair(self.metric, generated, target, mask), identity)

    def add(self, value: float | None, identity: str) -> None:
        """Add the value of one pair, measured elsewhere; None leaves the pair out of the mean."""
        self._seen += 1
        if value is None:
            return
        if not math.isfinite(value):
            raise RecapbenchError(f"{self.metric.name} gave {value} for a pair of {identity!r}")
        self._values.append(value)
        self._identities.append(identity)

    def merge(self, other: PairedEvaluator) -> None:
        """Add the pairs of another evaluator of the same metric, after ours."""
        if other.metric.name != self.metric.name:
            raise ValueError(f"cannot merge {other.metric.name} into {self.metric.name}")
        self._values += other._values
        self._identities += other._identities
        self._seen += other._seen

    def compute(self) -> Score:
        """The mean over pairs that have a value, with its 95% interval over identities."""
        n = len(self._values)
        if n == 0:
            reason = self.metric.undefined if self._seen else "there are no pairs"
            return self.metric.without_value(reason, 0)
        value = math.fsum(self._values) / n
        ends = interval(self._values, self._identities)
        # The mean lies between them but for rounding, when all values are equal.
        low, high = (min(ends[0], value), max(ends[1], value)) if ends else (None, None)
        return Score(
            name=self.metric.name,
            value=value,
            n=n,
            low=low,
            high=high,
            higher_is_better=self.metric.higher_is_better,
        )


def measure_pair(
    metric: PairedMetric, generated: Image, target: Image, mask: Mask | None
) -> float | None:
    """The value of one pair, None where it has none."""
    require_pair(generated, target)
    if mask is not None:
        mask = as_mask(mask, target)
    elif metric.masked:
        raise DataError(f"{metric.name} needs the pose mask of the target")
    else:
        mask = np.ones(target.shape[:2], dtype=np.bool_)
    return metric.measure(generated, target, mask)


def score_of_set(metric: SetMetric, generated: Features, targets: Features | None) -> Score:
    """The score of a set metric."""
    figure = metric.compare(generated, targets)
    return Score(
        name=metric.name,
        value=figure.value,
        reason=figure.reason,
        n=len(generated),
        low=figure.low,
        high=figure.high,
        higher_is_better=metric.higher_is_better,
        extractor=metric.extractor,
    )
