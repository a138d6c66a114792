"""How well a predicted layout agrees with the true parsing: mean intersection over union."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from recapbench.evaluation.score import Score

LAYOUT_MIOU = "layout.miou"


def confusion(
    predicted: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], parts: int
) -> npt.NDArray[np.int64]:
    """Pixels by true part (rows) and predicted part (columns): (parts, parts) int64.

    Args:
        predicted: labels (H,W) uint8.
        truth: labels (H,W) uint8.
        parts: number of parts.
    """
    both = truth.astype(np.int64) * parts + predicted
    return np.bincount(both.ravel(), minlength=parts * parts).reshape(parts, parts)


def mean_iou(counts: npt.NDArray[np.int64]) -> float:
    """Mean over the parts that occur, truly or predicted, of intersection over union in [0, 1].

    Raises:
        ValueError: if nothing was counted.
    """
    hits = np.diag(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    present = union > 0
    if not present.any():
        raise ValueError("expected the counts of at least one pixel, got none")
    return float((hits[present] / union[present]).mean())


def layout_score(
    pairs: Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], parts: int
) -> Score:
    """mIoU over all pixels of a set of (predicted, true) label maps."""
    counts = np.zeros((parts, parts), np.int64)
    n = 0
    for predicted, truth in pairs:
        counts += confusion(predicted, truth, parts)
        n += 1
    return Score(name=LAYOUT_MIOU, value=mean_iou(counts), n=n, higher_is_better=True)
