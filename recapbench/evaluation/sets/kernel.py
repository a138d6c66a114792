"""Kernel Inception distance: the unbiased squared MMD with the kernel (x.y / d + 1)^3.

Source: Binkowski et al. 2018, https://arxiv.org/abs/1801.01401; equal to torch-fidelity's
``kid_features_to_metric``. Every subset is a column of zeros and ones: one pass over the kernel of
all images gives the sums of all subsets at once, in blocks, in float64.

Legend: n generated images, m real ones, d features, s subsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recapbench.evaluation.sets.halves import Rows

SUBSETS: Final = 100
SUBSET_SIZE: Final = 1000
SEED: Final = 2020

_BLOCK = 1024

Matrix = NDArray[np.float64]


def kid_subsets(n: int, m: int) -> list[tuple[Rows, Rows]]:
    """Rows of both sets in each of torch-fidelity's subsets.

    The subsets of the smaller set are the whole set if it has less than 1000 images.
    """
    generator = np.random.RandomState(SEED)
    size = min(SUBSET_SIZE, n, m)
    return [
        (generator.choice(n, size, replace=False), generator.choice(m, size, replace=False))
        for _ in range(SUBSETS)
    ]


def squared_mmd(
    generated_nd: NDArray[np.floating],
    real_md: NDArray[np.floating],
    subsets: Sequence[tuple[Rows, Rows]],
) -> Matrix:
    """The unbiased squared MMD of each pair of subsets: (s). It may be below 0.

    Args:
        generated_nd: features (n,d).
        real_md: features (m,d).
        subsets: rows of both, at least 2 of each.
    """
    picked_ns = _columns(len(generated_nd), [rows for rows, _ in subsets])
    picked_ms = _columns(len(real_md), [rows for _, rows in subsets])
    counts_n, counts_m = picked_ns.sum(axis=0), picked_ms.sum(axis=0)
    within_n = _within(generated_nd, picked_ns) / (counts_n * (counts_n - 1))
    within_m = _within(real_md, picked_ms) / (counts_m * (counts_m - 1))
    across = _sums(generated_nd, picked_ns, real_md, picked_ms) / (counts_n * counts_m)
    return np.asarray(within_n + within_m - 2 * across)


def _columns(n: int, subsets: Sequence[Rows]) -> Matrix:
    """(n,s): 1 where an image is in a subset."""
    columns = np.zeros((n, len(subsets)))
    for index, rows in enumerate(subsets):
        columns[rows, index] = 1.0
    return columns


def _within(x_nd: NDArray[np.floating], picked_ns: Matrix) -> Matrix:
    """Sums of the kernel over pairs of different images of each subset: (s)."""
    total = np.zeros(picked_ns.shape[1])
    starts = range(0, len(x_nd), _BLOCK)
    for start in starts:
        x, picked = _block(x_nd, start), picked_ns[start : start + _BLOCK]
        kernel = _kernel(x, x)
        np.fill_diagonal(kernel, 0.0)
        total += (picked * (kernel @ picked)).sum(axis=0)
        for other in starts:
            if other > start:
                across = _kernel(x, _block(x_nd, other)) @ picked_ns[other : other + _BLOCK]
                total += 2 * (picked * across).sum(axis=0)
    return total


def _sums(
    x_nd: NDArray[np.floating], picked_ns: Matrix, y_md: NDArray[np.floating], picked_ms: Matrix
) -> Matrix:
    """Sums of the kernel over the pairs of each two subsets: (s)."""
    total = np.zeros(picked_ns.shape[1])
    for start in range(0, len(x_nd), _BLOCK):
        x, picked = _block(x_nd, start), picked_ns[start : start + _BLOCK]
        for other in range(0, len(y_md), _BLOCK):
            across = _kernel(x, _block(y_md, other)) @ picked_ms[other : other + _BLOCK]
            total += (picked * across).sum(axis=0)
    return total


def _block(x_nd: NDArray[np.floating], start: int) -> Matrix:
    return np.asarray(x_nd[start : start + _BLOCK], dtype=np.float64)


def _kernel(x: Matrix, y: Matrix) -> Matrix:
    base = x @ y.T
    base /= x.shape[1]
    base += 1.0
    cube = base * base
    cube *= base
    return cube
