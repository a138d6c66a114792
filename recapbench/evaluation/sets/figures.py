"""Figures of the features of whole sets, with their intervals: what the records of sets measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recapbench.evaluation.base import Figure
from recapbench.evaluation.bootstrap import interval, interval_text
from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.score import SizeFigure
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance
from recapbench.evaluation.sets.halves import Rows, half_interval, half_text, halves
from recapbench.evaluation.sets.inception_score import SPLITS, inception_score, standard_order
from recapbench.evaluation.sets.kernel import kid_subsets, squared_mmd
from recapbench.evaluation.sets.manifold import NEIGHBOURS, distinct, inside
from recapbench.evaluation.sets.sample_size import by_size


def score_in_order(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Inception score of sequential splits, in the order of the manifest."""
    return _inception_score(generated, np.arange(len(generated)))


def score_shuffled(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Inception score of splits after torch-fidelity's shuffle."""
    return _inception_score(generated, standard_order(len(generated)))


def frechet(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Squared Frechet distance, its interval from halves, and how it depends on the size."""
    assert real is not None
    sides = generated.features, real.features
    if min(len(side) for side in sides) < 2:
        return Figure(None, reason=_too_few("a covariance", 2, sides))

    def distance(*rows: Rows | None) -> float:
        first, second = (
            FeatureStatistics.of(side, row) for side, row in zip(sides, rows, strict=True)
        )
        return frechet_distance(first, second)

    value = distance(None, None)
    figures = [distance(*half) for half in _usable_halves(generated, real)]
    sizes = by_size(value, generated, real, distance)
    return _with_halves(value, figures, generated, sizes)


def kernel_distance(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Mean squared MMD of torch-fidelity's subsets, its interval from halves."""
    assert real is not None
    sides = generated.features, real.features
    if min(len(side) for side in sides) < 2:
        return Figure(None, reason=_too_few("an unbiased estimate", 2, sides))
    subsets = kid_subsets(len(generated), len(real))
    figures = squared_mmd(*sides, subsets + _usable_halves(generated, real))
    value = float(figures[: len(subsets)].mean())
    return _with_halves(value, [float(figure) for figure in figures[len(subsets) :]], generated)


def precision(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Share of generated images inside the manifold of the real ones that differ."""
    assert real is not None
    rows = distinct(real.features)
    return _share_inside(generated, real, np.arange(len(generated)), rows, of_real=False)


def recall(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    """Share of the real images that differ inside the manifold of the generated ones."""
    assert real is not None
    rows = distinct(real.features)
    return _share_inside(real, generated, rows, np.arange(len(generated)), of_real=True)


def _inception_score(generated: FeatureSet, order: NDArray[np.intp]) -> Figure:
    if len(generated) < SPLITS:
        return Figure(None, reason=f"{SPLITS} splits need {SPLITS} images, got {len(generated)}")
    mean, std = inception_score(generated.logits[order])
    return Figure(mean, mean - std, mean + std, f"one standard deviation over {SPLITS} splits")


def _usable_halves(generated: FeatureSet, real: FeatureSet) -> list[tuple[Rows, Rows]]:
    return [half for half in halves(generated, real) if min(map(len, half)) >= 2]


def _with_halves(
    value: float, figures: list[float], generated: FeatureSet, sizes: tuple[SizeFigure, ...] = ()
) -> Figure:
    ends = half_interval(value, figures)
    if ends is None:
        return Figure(value, sizes=sizes)
    return Figure(value, *ends, half_text(generated), sizes, tuple(figures))


def _share_inside(
    points: FeatureSet, others: FeatureSet, rows: Rows, other_rows: Rows, *, of_real: bool
) -> Figure:
    """Share of the points' rows inside the manifold of the others' rows."""
    if len(other_rows) <= NEIGHBOURS:
        needed = NEIGHBOURS + 1
        whose = "generated" if of_real else "different real"
        reason = f"a manifold needs {needed} {whose} images, got {len(other_rows)}"
        return Figure(None, reason=reason)
    found = inside(points.features[rows], others.features[other_rows]).astype(np.float64)
    value = float(found.mean())
    names = points.identities or tuple(map(str, range(len(points))))
    persons = [names[row] for row in rows]
    ends = interval(found.tolist(), persons)
    if ends is None:
        return Figure(value)
    return Figure(value, min(ends[0], value), max(ends[1], value), interval_text(persons))


def _too_few(what: str, needed: int, sides: tuple[NDArray[np.float32], ...]) -> str:
    return f"{what} needs {needed} images of each set, got {len(sides[0])} and {len(sides[1])}"
