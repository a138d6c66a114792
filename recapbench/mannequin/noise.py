"""Value noise from an integer hash, compiled; the same numbers on every machine and thread."""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True)
def hash_unit(x: int, y: int, z: int, seed: int) -> float:
    """A number in 0..1 for an integer lattice point."""
    h = (x * 374761393 + y * 668265263 + z * 2147483647 + seed * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 65535.0


@njit(cache=True)
def value_noise(x: float, y: float, z: float, seed: int) -> float:
    """Smooth noise in 0..1 with features of size 1."""
    xi = math.floor(x)
    yi = math.floor(y)
    zi = math.floor(z)
    fx = x - xi
    fy = y - yi
    fz = z - zi
    fx = fx * fx * (3.0 - 2.0 * fx)
    fy = fy * fy * (3.0 - 2.0 * fy)
    fz = fz * fz * (3.0 - 2.0 * fz)
    total = 0.0
    for i in range(2):
        wx = fx if i else 1.0 - fx
        for j in range(2):
            wy = fy if j else 1.0 - fy
            for k in range(2):
                wz = fz if k else 1.0 - fz
                total += hash_unit(xi + i, yi + j, zi + k, seed) * wx * wy * wz
    return total


@njit(cache=True)
def smoothstep(low: float, high: float, value: float) -> float:
    """0 below ``low``, 1 above ``high``, smooth between."""
    s = min(max((value - low) / (high - low), 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)
