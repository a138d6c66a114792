"""SSIM with a uniform window: the numba loops, with sums of integers that are exact.

The sums of a, b, a*a + b*b and a*b over a window are kept as integers and moved along by what
enters and leaves, so a window of any size costs the same and no rounding is carried along. The
formula is multiplied by the fourth power of the window's size: every product and difference in it
is a whole number below 2^53 until the constants come in.

Legend: H rows, N = W * C interleaved columns and channels, K data ranges; h, n are H, N without
the border of half a window.
"""

from __future__ import annotations

import numba
import numpy as np

_jit = numba.njit(nogil=True, cache=True, error_model="numpy")


@_jit
def _move_down(sums_4N, enters_a_N, enters_b_N, leaves_a_N, leaves_b_N):  # type: ignore[no-untyped-def]
    """Sums over a column: one row enters, another leaves."""
    sum_a, sum_b, sum_squares, sum_ab = sums_4N[0], sums_4N[1], sums_4N[2], sums_4N[3]
    for i in range(enters_a_N.size):
        a, b = np.int32(enters_a_N[i]), np.int32(enters_b_N[i])
        c, d = np.int32(leaves_a_N[i]), np.int32(leaves_b_N[i])
        sum_a[i] += a - c
        sum_b[i] += b - d
        sum_squares[i] += a * a + b * b - c * c - d * d
        sum_ab[i] += a * b - c * d


@_jit
def _along(out_n, columns_N, step, side):  # type: ignore[no-untyped-def]
    """Sums of ``side`` neighbours that lie ``step`` apart."""
    for channel in range(step):
        total = np.int32(0)
        for x in range(side):
            total += columns_N[x * step + channel]
        out_n[channel] = total
    ahead_N = columns_N[side * step :]
    for i in range(out_n.size - step):
        out_n[i + step] = out_n[i] + (ahead_N[i] - columns_N[i])


@_jit
def _accumulate(sums_2n, windows_4n, size, covariance_norm, c1, c2, mask_n):  # type: ignore[no-untyped-def]
    """Add the SSIM of one row to the sums of its columns: of all, and of those in the mask."""
    all_n, inside_n = sums_2n[0], sums_2n[1]
    a_n, b_n, squares_n, ab_n = windows_4n[0], windows_4n[1], windows_4n[2], windows_4n[3]
    c1 *= size * size
    c2 *= size * size
    for i in range(mask_n.size):
        a, b = float(a_n[i]), float(b_n[i])
        levels, squares = a * b, a * a + b * b
        variances = covariance_norm * (size * float(squares_n[i]) - squares)
        covariance = covariance_norm * (size * float(ab_n[i]) - levels)
        value = ((2.0 * levels + c1) * (2.0 * covariance + c2)) / (
            (squares + c1) * (variances + c2)
        )
        all_n[i] += value
        inside_n[i] += value * mask_n[i]


@_jit
def box_sums(a, b, side, covariance_norm, constants_K2, mask_hn):  # type: ignore[no-untyped-def]
    """Sums of SSIM over channels and the pixels whose whole window lies inside the image.

    Args:
        a, b: uint8 (H,W,C), contiguous, H and W at least ``side``.
        side: side of the window, odd, at most 127: the sums are int32.
        covariance_norm: factor on variances and covariance.
        constants_K2: float64 (K,2), the constants (K1 R)^2 and (K2 R)^2 of each data range R.
        mask_hn: uint8 (H-side+1, (W-side+1)*C), 1 where a value counts in the second sum, else 0.

    Returns:
        float64 (K,2): for each range the sum over all these pixels, and over the mask's.
    """
    height, width, channels = a.shape
    n = width * channels
    a_HN = a.reshape(height, n)
    b_HN = b.reshape(height, n)
    nothing_N = np.zeros(n, np.uint8)
    columns_4N = np.zeros((4, n), np.int32)
    windows_4n = np.empty((4, mask_hn.shape[1]), np.int32)
    ranges = constants_K2.shape[0]
    sums_K2n = np.zeros((ranges, 2, mask_hn.shape[1]))
    size = float(side * side)
    for y in range(height):
        if y < side:
            _move_down(columns_4N, a_HN[y], b_HN[y], nothing_N, nothing_N)
        else:
            _move_down(columns_4N, a_HN[y], b_HN[y], a_HN[y - side], b_HN[y - side])
        if y < side - 1:
            continue
        for j in range(4):
            _along(windows_4n[j], columns_4N[j], channels, side)
        mask_n = mask_hn[y - side + 1]
        for k in range(ranges):
            c1, c2 = constants_K2[k]
            _accumulate(sums_K2n[k], windows_4n, size, covariance_norm, c1, c2, mask_n)
    sums_K2 = np.zeros((ranges, 2))
    for k in range(ranges):
        for i in range(sums_K2n.shape[2]):
            sums_K2[k, 0] += sums_K2n[k, 0, i]
            sums_K2[k, 1] += sums_K2n[k, 1, i]
    return sums_K2
