"""Why figures differ: the images at hand under every protocol, and under what goes wrong.

A what-if changes one thing that users of public code have changed without saying so: a JPEG before
scoring, white columns, the mask of another image, another order. None of them is a score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recapbench.data.cache import available_cores
from recapbench.data.pose import pose_mask
from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, Mask
from recapbench.evaluation.base import PairedMetric, SetMetric
from recapbench.evaluation.evaluate import Progress
from recapbench.evaluation.features.store import FeatureSet, FeatureStore
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pairs import Keypoints, KeypointSource, Pair, PairSet
from recapbench.evaluation.score import Explanation, Score
from recapbench.evaluation.structural.padding import PATN_COLUMNS, fits_patn, pad_white
from recapbench.processes import Processes

MAX_PAIRS: Final = 300
"""Pairs that are looked at, evenly spaced over all."""

_BASE, _MASKED, _L1 = "ssim.def_gan", "mask_ssim.def_gan", "l1"
_FAMILIES = ("ssim.", "mask_ssim.")
_ORDERED = ("is.def_gan", "is.effnet_lite0")  # inception scores in the order of the pairs
_BATCHES = (4, 8, 16, 32, 64)
_SIDE = 256  # pixels of DeepFashion's whole images
_MAX_THREADS = 4


@dataclass(frozen=True)
class Case:
    """One pair with what the what-ifs need.

    Attributes:
        pair: with the masks of the target.
        source_mask: the pose mask of the source, None if its joints are not known.
        transposed: the mask of the target's joints with x and y exchanged.
    """

    pair: Pair
    source_mask: Mask | None
    transposed: Mask | None


@dataclass(frozen=True)
class WhatIf:
    """One thing done otherwise.

    Attributes:
        name: what was done, in a few words.
        of: name of the metric that it is compared with, and computed by.
        change: the pair as it would have been scored; None where that cannot be had.
        reason: who does so, or what comes of it.
        scale: factor of the figure.
    """

    name: str
    of: str
    change: Callable[[Case], Pair | None]
    reason: str
    scale: float = 1.0


def through_jpeg(image: Image) -> Image:
    """The image uint8 (H,W,3) after a JPEG file of Pillow's default quality (75)."""
    from PIL import Image as pil

    file = BytesIO()
    pil.fromarray(image).save(file, format="JPEG")
    with pil.open(file) as opened:
        return np.array(opened, dtype=np.uint8)


def resized(image: Image) -> Image:
    """The image uint8 (H,W,3) as 256x256, as torchvision resizes Pillow's images (bilinear)."""
    from PIL import Image as pil

    picture = pil.fromarray(image).resize((_SIDE, _SIDE), pil.Resampling.BILINEAR)
    return np.array(picture, dtype=np.uint8)


def _jpeg(case: Case) -> Pair:
    return replace(case.pair, generated=through_jpeg(case.pair.generated))


def _padded(case: Case) -> Pair | None:
    if fits_patn(case.pair.target):  # then it is a metric of its own
        return None
    return _both(case.pair, partial(pad_white, columns=PATN_COLUMNS))


def _resized(case: Case) -> Pair | None:
    if case.pair.target.shape[:2] == (_SIDE, _SIDE):
        return None
    return _both(case.pair, resized)


def _both(pair: Pair, change: Callable[[Image], Image]) -> Pair:
    return Pair(change(pair.generated), change(pair.target))


def _source_mask(case: Case) -> Pair | None:
    return _with_mask(case.pair, case.source_mask)


def _transposed(case: Case) -> Pair | None:
    return _with_mask(case.pair, case.transposed)


def _with_mask(pair: Pair, mask: Mask | None) -> Pair | None:
    return None if mask is None else replace(pair, masks={"def_gan": mask})


def _wrapped(case: Case) -> Pair:
    """Images whose true difference is what uint8 arithmetic makes of it: modulo 256."""
    pair = case.pair
    return Pair(pair.generated - pair.target, np.zeros_like(pair.target))


def _as_it_is(case: Case) -> Pair:
    return case.pair


WHAT_IFS: Final = (
    WhatIf(
        "outputs through JPEG",
        _BASE,
        _jpeg,
        "generated images saved as JPEG of default quality before they are scored",
    ),
    WhatIf(
        f"{PATN_COLUMNS} white columns a side",
        _BASE,
        _padded,
        "both images padded with white, as PATN does with 256x176: the padding always agrees",
    ),
    WhatIf(
        f"both resized to {_SIDE}x{_SIDE}",
        _BASE,
        _resized,
        "torchvision's bilinear resize of both images before scoring: it smooths",
    ),
    WhatIf("mask of the source", _MASKED, _source_mask, "the pose mask of the wrong image"),
    WhatIf(
        "mask transposed",
        _MASKED,
        _transposed,
        "rows and columns of the joints exchanged when the mask is drawn",
    ),
    WhatIf("in [0, 1]", _L1, _as_it_is, "images in [0, 1] in place of [-1, 1]: half", scale=0.5),
    WhatIf(
        "uint8 difference",
        _L1,
        _wrapped,
        "uint8 images subtracted without conversion: differences below 0 wrap round at 256",
    ),
)
"""What is done otherwise with each pair."""

_REASONS: Final = {
    "ssim.pg2": "uniform 7x7 window, sample covariance, range 255: skimage's defaults",
    "ssim.gfla": "uniform window of 51 on images in [0, 1]: large areas are compared, not edges",
    "ssim.patn": "both images between 40 white columns a side, which always agree",
    "ssim.standard": "data range 255 in place of the generated image's own",
    "mask_ssim.def_gan": "outside the target's pose mask both images are black, and agree",
    "mask_ssim.pg2": "the same for PG2's own mask and skimage's defaults",
    "mask_ssim.standard": "masked as for Def-GAN, data range 255",
    "mask_ssim.inside": "the mean is taken inside the mask alone, not over the whole image",
}


@dataclass(frozen=True, kw_only=True)
class Joints:
    """Joints that masks are drawn from; None where they are not known."""

    target: Sequence[KeypointSource] | None
    source: Sequence[KeypointSource] | None


def explain(
    pairs: PairSet,
    scores: Sequence[Score],
    *,
    joints: Joints,
    files: Sequence[Path],
    store: FeatureStore,
    progress: Progress,
    processes: Processes,
) -> list[Explanation]:
    """What the images would have scored, for every protocol and what-if that can be had here.

    Args:
        pairs: the images.
        scores: what they did score: inception scores are explained where there is one.
        joints: for masks that belong to other images.
        files: the generated files, whose folder has an order of its own.
        store: networks, and features that are known already.
        progress: told how far it is.
        processes: those that share the work; each gets the same list.

    Returns:
        Protocols first, then what-ifs, then orders of images.
    """
    chosen = evenly_spaced(len(pairs), MAX_PAIRS)
    paired = _Paired(pairs, joints)
    ours = [chosen[place] for place in processes.shard(len(chosen))]
    rows = processes.together(lambda: paired.rows(ours, progress))
    found = paired.explanations([row for part in rows for row in part])
    listed = processes.once(lambda: [path.name for path in files[0].parent.iterdir()])
    return found + _orders(pairs, scores, _orders_of(files, listed), store, progress)


def evenly_spaced(n: int, most: int) -> list[int]:
    """At most ``most`` of n indexes, at even distances."""
    count = min(n, most)
    return [place * n // count for place in range(count)]


Row = list[float | None]


class _Paired:
    """Values of pairs under protocols and what-ifs; a column each."""

    def __init__(self, pairs: PairSet, joints: Joints) -> None:
        self._pairs = pairs
        self._joints = joints
        metrics = [m for m in METRICS.values() if isinstance(m, PairedMetric)]
        wanted = [m for m in metrics if m.name.startswith(_FAMILIES) or m.name == _L1]
        self._protocols = {m.name: m for m in wanted if m.lacks(pairs) is None}
        self._what_ifs = [w for w in WHAT_IFS if w.of in self._protocols]
        masks = (m.mask for m in self._protocols.values() if m.mask is not None)
        self._masks = sorted(set(masks))

    def rows(self, indexes: Sequence[int], progress: Progress) -> list[Row]:
        """Values of these pairs."""
        found: list[Row] = []
        with ThreadPoolExecutor(min(_MAX_THREADS, available_cores())) as pool:
            for row in pool.map(self._row, indexes):
                found.append(row)
                progress("explaining pairs", len(found), len(indexes))
        return found

    def _row(self, index: int) -> Row:
        case = self._case(index)
        row: Row = [_value(metric, case.pair) for metric in self._protocols.values()]
        for what in self._what_ifs:
            changed = what.change(case)
            value = None if changed is None else _value(self._protocols[what.of], changed)
            row.append(None if value is None else value * what.scale)
        return row

    def _case(self, index: int) -> Case:
        pair = self._pairs.pair(index, self._masks)
        size = (pair.target.shape[0], pair.target.shape[1])
        if _MASKED not in self._protocols or self._joints.target is None:
            return Case(pair, None, None)
        swapped = _load(self._joints.target[index])[:, [1, 0, 2]]
        sources = self._joints.source
        source = None if sources is None else pose_mask(_load(sources[index]), size)
        return Case(pair, source, pose_mask(swapped, size))

    def explanations(self, rows: list[Row]) -> list[Explanation]:
        """Means of the columns, each against its metric on the very same pairs."""
        names = list(self._protocols)
        found = []
        for column, metric in enumerate(self._protocols.values()):
            if metric.name.startswith(_FAMILIES):
                reason = _REASONS.get(metric.name, metric.description)
                reason = "the paper's line of work" if metric.name == _BASE else reason
                found += _compared(rows, metric.name, column, _BASE, names.index(_BASE), reason)
        for place, what in enumerate(self._what_ifs, start=len(names)):
            found += _compared(rows, what.name, place, what.of, names.index(what.of), what.reason)
        return found + _without_last_batch(rows, names.index(_BASE))


def _value(metric: PairedMetric, pair: Pair) -> float | None:
    """The value of a pair; None where its size or kind has none under this protocol."""
    try:
        value = metric.measure(pair)
    except DataError:
        return None
    return value if isinstance(value, float) else None


def _compared(
    rows: Sequence[Row], name: str, column: int, of: str, base: int, reason: str
) -> list[Explanation]:
    """A column against another, over the pairs that have both; nothing if there are none."""
    both = [
        (value, other)
        for row in rows
        if (value := row[column]) is not None and (other := row[base]) is not None
    ]
    if not both:
        return []
    value, other = (math.fsum(side) / len(both) for side in zip(*both, strict=True))
    return [_explanation(name, value, of, other, len(both), reason)]


def _without_last_batch(rows: Sequence[Row], base: int) -> list[Explanation]:
    """Means over whole batches alone."""
    values = [value for row in rows if (value := row[base]) is not None]
    found = []
    for size in _BATCHES:
        kept = len(values) // size * size
        if 0 < kept < len(values):
            found.append(
                _explanation(
                    f"last partial batch of {size} dropped",
                    math.fsum(values[:kept]) / kept,
                    _BASE,
                    math.fsum(values) / len(values),
                    kept,
                    f"{len(values) - kept} of {len(values)} pairs left out",
                )
            )
    return found


def _orders_of(files: Sequence[Path], listed: Sequence[str]) -> dict[str, tuple[list[int], str]]:
    """Orders in which the images have been scored by others: indexes, and why."""
    n = len(files)
    places = {name: place for place, name in enumerate(listed)}
    shuffled: NDArray[np.int64] = np.random.RandomState(0).permutation(n)
    return {
        "images in directory order": (
            sorted(range(n), key=lambda index: places[files[index].name]),
            "as the file system lists the folder: another order on another machine",
        ),
        "images sorted by file name": (
            sorted(range(n), key=lambda index: files[index].name),
            "the splits hold other images than in the order of the pairs",
        ),
        "images in reverse": (list(range(n))[::-1], "the splits are cut from the other end"),
        "images shuffled": (
            shuffled.tolist(),
            "each split holds images of everybody (seed 0), not of a few persons",
        ),
    }


def _orders(
    pairs: PairSet,
    scores: Sequence[Score],
    orders: dict[str, tuple[list[int], str]],
    store: FeatureStore,
    progress: Progress,
) -> list[Explanation]:
    """Inception scores of the same images in other orders."""
    found = []
    for score in scores:
        metric = METRICS.get(score.name)
        if score.name not in _ORDERED or score.value is None or not isinstance(metric, SetMetric):
            continue
        features = store.features(
            metric.extractor,
            [partial(pairs.image, index) for index in range(len(pairs))],
            stage=f"{metric.extractor} features again",
            progress=progress,
        )
        for name, (order, reason) in orders.items():
            value = metric.compare(_reordered(features, order), None).value
            if value is not None and order != list(range(len(pairs))):
                found.append(_explanation(name, value, score.name, score.value, len(order), reason))
    return found


def _reordered(features: FeatureSet, order: Sequence[int]) -> FeatureSet:
    return FeatureSet(features.features[order], features.logits[order])


def _explanation(
    name: str, value: float, of: str, other: float, n: int, reason: str
) -> Explanation:
    return Explanation(name=name, value=value, of=of, difference=value - other, n=n, reason=reason)


def _load(source: KeypointSource) -> Keypoints:
    return source() if callable(source) else source
