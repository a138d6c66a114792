"""Precision and recall: which images lie inside the manifold of the other set.

Source: Kynkaanniemi et al. 2019, https://arxiv.org/abs/1904.06991. The manifold of a set is the
union of the balls around its images that reach to the third nearest other image of the set.
Precision is the share of generated images inside the real manifold, recall the share of real
images inside the generated one; equal to torch-fidelity's ``prc_features_to_metric``.

Distances come from products of centred features in float64, in blocks; two that are equal but for
their rounding count as equal.

Legend: n images, m images of the other set, d features.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS: Final = 3

_BLOCK = 1024
_ROUNDING = 1e-12  # of a squared distance, relative to the squared norms that it comes from

Matrix = NDArray[np.float64]


def inside(points_nd: NDArray[np.floating], set_md: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which points lie in the manifold of a set: bool (n).

    Args:
        points_nd: features (n,d).
        set_md: features (m,d), m > 3.

    Raises:
        ValueError: for a set of at most 3.
    """
    if len(set_md) <= NEIGHBOURS:
        raise ValueError(f"a ball reaches to neighbour {NEIGHBOURS}, got {len(set_md)} images")
    centre = np.asarray(set_md.mean(axis=0, dtype=np.float64))
    radii = _squared_radii(set_md, centre)
    found = np.zeros(len(points_nd), dtype=np.bool_)
    for start in range(0, len(points_nd), _BLOCK):
        points = _block(points_nd, start, centre)
        for other in range(0, len(set_md), _BLOCK):
            balls = _block(set_md, other, centre)
            distances, rounding = _squared_distances(points, balls)
            reached = distances <= radii[other : other + _BLOCK] + rounding
            found[start : start + _BLOCK] |= reached.any(axis=1)
    return found


def distinct(features_nd: NDArray[np.floating]) -> NDArray[np.intp]:
    """Rows at which features (n,d) stand for the first time, ascending."""
    first: dict[bytes, int] = {}
    for index, row in enumerate(features_nd):
        first.setdefault(row.tobytes(), index)
    return np.array(list(first.values()), dtype=np.intp)


def _squared_radii(set_md: NDArray[np.floating], centre: Matrix) -> Matrix:
    """Squared distance of each image to its third nearest other one: (m)."""
    radii = np.empty(len(set_md))
    for start in range(0, len(set_md), _BLOCK):
        points = _block(set_md, start, centre)
        nearest = np.full((len(points), NEIGHBOURS + 1), np.inf)  # itself, and its neighbours
        for other in range(0, len(set_md), _BLOCK):
            distances, _ = _squared_distances(points, _block(set_md, other, centre))
            near = np.concatenate([nearest, distances], axis=1)
            nearest = np.partition(near, NEIGHBOURS, axis=1)[:, : NEIGHBOURS + 1]
        radii[start : start + _BLOCK] = nearest[:, NEIGHBOURS]
    return radii


def _block(features: NDArray[np.floating], start: int, centre: Matrix) -> Matrix:
    return np.asarray(features[start : start + _BLOCK] - centre)


def _squared_distances(x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    """Squared distances, at least 0, and a bound of their rounding."""
    norms = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)
    distances = x @ y.T
    distances *= -2.0
    distances += norms
    norms *= _ROUNDING
    return np.maximum(distances, 0.0, out=distances), norms
