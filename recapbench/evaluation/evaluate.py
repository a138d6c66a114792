"""Score a set of saved images against their targets.

The pixels are those of the files; nothing is resized, padded or reordered. The figures do not
depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError, MissingWeightsError
from recapbench.evaluation.arrays import Image, Mask, as_mask
from recapbench.evaluation.base import (
    PairedEvaluator,
    PairedMetric,
    SetMetric,
    measure_pair,
    score_of_set,
)
from recapbench.evaluation.features import Features, FeatureStore
from recapbench.evaluation.images import ImageSource, load_image, read_png
from recapbench.evaluation.metrics import METRICS, get_metric
from recapbench.evaluation.score import Score

MaskSource: TypeAlias = NDArray[np.bool_] | NDArray[np.uint8] | Callable[[], Mask]
"""A pose mask (H,W), or a function that makes one."""
Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the stage, the number of images done, and the number of images in all."""

_MAX_THREADS = 4
_BLOCK = 256
_NO_MASK = "needs the pose masks of the targets, and none were given"


def evaluate(
    generated: Sequence[ImageSource],
    targets: Sequence[ImageSource],
    *,
    masks: Sequence[MaskSource] | None = None,
    identities: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    store: FeatureStore | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Score]:
    """Scores of the metrics, in the order asked for.

    Args:
        generated: saved PNG files, in the order of the manifest. For reference rows whose images
            are not made by a method they may be arrays uint8 (H,W,3), or functions.
        targets: their targets, in the same order: files, arrays uint8 (H,W,3), or functions.
        masks: pose masks of the *targets*, in the same order; without them the masked metrics
            have no value.
        identities: the person of each pair, for the intervals; without them each pair counts as
            a person of its own.
        metrics: names; None for every metric.
        store: features of targets shared with other calls; a new one by default.
        threads: threads that score pairs; by default the processors, at most 4.
        progress: told how far it is.

    Returns:
        One score for each name. A metric that cannot be had here (no masks, no weights, too few
        images) has a reason in place of a value.

    Raises:
        DataError: an image is missing, damaged or of another kind or size; the file is named.
        UsageError: a metric is unknown.
    """
    chosen = [get_metric(name) for name in (METRICS if metrics is None else metrics)]
    pairs = _Pairs.checked(generated, targets, masks, identities)
    report = progress or _silent
    paired = [m for m in chosen if isinstance(m, PairedMetric) and pairs.can(m)]
    scores = _paired_scores(paired, pairs, threads or _default_threads(), report)
    sets = _SetScorer(pairs, store if store is not None else FeatureStore(), report)
    for metric in chosen:
        if not pairs.can(metric):
            scores[metric.name] = metric.without_value(_NO_MASK, len(pairs))
        elif isinstance(metric, SetMetric):
            scores[metric.name] = sets.score(metric)
    return [scores[metric.name] for metric in chosen]


@dataclass(frozen=True)
class _Pairs:
    """The files and sources of the pairs, one length each; nothing is read until asked for."""

    generated: Sequence[ImageSource]
    targets: Sequence[ImageSource]
    masks: Sequence[MaskSource] | None
    identities: Sequence[str]

    @classmethod
    def checked(
        cls,
        generated: Sequence[ImageSource],
        targets: Sequence[ImageSource],
        masks: Sequence[MaskSource] | None,
        identities: Sequence[str] | None,
    ) -> _Pairs:
        n = len(generated)
        if n == 0:
            raise DataError("there are no generated images to score")
        given = {"targets": targets, "masks": masks, "identities": identities}
        for name, values in given.items():
            if values is not None and len(values) != n:
                raise DataError(f"expected {n} {name}, one for each image, got {len(values)}")
        people = identities if identities is not None else [str(i) for i in range(n)]
        return cls(generated, targets, masks, people)

    def __len__(self) -> int:
        return len(self.generated)

    def can(self, metric: PairedMetric | SetMetric) -> bool:
        """Whether what the metric needs was given."""
        return self.masks is not None or not metric.masked

    def name(self, index: int) -> str:
        """What an error calls the generated image: its file, or its place in the list."""
        source = self.generated[index]
        return str(source) if isinstance(source, Path) else f"generated image {index}"

    def image(self, index: int) -> Image:
        source = self.generated[index]
        if isinstance(source, Path):
            return read_png(source)
        return load_image(source, self.name(index))

    def target(self, index: int) -> Image:
        return load_image(self.targets[index], f"target of {self.name(index)}")

    def mask(self, index: int, image: Image) -> Mask:
        assert self.masks is not None
        source = self.masks[index]
        mask = source() if callable(source) else source
        return as_mask(mask, image, f"mask of the target of {self.name(index)}")

    def masked_image(self, index: int) -> Image:
        image = self.image(index)
        return image * self.mask(index, image)[..., None]


def _paired_scores(
    metrics: Sequence[PairedMetric], pairs: _Pairs, threads: int, report: Progress
) -> dict[str, Score]:
    """Scores by name: pairs are measured in threads, and added up in their order."""
    if not metrics:
        return {}
    evaluators = [PairedEvaluator(metric) for metric in metrics]
    needs_mask = any(metric.masked for metric in metrics)

    def measure(index: int) -> list[float | None]:
        image, target = pairs.image(index), pairs.target(index)
        try:
            mask = pairs.mask(index, target) if needs_mask else None
            return [measure_pair(metric, image, target, mask) for metric in metrics]
        except DataError as error:
            raise _naming(error, pairs.name(index)) from error

    n = len(pairs)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, n, _BLOCK):  # in blocks: a few waiting pairs, however long the list
            block = range(start, min(start + _BLOCK, n))
            for index, values in zip(block, pool.map(measure, block), strict=True):
                for evaluator, value in zip(evaluators, values, strict=True):
                    evaluator.add(value, pairs.identities[index])
                report("pairs", index + 1, n)
    return {evaluator.metric.name: evaluator.compute() for evaluator in evaluators}


class _SetScorer:
    """Scores of set metrics; the features of each set are made once for all of them."""

    def __init__(self, pairs: _Pairs, store: FeatureStore, report: Progress) -> None:
        self._pairs = pairs
        self._store = store
        self._report = report
        self._features: dict[tuple[str, str], Features] = {}

    def score(self, metric: SetMetric) -> Score:
        """The score, or the reason why the network's weights cannot be had."""
        kind = "masked" if metric.masked else "generated"
        try:
            generated = self._of(metric.extractor, kind)
            targets = self._of(metric.extractor, "targets") if metric.uses_targets else None
        except MissingWeightsError as error:
            return metric.without_value(str(error), len(self._pairs))
        return score_of_set(metric, generated, targets)

    def _of(self, extractor: str, kind: str) -> Features:
        key = (extractor, kind)
        if key not in self._features:
            self._features[key] = self._store.features(
                extractor, self._images(extractor, kind), keep=kind == "targets"
            )
        return self._features[key]

    def _images(self, extractor: str, kind: str) -> Iterator[Image]:
        read = {
            "generated": self._pairs.image,
            "masked": self._pairs.masked_image,
            "targets": self._pairs.target,
        }[kind]
        n = len(self._pairs)
        for index in range(n):
            yield read(index)
            self._report(f"{extractor} features of {kind} images", index + 1, n)


def _naming(error: DataError, name: str) -> DataError:
    """The same error with the generated image's name, unless it names it already."""
    text = str(error)
    return error if name in text else DataError(f"{name}: {text}")


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _default_threads() -> int:
    mine = getattr(os, "sched_getaffinity", None)  # the processors of this process, on Linux
    return min(_MAX_THREADS, len(mine(0)) if mine else os.cpu_count() or 1)
