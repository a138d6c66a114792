"""Frechet distance between the Gaussians of two sets of features.

d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), with covariances over n - 1 (Dowson and
Landau 1982; Heusel et al. 2017). With S1 = F1^T F1 and S2 = F2^T F2 the last trace is the sum of
the singular values of F1 F2^T, whatever the factors; that is right for singular covariances too,
where a matrix square root is not.

Legend: n samples, d dimensions, k rows of a factor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

_RELATIVE_ERROR = 1e-9
_CHUNK = 1024


class FeatureStatistics:
    """n, the sum of x and the sum of x x^T of a stream of features, in float64.

    As long as n < d the rows themselves are kept: they are fewer than the d x d moments, and the
    distance is both faster and more exact from them. Memory never exceeds d x d.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.n = 0
        self._total: Matrix = np.zeros(dim)
        self._rows: list[Matrix] | None = []
        self._outer: Matrix = np.zeros((0, 0))  # once there are no rows

    @classmethod
    def of(
        cls, features_nd: NDArray[np.floating], rows: NDArray[np.intp] | None = None
    ) -> FeatureStatistics:
        """Statistics of one array (n,d), or of some of its rows, read in pieces."""
        statistics = cls(features_nd.shape[1])
        n = len(features_nd) if rows is None else len(rows)
        for start in range(0, n, _CHUNK):
            piece = slice(start, start + _CHUNK)
            statistics.update(features_nd[piece if rows is None else rows[piece]])
        return statistics

    def update(self, features_nd: ArrayLike) -> None:
        """Add features (n,d)."""
        x = np.array(features_nd, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"expected features of shape (n,{self.dim}), got {x.shape}")
        self.n += len(x)
        self._total += x.sum(axis=0)
        if self._rows is None:
            self._outer += x.T @ x
            return
        self._rows.append(x)
        if self.n >= self.dim:
            self._fold()

    def merge(self, other: FeatureStatistics) -> None:
        """Add the statistics of another part of the set."""
        if other.dim != self.dim:
            raise ValueError(f"expected statistics of dimension {self.dim}, got {other.dim}")
        self.n += other.n
        self._total += other._total
        if self._rows is not None and other._rows is not None and self.n < self.dim:
            self._rows.extend(other._rows)
            return
        self._fold()
        self._outer += other._moments()

    @property
    def mean(self) -> Matrix:
        """Mean (d)."""
        return self._total / self.n

    @property
    def covariance(self) -> Matrix:
        """Covariance (d,d) over n - 1."""
        factor = self._low_rank_factor()
        if factor is not None:
            return factor.T @ factor
        mean = self.mean
        return (self._moments() - self.n * np.outer(mean, mean)) / (self.n - 1)

    def _low_rank_factor(self) -> Matrix | None:
        """F (n,d) with F^T F = covariance, while the rows are still kept."""
        if self._rows is None:
            return None
        return (np.concatenate(self._rows) - self.mean) / np.sqrt(self.n - 1)

    def _moments(self) -> Matrix:
        if self._rows is None:
            return self._outer
        total = np.zeros((self.dim, self.dim))
        for x in self._rows:
            total += x.T @ x
        return total

    def _fold(self) -> None:
        self._outer = self._moments()
        self._rows = None


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """Squared Frechet distance of two sets, at least 0.

    Raises:
        ValueError: for fewer than two samples, or different dimensions.
    """
    if first.dim != second.dim:
        raise ValueError(f"dimensions differ: {first.dim} and {second.dim}")
    if min(first.n, second.n) < 2:
        raise ValueError(f"a covariance needs 2 samples, got {first.n} and {second.n}")
    rows1, rows2 = first._low_rank_factor(), second._low_rank_factor()
    if rows1 is None and rows2 is None:
        return gaussian_distance(first.mean, first.covariance, second.mean, second.covariance)
    factor1 = rows1 if rows1 is not None else _factor(first.covariance)
    factor2 = rows2 if rows2 is not None else _factor(second.covariance)
    spread = float((factor1**2).sum() + (factor2**2).sum())
    return _distance(first.mean - second.mean, spread, _nuclear_norm(factor1 @ factor2.T))


def gaussian_distance(
    mean1: Matrix, covariance1: Matrix, mean2: Matrix, covariance2: Matrix
) -> float:
    """Squared Frechet distance of two Gaussians, means (d) and covariances (d,d)."""
    spread = float(np.trace(covariance1) + np.trace(covariance2))
    overlap = _overlap_by_cholesky(covariance1, covariance2, _RELATIVE_ERROR * spread)
    if overlap is None:
        overlap = _nuclear_norm(_factor(covariance1) @ _factor(covariance2).T)
    return _distance(np.asarray(mean1 - mean2), spread, overlap)


def _distance(difference: Matrix, spread: float, overlap: float) -> float:
    """The sum of the formula; rounding may take equal sets a hair below 0."""
    return max(float(difference @ difference) + spread - 2.0 * overlap, 0.0)


def _overlap_by_cholesky(covariance1: Matrix, covariance2: Matrix, bound: float) -> float | None:
    """tr (S1 S2)^(1/2) from the eigenvalues of L^T S2 L; None where that is not exact enough.

    An eigenvalue is known to about eps times the largest; its root is then off by that over twice
    the root, which near 0 is far more than eps. The root mean square of those errors decides.
    """
    from scipy.linalg import LinAlgError, cholesky, eigvalsh
    from scipy.linalg.blas import dtrmm

    try:
        lower = cholesky(covariance1, lower=True)
    except LinAlgError:
        return None
    half = dtrmm(1.0, lower, covariance2, side=0, lower=1, trans_a=1)
    values = eigvalsh(dtrmm(1.0, lower, half, side=1, lower=1), overwrite_a=True)
    noise = np.finfo(np.float64).eps * float(values[-1])
    if float(values[0]) <= noise:
        return None
    roots = np.sqrt(values)
    error = float(np.sqrt(np.square(noise / (2.0 * roots)).sum()))
    return float(roots.sum()) if error <= bound else None


def _factor(covariance: Matrix) -> Matrix:
    """F (k,d) with F^T F = S for a symmetric S without negative eigenvalues, k its rank."""
    from scipy.linalg import eigh

    values, vectors = eigh(covariance)
    keep = values > np.finfo(np.float64).eps * len(values) * max(float(values[-1]), 0.0)
    return np.asarray((vectors[:, keep] * np.sqrt(values[keep])).T)


def _nuclear_norm(matrix: Matrix) -> float:
    """Sum of the singular values."""
    from scipy.linalg import svdvals

    return float(svdvals(matrix).sum()) if min(matrix.shape) else 0.0
