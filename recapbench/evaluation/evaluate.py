"""Score a set of saved images against their targets.

The pixels are those of the files; nothing is resized or reordered. The figures depend neither on
the number of threads nor on that of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeAlias, TypeVar

from recapbench.data.cache import available_cores
from recapbench.errors import DataError, MissingWeightsError
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.base import (
    BatchMeasure,
    KeypointMetric,
    NetworkMetric,
    PairedEvaluator,
    PairedMetric,
    RealSet,
    SetMetric,
    Share,
    Value,
    View,
    finite,
    score_of_set,
)
from recapbench.evaluation.features.store import FeatureSet, FeatureStore
from recapbench.evaluation.images import ImageSource, load_image
from recapbench.evaluation.metrics import METRICS, AnyMetric, get_metric
from recapbench.evaluation.networks import NetworkFailure
from recapbench.evaluation.pairs import PairSet, naming
from recapbench.evaluation.score import Score
from recapbench.evaluation.structural.padding import fits_patn, pad_patn
from recapbench.processes import ALONE, BLOCK, Processes

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage, the number of images done, and the number of images in all."""
Values: TypeAlias = list[Value]
Measured: TypeAlias = PairedMetric | NetworkMetric | SetMetric
T = TypeVar("T")

_MAX_THREADS = 4
_BLOCK = 256
_SET_NAMES: Final[dict[View | RealSet, str]] = {
    "saved": "generated images",
    "masked": "masked images",
    "padded": "padded images",
    "targets": "target images",
    "train_images": "train images",
}
_NO_TRAIN = "needs the train images, and none were given"
_NOT_PATN = "PATN's padding is defined for 256x176 images, and these have another size"


def evaluate(
    pairs: PairSet,
    *,
    metrics: Sequence[str] | None = None,
    train_images: Sequence[ImageSource] | None = None,
    store: FeatureStore | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    processes: Processes = ALONE,
    values: dict[str, list[float | None]] | None = None,
) -> list[Score]:
    """Scores of the metrics, in the order asked for.

    Args:
        pairs: the images, in the order of the manifest.
        metrics: names; None for every metric but those that are measured on request.
        train_images: real images of the train split, for the figures that compare with them.
        store: networks and features shared with other calls; a new one by default.
        threads: threads that score pairs; by default the processors, at most 4.
        progress: told how far it is, in the first process.
        processes: those that share the work; each gets all scores.
        values: filled with the value of every pair, None where it has none, for each metric that
            is a mean over pairs.

    Returns:
        One score for each name. A metric that cannot be had here (no masks, no weights, too few
        images) has a reason in place of a value; one whose network fails is marked as failed,
        and the others are there.

    Raises:
        DataError: an image is missing, damaged or of another kind or size; the file is named.
        UsageError: a metric is unknown.
    """
    store = store if store is not None else FeatureStore(processes=processes)
    chosen = [
        _measured(get_metric(name), pairs, store)
        for name in (METRICS if metrics is None else metrics)
    ]
    report = progress if progress is not None and processes.first else _silent
    work = _Work(
        pairs,
        train_images,
        store,
        threads or min(_MAX_THREADS, available_cores()),
        report,
        processes,
        values if values is not None else {},
    )
    scores: dict[str, Score] = {}
    ready: list[Measured] = []
    for metric in chosen:
        reason = work.lacks(metric) or (metric.on_request if metrics is None else None)
        if reason is None:
            ready.append(metric)
        else:
            scores[metric.name] = metric.without_value(reason, len(pairs))
    for score in work.paired([m for m in ready if isinstance(m, PairedMetric)]):
        scores[score.name] = score
    for metric in ready:
        if not isinstance(metric, PairedMetric):
            scores[metric.name] = work.guarded(metric)
    return [scores[metric.name] for metric in chosen]


def _measured(metric: AnyMetric, pairs: PairSet, store: FeatureStore) -> Measured:
    """The metric as it is measured for these pairs."""
    if isinstance(metric, KeypointMetric):
        return metric.measured(pairs, store.networks)
    return metric


class _Work:
    """One call of `evaluate`: the pairs, and who works on them."""

    def __init__(
        self,
        pairs: PairSet,
        train_images: Sequence[ImageSource] | None,
        store: FeatureStore,
        threads: int,
        report: Progress,
        processes: Processes,
        values: dict[str, list[float | None]],
    ) -> None:
        self._pairs = pairs
        self._train_images = train_images
        self._store = store
        self._threads = threads
        self._report = report
        self._processes = processes
        self._values = values
        self._sets: dict[tuple[str, str], FeatureSet] = {}

    def lacks(self, metric: Measured) -> str | None:
        """Why a metric cannot be had for these images."""
        if isinstance(metric, SetMetric):
            if metric.real == "train_images" and not self._train_images:
                return _NO_TRAIN
            if metric.view == "padded" and not fits_patn(self._pairs.image(0)):
                return _NOT_PATN
        return metric.lacks(self._pairs)

    def paired(self, metrics: Sequence[PairedMetric]) -> list[Score]:
        """Means over pairs of pure functions: measured in threads, added up in their order."""
        if not metrics:
            return []
        kinds = sorted({metric.mask for metric in metrics if metric.mask is not None})

        def measure(index: int) -> Values:
            pair = self._pairs.pair(index, kinds)
            try:
                return [metric.measure(pair) for metric in metrics]
            except DataError as error:
                raise naming(error, self._pairs.name(index)) from error

        rows = self._shared(partial(self._in_threads, measure))
        return [
            self._mean(metric, [row[column] for row in rows])
            for column, metric in enumerate(metrics)
        ]

    def _in_threads(self, measure: Callable[[int], Values]) -> list[Values]:
        """The values of our pairs; a few pairs are in memory at once, however long the list."""
        ours = self._processes.shard(len(self._pairs))
        rows: list[Values] = []
        with ThreadPoolExecutor(self._threads) as pool:
            for start in range(0, len(ours), _BLOCK):
                for row in pool.map(measure, ours[start : start + _BLOCK]):
                    rows.append(row)
                    self._report("pairs", len(rows), len(ours))
        return rows

    def guarded(self, metric: NetworkMetric | SetMetric) -> Score:
        """The score of a metric that needs a network, or why there is none.

        Images that cannot be read are errors; a network that cannot be had or that fails takes
        no other metric with it.
        """
        n = len(self._pairs)
        try:
            if isinstance(metric, NetworkMetric):
                return self._by_network(metric)
            return self._of_sets(metric)
        except MissingWeightsError as error:
            return metric.without_value(str(error), n)
        except NetworkFailure as error:
            return metric.without_value(str(error), n, failed=True)

    def _by_network(self, metric: NetworkMetric) -> Score:
        """The mean over pairs of what a network says; its batches are whole blocks."""
        measure = self._opened(lambda: metric.open(self._store.networks))
        return self._mean(metric, self._shared(lambda: self._in_batches(metric, measure)))

    def _in_batches(self, metric: NetworkMetric, measure: BatchMeasure) -> Values:
        """The values of our pairs."""
        ours = self._processes.shard(len(self._pairs))
        values: Values = []
        for start in range(0, len(ours), BLOCK):
            indexes = ours[start : start + BLOCK]
            found = measure([self._pairs.pair(index) for index in indexes])
            for index, value in zip(indexes, found, strict=True):
                if value is not None and not finite(value):
                    raise NetworkFailure(
                        f"{metric.extractor} gave {value} for {self._pairs.name(index)}"
                    )
            values += found
            self._report(f"{metric.name} of pairs", len(values), len(ours))
        return values

    def _of_sets(self, metric: SetMetric) -> Score:
        """The figure of whole sets; the features of each set are made once for all metrics."""
        self._opened(lambda: self._store.network(metric.extractor))
        generated = self._features(metric.extractor, metric.view)
        real = self._features(metric.extractor, metric.real) if metric.real else None
        return self._processes.once(lambda: score_of_set(metric, generated, real))

    def _features(self, extractor: str, what: View | RealSet) -> FeatureSet:
        key = (extractor, what)
        if key not in self._sets:
            self._sets[key] = self._store.features(
                extractor,
                self._images(what),
                identities=None if what == "train_images" else self._identities(),
                stage=f"{extractor} features of {_SET_NAMES[what]}",
                progress=self._report,
            )
        return self._sets[key]

    def _images(self, what: View | RealSet) -> list[Callable[[], Image]]:
        """A set of images, each read when it is asked for."""
        pairs, n = self._pairs, range(len(self._pairs))
        if what == "train_images":
            return [
                partial(load_image, source, f"train image {index}")
                for index, source in enumerate(self._train_images or ())
            ]
        read: dict[str, Callable[[int], Image]] = {
            "saved": pairs.image,
            "masked": self._masked,
            "padded": lambda index: pad_patn(pairs.image(index)),
            "targets": pairs.target,
        }
        return [partial(read[what], index) for index in n]

    def _masked(self, index: int) -> Image:
        image = self._pairs.image(index)
        return image * self._pairs.mask("def_gan", index, image)[..., None]

    def _identities(self) -> list[str]:
        return [self._pairs.identity(index) for index in range(len(self._pairs))]

    def _mean(self, metric: PairedMetric | NetworkMetric, values: Values) -> Score:
        self._values[metric.name] = [_of_pair(value) for value in values]
        evaluator = PairedEvaluator(metric)
        for index, value in enumerate(values):
            evaluator.add(value, self._pairs.identity(index))
        return evaluator.compute()

    def _shared(self, call: Callable[[], list[T]]) -> list[T]:
        """What all processes found, in the order of the pairs."""
        return [value for part in self._processes.together(call) for value in part]

    def _opened(self, call: Callable[[], T]) -> T:
        """What every process opens for itself; where one cannot, none goes on.

        Raises:
            MissingWeightsError: the weights cannot be had.
            NetworkFailure: a file is there and is not what it should be.
        """
        opened: list[T] = []
        try:
            self._processes.together(lambda: opened.append(call()))
        except DataError as error:
            raise NetworkFailure(str(error)) from error
        return opened[0]


def _of_pair(value: Value) -> float | None:
    """A pair's own figure."""
    if isinstance(value, Share):
        return value.part / value.whole if value.whole else None
    return value


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
