"""What a metric is: a record, a pure function, and a small class that streams it.

A new protocol is one more record in `recapbench.evaluation.metrics`; nothing else changes. There
are four kinds: a mean over pairs of a pure function of the pair (`PairedMetric`), a mean over
pairs of what a network says (`NetworkMetric`), a figure of the features of whole sets
(`SetMetric`), and a function of the joints in both images (`KeypointMetric`), which becomes one of
the first two.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from recapbench.errors import RecapbenchError
from recapbench.evaluation.bootstrap import interval, interval_text
from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.pairs import Pair, PairSet
from recapbench.evaluation.score import Score, SizeFigure

if TYPE_CHECKING:
    from recapbench.evaluation.networks import Networks
    from recapbench.evaluation.pose.estimators import PoseEstimator

GIVEN_KEYPOINTS = "given keypoints"
"""In place of a pose estimator's name: the joints of the generated images came with them."""


class Share(NamedTuple):
    """A part of a whole, as 7 of 12 joints: the figure is the sum of parts over that of wholes."""

    part: float
    whole: float


Value: TypeAlias = float | Share | None
"""What a pair comes to: a number, which counts as one whole, a share, or nothing."""
PairMeasure: TypeAlias = Callable[[Pair], Value]
"""The value of a pair; None where it has none."""
BatchMeasure: TypeAlias = Callable[[Sequence[Pair]], Sequence[Value]]
"""The values of a few pairs, by a network."""
View: TypeAlias = Literal["saved", "masked", "padded"]
"""How a set metric looks at the images: as they were saved, times the target's pose mask, or with
PATN's white columns."""
RealSet: TypeAlias = Literal["targets", "train_images"]
"""Which real images the generated ones are compared with."""


@dataclass(frozen=True)
class Figure:
    """What a set metric comes to: a value with an interval, or a reason.

    Attributes:
        value: the figure, None if there is none.
        low: lower end of its interval.
        high: upper end.
        interval: what the interval is.
        sizes: the figure of parts of the set.
        halves: the figure of each random half of the persons.
        reason: why there is no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    interval: str | None = None
    sizes: tuple[SizeFigure, ...] = ()
    halves: tuple[float, ...] = ()
    reason: str | None = None


SetMeasure: TypeAlias = Callable[[FeatureSet, FeatureSet | None], Figure]
"""(features of the generated images, those of the real ones if it needs them) -> figure."""


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """What there is to say about a metric, whatever its kind.

    Attributes:
        name: metric and protocol, as ``ssim.def_gan``; another definition is another name.
        title: heading of a column.
        description: the definition, in a sentence or two.
        papers: where it comes from.
        traps: what goes wrong with it, and what is done here.
        comparable: which published figures it may be compared with, in a sentence.
        higher_is_better: direction.
        mask: which pose mask of the target it needs, None for none.
        keypoints: whether it needs the joints of the targets themselves.
        on_request: why it is measured only if it is named; None for one that always is.
    """

    name: str
    title: str
    description: str
    papers: tuple[str, ...]
    traps: tuple[str, ...]
    comparable: str
    higher_is_better: bool
    mask: str | None = None
    keypoints: bool = False
    on_request: str | None = None

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """What must be given: generated, target, keypoints, train_images, weights by name."""

    @property
    def _keypoints(self) -> tuple[str, ...]:
        return ("keypoints",) * (self.keypoints or self.mask is not None)

    def lacks(self, pairs: PairSet) -> str | None:
        """Why it cannot be had for these pairs, as far as that shows without looking at them."""
        if self.mask is not None and not pairs.has_mask(self.mask):
            return "needs the joints of the targets, for their pose masks, and none were given"
        if self.keypoints and pairs.target_keypoints is None:
            return "needs the joints of the targets, and none were given"
        return None

    def without_value(self, reason: str, n: int, *, failed: bool = False) -> Score:
        """The score that says why there is no value."""
        return Score(
            name=self.name,
            value=None,
            reason=reason,
            failed=failed,
            n=n,
            higher_is_better=self.higher_is_better,
            extractor=getattr(self, "extractor", None),
        )


@dataclass(frozen=True, kw_only=True)
class PairedMetric(Metric):
    """A metric that is a mean over pairs of a pure function.

    Attributes:
        measure: the value of one pair.
        undefined: why there is no value when no pair has one.
        extractor: where what is measured comes from, if not from the pixels alone.
    """

    measure: PairMeasure
    undefined: str = "there are no pairs"
    extractor: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given."""
        return ("generated", "target", *self._keypoints)


@dataclass(frozen=True, kw_only=True)
class NetworkMetric(Metric):
    """A metric that is a mean over pairs of what a network says.

    Attributes:
        extractor: name of the network, as it stands in a score.
        weights: names of the records of its weights.
        open: loads the network, once, and gives the measure.
        undefined: why there is no value when no pair has one.
    """

    extractor: str
    weights: tuple[str, ...]
    open: Callable[[Networks], BatchMeasure]
    undefined: str = "there are no pairs"

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given."""
        weights = (f"weights:{name}" for name in self.weights)
        return ("generated", "target", *self._keypoints, *weights)


@dataclass(frozen=True, kw_only=True)
class KeypointMetric(Metric):
    """A metric of the joints in the generated images: given with them, or found by an estimator.

    Attributes:
        measure: the value of a pair that has the joints of both images.
        undefined: why there is no value when no pair has one.
    """

    measure: PairMeasure
    undefined: str = "there are no pairs"
    keypoints: bool = True

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given."""
        return ("generated", "target", *self._keypoints, "generated_keypoints or pose_estimator")

    def measured(self, pairs: PairSet, networks: Networks) -> PairedMetric | NetworkMetric:
        """The metric as it is measured for these pairs: an estimator runs only if it must.

        Raises:
            UsageError: if the estimator is unknown.
            PluginError: if it cannot be imported.
        """
        common = {field.name: getattr(self, field.name) for field in fields(Metric)}
        common["undefined"] = self.undefined
        if pairs.generated_keypoints is not None:
            common["on_request"] = None
            return PairedMetric(**common, measure=self.measure, extractor=GIVEN_KEYPOINTS)
        from recapbench.evaluation.pose.estimators import get_estimator

        estimator = get_estimator(networks.pose_estimator)
        return NetworkMetric(
            **common,
            extractor=estimator.name,
            weights=estimator.weights,
            open=partial(_estimated, estimator, self.measure),
        )


def _estimated(estimator: PoseEstimator, measure: PairMeasure, networks: Networks) -> BatchMeasure:
    """Measures pairs with the joints that an estimator finds in their generated images."""
    find = estimator.joints(networks)

    def run(pairs: Sequence[Pair]) -> list[Value]:
        found = find([pair.generated for pair in pairs])
        return [
            measure(replace(pair, generated_keypoints=joints))
            for pair, joints in zip(pairs, found, strict=True)
        ]

    return run


@dataclass(frozen=True, kw_only=True)
class SetMetric(Metric):
    """A metric of the features of whole sets.

    Attributes:
        extractor: name of the network.
        compare: the figure of the two sets.
        view: how it looks at the images.
        real: which real images it compares with, None for none.
    """

    extractor: str
    compare: SetMeasure
    view: View = "saved"
    real: RealSet | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be given."""
        given = ["generated"]
        given += ["target"] * (self.real == "targets")
        given += self._keypoints
        given += ["train_images"] * (self.real == "train_images")
        return (*given, f"weights:{self.extractor}")


class PairedEvaluator:
    """Streams a mean over pairs: update with each pair, merge with others, compute."""

    def __init__(self, metric: PairedMetric | NetworkMetric) -> None:
        self.metric = metric
        self._values: list[Share] = []
        self._identities: list[str] = []
        self._seen = 0

    def update(self, pair: Pair, identity: str) -> None:
        """Measure and add one pair of this person.

        Raises:
            DataError: if the pair lacks what the metric needs.
        """
        if not isinstance(self.metric, PairedMetric):
            raise TypeError(f"{self.metric.name} is measured by a network: use add")
        self.add(self.metric.measure(pair), identity)

    def add(self, value: Value, identity: str) -> None:
        """Add the value of one pair, measured elsewhere; None leaves the pair out of the mean."""
        self._seen += 1
        if value is None:
            return
        if not finite(value):
            raise RecapbenchError(f"{self.metric.name} gave {value} for a pair of {identity!r}")
        self._values.append(value if isinstance(value, Share) else Share(value, 1.0))
        self._identities.append(identity)

    def merge(self, other: PairedEvaluator) -> None:
        """Add the pairs of another evaluator of the same metric, after ours."""
        if other.metric.name != self.metric.name:
            raise ValueError(f"cannot merge {other.metric.name} into {self.metric.name}")
        self._values += other._values
        self._identities += other._identities
        self._seen += other._seen

    def compute(self) -> Score:
        """The mean over pairs that have a value, with its 95% interval over identities.

        Of shares it is the sum of the parts over the sum of the wholes.
        """
        n = len(self._values)
        if n == 0:
            reason = self.metric.undefined if self._seen else "there are no pairs"
            return self.metric.without_value(reason, 0)
        parts, wholes = zip(*self._values, strict=True)
        value = math.fsum(parts) / math.fsum(wholes)
        ends = interval(parts, self._identities, wholes=wholes)
        # The mean lies between them but for rounding, when all values are equal.
        low, high = (min(ends[0], value), max(ends[1], value)) if ends else (None, None)
        return Score(
            name=self.metric.name,
            value=value,
            n=n,
            low=low,
            high=high,
            interval=interval_text(self._identities) if ends else None,
            higher_is_better=self.metric.higher_is_better,
            extractor=getattr(self.metric, "extractor", None),
        )


def finite(value: float | Share) -> bool:
    """Whether a value is a number; of a share, whether it is one of something."""
    if isinstance(value, Share):
        return math.isfinite(value.part) and math.isfinite(value.whole) and value.whole > 0
    return math.isfinite(value)


def score_of_set(metric: SetMetric, generated: FeatureSet, real: FeatureSet | None) -> Score:
    """The score of a set metric."""
    figure = metric.compare(generated, real)
    return Score(
        name=metric.name,
        value=figure.value,
        reason=figure.reason,
        n=len(generated),
        low=figure.low,
        high=figure.high,
        interval=figure.interval,
        sizes=figure.sizes,
        halves=figure.halves,
        higher_is_better=metric.higher_is_better,
        extractor=metric.extractor,
    )
