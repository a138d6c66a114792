"""Inception score from logits.

Source: Salimans et al. 2016; equal to torch-fidelity's ``isc_features_to_metric``. The score
depends on the order of the images, because it is computed on sequential splits: pass logits in the
order of the manifest, or shuffled as torch-fidelity shuffles them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPLITS: Final = 10
SHUFFLE_SEED: Final = 2020


def standard_order(n: int) -> NDArray[np.intp]:
    """The order in which torch-fidelity takes n images by default."""
    generator = np.random.RandomState(SHUFFLE_SEED)
    return np.asarray(generator.permutation(n), dtype=np.intp)


def inception_score(logits: NDArray[np.floating], splits: int = SPLITS) -> tuple[float, float]:
    """Mean and standard deviation (population) of the score over sequential splits.

    Args:
        logits: (n, classes), in the order of the manifest, n >= splits.
        splits: split i holds rows i*n//splits to (i+1)*n//splits.

    Raises:
        ValueError: for fewer images than splits.
    """
    n = len(logits)
    if n < splits:
        raise ValueError(f"{splits} splits need at least {splits} images, got {n}")
    bounds = [i * n // splits for i in range(splits + 1)]
    scores = [
        _score_of_split(_log_softmax(np.asarray(logits[a:b], dtype=np.float64)))
        for a, b in pairwise(bounds)
    ]
    return float(np.mean(scores)), float(np.std(scores))


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _score_of_split(log_p: NDArray[np.float64]) -> float:
    """exp of the mean divergence of each image's classes from the split's."""
    p = np.exp(log_p)
    # A class that no image of the split can have adds nothing: 0 * (anything finite).
    log_q = np.log(np.maximum(p.mean(axis=0), np.finfo(np.float64).tiny))
    return float(np.exp((p * (log_p - log_q)).sum(axis=1).mean()))
