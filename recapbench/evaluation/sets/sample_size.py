"""How a figure depends on the number of images: the figure of random parts of the sets.

FID and its kin are biased: with fewer images they come out higher, for one and the same method
(Binkowski et al. 2018; Chong and Forsyth 2020). Parts show by how much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.score import SizeFigure
from recapbench.evaluation.sets.halves import Rows

DRAWS: Final = 4
FRACTIONS: Final = (8, 4, 2)
"""A part has n/8, n/4 and n/2 images."""
MIN_IMAGES: Final = 10
"""Smaller parts say nothing."""

_SEED: Final = 1


def by_size(
    value: float, generated: FeatureSet, real: FeatureSet, figure: Callable[[Rows, Rows], float]
) -> tuple[SizeFigure, ...]:
    """The figure of parts of both sets, in the same proportion, and of the whole.

    Sets of one length are pairs: a part has both images of a pair.

    Args:
        value: the figure of the whole sets.
        generated, real: the sets.
        figure: the figure of some rows of each.
    """
    generator = np.random.default_rng(_SEED)
    found: list[SizeFigure] = []
    for fraction in FRACTIONS:
        sizes = len(generated) // fraction, len(real) // fraction
        if min(sizes) < MIN_IMAGES:
            continue
        figures = []
        for _ in range(DRAWS):
            first = generator.permutation(len(generated))[: sizes[0]]
            paired = len(generated) == len(real)
            second = first if paired else generator.permutation(len(real))[: sizes[1]]
            figures.append(figure(np.sort(first), np.sort(second)))
        mean, std = float(np.mean(figures)), float(np.std(figures, ddof=1))
        found.append(SizeFigure(n=sizes[0], mean=mean, std=std, draws=DRAWS))
    found.append(SizeFigure(n=len(generated), mean=value, std=None, draws=1))
    return tuple(found)
