"""Backgrounds: the plain studio of one shoot, and cluttered streets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.identity import Backdrop, colour
from recapbench.mannequin.streams import Stream

Image = npt.NDArray[np.float64]


def studio(backdrop: Backdrop, height: int, width: int, full: bool) -> Image:
    """A lit wall (H, W, 3) in 0..1, darker to the corners; with a floor if ``full``."""
    y = ((np.arange(height) + 0.5) / height)[:, None]
    x = ((np.arange(width) + 0.5) / width)[None, :]
    fall = 1.0 - 0.30 * ((x - 0.5) ** 2 + (y - 0.42) ** 2)
    if full:
        fall = fall - 0.05 * np.clip((y - 0.80) * 6.0, 0.0, 1.0)
    return fall[:, :, None] * np.array(backdrop.colour)


def _box(image: Image, stream: Stream, horizon: float) -> Image:
    height, width = image.shape[:2]
    y = ((np.arange(height) + 0.5) / height)[:, None]
    x = ((np.arange(width) + 0.5) / width)[None, :]
    shade = np.array(colour(stream.uniform(), stream.uniform(0.0, 0.6), stream.uniform(0.15, 0.9)))
    left = stream.uniform(-0.3, 1.0)
    right = left + stream.uniform(0.12, 0.55)
    bottom = horizon + stream.uniform(-0.25, 0.08)
    top = bottom - stream.uniform(0.08, 0.5)
    soft = 18.0 + 30.0 * stream.uniform()
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    mask = np.clip(inside * soft + 0.5, 0.0, 1.0)[:, :, None] * stream.uniform(0.6, 0.95)
    return image * (1.0 - mask) + shade * mask


def _blur(image: Image) -> Image:
    for axis in (0, 1):
        before = np.roll(image, 1, axis)
        after = np.roll(image, -1, axis)
        first = [slice(None)] * 3
        last = [slice(None)] * 3
        first[axis], last[axis] = slice(0, 1), slice(-1, None)
        before[tuple(first)] = image[tuple(first)]
        after[tuple(last)] = image[tuple(last)]
        image = 0.25 * before + 0.5 * image + 0.25 * after
    return image


def _mottle(stream: Stream, height: int, width: int) -> npt.NDArray[np.float64]:
    """Smooth random brightness (H, W) around 0, from a coarse lattice."""
    rows, columns = 9, 6
    grid = np.array([[stream.normal() for _ in range(columns)] for _ in range(rows)])
    r = np.linspace(0.0, rows - 1.001, height)
    c = np.linspace(0.0, columns - 1.001, width)
    ri, ci = r.astype(np.int64), c.astype(np.int64)
    fr, fc = (r - ri)[:, None], (c - ci)[None, :]
    upper = grid[ri][:, ci] * (1 - fc) + grid[ri][:, ci + 1] * fc
    lower = grid[ri + 1][:, ci] * (1 - fc) + grid[ri + 1][:, ci + 1] * fc
    return upper * (1 - fr) + lower * fr


def street(seed: int, height: int, width: int) -> Image:
    """A blurred street (H, W, 3) in 0..1: wall, ground and boxes that stand for cars and doors."""
    stream = Stream("street background", seed)
    horizon = stream.uniform(0.3, 0.6)
    wall = np.array(colour(stream.uniform(), stream.uniform(0.0, 0.25), stream.uniform(0.35, 0.8)))
    floor = np.array(colour(stream.uniform(), stream.uniform(0.0, 0.15), stream.uniform(0.3, 0.65)))
    y = ((np.arange(height) + 0.5) / height)[:, None, None]
    image = np.where(y < horizon, wall, floor * (0.8 + 0.3 * y)) + np.zeros((height, width, 3))
    for _ in range(stream.integers(5, 10)):
        image = _box(image, stream, horizon)
    image = image * (1.0 + 0.10 * _mottle(stream, height, width)[:, :, None])
    return np.clip(_blur(image), 0.0, 1.0)


def contact_shadow(image: Image, centre_x: float, centre_y: float, half_width: float) -> Image:
    """Darken the ground under the feet; centre and half width in pixels."""
    height, width = image.shape[:2]
    x = (np.arange(width) - centre_x)[None, :] / (1.3 * half_width)
    y = (np.arange(height) - centre_y + 0.1 * half_width)[:, None] / (0.28 * half_width)
    return image * (1.0 - 0.42 * np.exp(-(x * x + y * y)))[:, :, None]
