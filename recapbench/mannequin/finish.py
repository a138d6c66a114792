"""From samples to pixels: average colours, vote labels, and close specks and pinholes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from recapbench.mannequin.noise import hash_unit

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
SPECK = 4
"""Connected regions of one label with fewer pixels than this take a neighbour's label."""


@njit(cache=True)
def resolve(
    rgb: npt.NDArray[np.float32], labels: Bytes, background: Floats, factor: int
) -> tuple[Floats, Bytes]:
    """Average ``factor`` x ``factor`` samples over the background; the commonest label wins.

    Args:
        rgb: (H * factor, W * factor, 3); labels likewise, 0 where no person; background (H, W, 3).

    Returns:
        colour (H, W, 3) in 0..1 (unclipped) and labels (H, W).
    """
    height, width = background.shape[:2]
    colour = np.zeros((height, width, 3))
    out = np.zeros((height, width), np.uint8)
    votes = np.zeros(20, np.int64)
    share = 1.0 / (factor * factor)
    for y in range(height):
        for x in range(width):
            votes[:] = 0
            block = labels[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor]
            if not block.any():
                colour[y, x] = background[y, x]
                continue
            for j in range(factor):
                for i in range(factor):
                    label = block[j, i]
                    votes[label] += 1
                    for k in range(3):
                        if label > 0:
                            colour[y, x, k] += share * rgb[y * factor + j, x * factor + i, k]
                        else:
                            colour[y, x, k] += share * background[y, x, k]
            best = labels[y * factor + factor // 2, x * factor + factor // 2]
            for k in range(20):
                if votes[k] > votes[best]:
                    best = k
            out[y, x] = best
    return colour, out


@njit(cache=True)
def _region(labels: Bytes, y: int, x: int, ys: npt.NDArray, xs: npt.NDArray) -> int:
    """Collect the 8-connected region of (y, x) into ys, xs; stops once it is no speck."""
    ys[0], xs[0] = y, x
    count, done = 1, 0
    label = labels[y, x]
    while done < count and count < SPECK:
        cy, cx = ys[done], xs[done]
        done += 1
        for j in range(-1, 2):
            for i in range(-1, 2):
                ny, nx = cy + j, cx + i
                if not (0 <= ny < labels.shape[0] and 0 <= nx < labels.shape[1]):
                    continue
                known = labels[ny, nx] != label or count == SPECK
                for k in range(count):
                    known = known or (ys[k] == ny and xs[k] == nx)
                if not known:
                    ys[count], xs[count] = ny, nx
                    count += 1
    return count


@njit(cache=True)
def _alike(labels: Bytes, y: int, x: int) -> int:
    """Pixels of the 3x3 neighbourhood, the middle included, that share its label."""
    count = 0
    for j in range(max(y - 1, 0), min(y + 2, labels.shape[0])):
        for i in range(max(x - 1, 0), min(x + 2, labels.shape[1])):
            if labels[j, i] == labels[y, x]:
                count += 1
    return count


@njit(cache=True)
def close_specks(colour: Floats, labels: Bytes) -> int:
    """Give regions of fewer than ``SPECK`` pixels a neighbour's label and mean colour, in place.

    Colour and label always change together. Returns the number of regions changed.
    """
    height, width = labels.shape
    ys = np.zeros(SPECK, np.int64)
    xs = np.zeros(SPECK, np.int64)
    votes = np.zeros(20, np.int64)
    changed = 0
    for _ in range(4):
        before = changed
        for y in range(height):
            for x in range(width):
                if _alike(labels, y, x) >= SPECK:
                    continue
                count = _region(labels, y, x, ys, xs)
                if count >= SPECK:
                    continue
                votes[:] = 0
                own = labels[y, x]
                for k in range(count):
                    for j in range(-1, 2):
                        for i in range(-1, 2):
                            ny, nx = ys[k] + j, xs[k] + i
                            if 0 <= ny < height and 0 <= nx < width and labels[ny, nx] != own:
                                votes[labels[ny, nx]] += 1
                best = int(np.argmax(votes))
                if votes[best] == 0:
                    continue
                _recolour(colour, labels, ys, xs, count, best)
                changed += 1
        if changed == before:
            break
    return changed


@njit(cache=True)
def _recolour(
    colour: Floats, labels: Bytes, ys: npt.NDArray, xs: npt.NDArray, count: int, label: int
) -> None:
    height, width = labels.shape
    total = np.zeros(3)
    number = 0
    for k in range(count):
        for j in range(-1, 2):
            for i in range(-1, 2):
                ny, nx = ys[k] + j, xs[k] + i
                if 0 <= ny < height and 0 <= nx < width and labels[ny, nx] == label:
                    number += 1
                    for c in range(3):
                        total[c] += colour[ny, nx, c]
    for k in range(count):
        labels[ys[k], xs[k]] = label
        for c in range(3):
            colour[ys[k], xs[k], c] = total[c] / number


@njit(cache=True)
def to_bytes(colour: Floats, gain: Floats, noise: float, seed: int, curve: Floats) -> Bytes:
    """Camera gain, sensor noise and tone curve: colour (H, W, 3) to uint8.

    ``noise`` is the standard deviation of the brightness noise in 0..1; ``curve`` (4097,) maps
    linear 0..1 to 0..255.
    """
    height, width = colour.shape[:2]
    out = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            grain = 0.0
            if noise > 0.0:
                for k in range(4):
                    grain += hash_unit(x, y, k, seed) - 0.5
                grain *= noise * 1.7320508
            for c in range(3):
                value = min(1.0, max(0.0, colour[y, x, c] * gain[c] + grain))
                out[y, x, c] = np.uint8(curve[int(value * 4096.0)] + 0.5)
    return out
