"""SSIM with a weighted separable window: the numba loops, in float64, without reassociation.

The additions are done in the order in which ``scipy.ndimage.correlate1d`` does them for a
symmetric kernel (centre first, then the pairs from the outside in; rows first, then columns), so
every filtered value has the bits of the reference. That matters when the data range is small:
variances are differences of large numbers there, and another order of summation moves the third
digit after the reference's own rounding, not the sixteenth. It costs one filter more than
summing both variances at once.

Legend: H rows, N = W * C interleaved columns and channels, r radius of the window, K data ranges;
h, n are H, N without the border of r pixels.
"""

from __future__ import annotations

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def _products(out_5N, a_N, b_N):  # type: ignore[no-untyped-def]
    """One row of a, b, a*a, b*b and a*b, one after another; exact, they are integers."""
    n = a_N.size
    for i in range(n):
        a = float(a_N[i])
        b = float(b_N[i])
        out_5N[i] = a
        out_5N[n + i] = b
        out_5N[2 * n + i] = a * a
        out_5N[3 * n + i] = b * b
        out_5N[4 * n + i] = a * b


@_jit
def _centre_and_pair(out, centre, low, high, weight, pair_weight):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = centre[i] * weight + (low[i] + high[i]) * pair_weight


@_jit
def _one_pair(out, low, high, weight):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] += (low[i] + high[i]) * weight


@_jit
def _two_pairs(out, low, high, weight, low2, high2, weight2):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = (out[i] + (low[i] + high[i]) * weight) + (low2[i] + high2[i]) * weight2


@_jit
def _filter_rows(out, ring, y, weights):  # type: ignore[no-untyped-def]
    """Weighted sum of the 2r+1 rows of the ring that end with row y."""
    r = weights.size - 1
    k = 2 * r + 1
    first = y - 2 * r
    _centre_and_pair(
        out, ring[(first + r) % k], ring[first % k], ring[y % k], weights[r], weights[0]
    )
    for j in range(1, r - 1, 2):
        _two_pairs(
            out,
            ring[(first + j) % k],
            ring[(y - j) % k],
            weights[j],
            ring[(first + j + 1) % k],
            ring[(y - j - 1) % k],
            weights[j + 1],
        )
    if r % 2 == 0:
        _one_pair(out, ring[(first + r - 1) % k], ring[(y - r + 1) % k], weights[r - 1])


@_jit
def _filter_columns(out, row, step, weights):  # type: ignore[no-untyped-def]
    """Weighted sum of 2r+1 neighbours that lie ``step`` apart."""
    r = weights.size - 1
    last = 2 * r
    _centre_and_pair(out, row[r * step :], row, row[last * step :], weights[r], weights[0])
    for j in range(1, r - 1, 2):
        _two_pairs(
            out,
            row[j * step :],
            row[(last - j) * step :],
            weights[j],
            row[(j + 1) * step :],
            row[(last - j - 1) * step :],
            weights[j + 1],
        )
    if r % 2 == 0:
        _one_pair(out, row[(r - 1) * step :], row[(r + 1) * step :], weights[r - 1])


@_jit
def _accumulate(sums_2n, means_5N, covariance_norm, c1, c2, mask_n):  # type: ignore[no-untyped-def]
    """Add the SSIM of one row to the sums of its columns: of all, and of those in the mask."""
    all_n, inside_n = sums_2n[0], sums_2n[1]
    a_N, b_N = means_5N[0], means_5N[1]
    aa_N, bb_N, ab_N = means_5N[2], means_5N[3], means_5N[4]
    for i in range(mask_n.size):
        a, b = a_N[i], b_N[i]
        var_a = covariance_norm * (aa_N[i] - a * a)
        var_b = covariance_norm * (bb_N[i] - b * b)
        cov = covariance_norm * (ab_N[i] - a * b)
        value = ((2.0 * a * b + c1) * (2.0 * cov + c2)) / (
            (a * a + b * b + c1) * (var_a + var_b + c2)
        )
        all_n[i] += value
        inside_n[i] += value * mask_n[i]


@_jit
def gaussian_sums(a, b, weights, covariance_norm, constants_K2, mask_hn):  # type: ignore[no-untyped-def]
    """Sums of SSIM over channels and the pixels whose whole window lies inside the image.

    Args:
        a, b: uint8 (H,W,C), contiguous, H and W at least 2r+1.
        weights: float64 (r+1), one half of the separable window, outermost first; r >= 1.
        covariance_norm: factor on variances and covariance.
        constants_K2: float64 (K,2), the constants (K1 R)^2 and (K2 R)^2 of each data range R.
        mask_hn: uint8 (H-2r, (W-2r)*C), 1 where a value counts in the second sum, else 0.

    Returns:
        float64 (K,2): for each range the sum over all these pixels, and over the mask's.
    """
    height, width, channels = a.shape
    n = width * channels
    border = 2 * (weights.size - 1)
    a_HN = a.reshape(height, n)
    b_HN = b.reshape(height, n)
    ring = np.empty((border + 1, 5 * n))
    column_sums = np.empty(5 * n)
    # Filtering the five rows end to end leaves 2r columns of nonsense after each; none is read.
    means_5N = np.empty((5, n))
    means = means_5N.reshape(5 * n)[: 5 * n - border * channels]
    ranges = constants_K2.shape[0]
    sums_K2n = np.zeros((ranges, 2, n - border * channels))
    for y in range(height):
        _products(ring[y % (border + 1)], a_HN[y], b_HN[y])
        if y >= border:
            _filter_rows(column_sums, ring, y, weights)
            _filter_columns(means, column_sums, channels, weights)
            for k in range(ranges):
                c1, c2 = constants_K2[k]
                _accumulate(sums_K2n[k], means_5N, covariance_norm, c1, c2, mask_hn[y - border])
    sums_K2 = np.zeros((ranges, 2))
    for k in range(ranges):
        for i in range(sums_K2n.shape[2]):
            sums_K2[k, 0] += sums_K2n[k, 0, i]
            sums_K2[k, 1] += sums_K2n[k, 1, i]
    return sums_K2
