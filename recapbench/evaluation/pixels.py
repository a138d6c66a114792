"""Differences of pixels: L1 and PSNR."""

from __future__ import annotations

import math

import numpy as np

from recapbench.evaluation.arrays import Image, require_pair

_PEAK = 255.0


def l1(generated: Image, target: Image) -> float:
    """Mean absolute difference of uint8 (H,W,3) images mapped to [-1, 1]; in [0, 2]."""
    require_pair(generated, target)
    # 255 * pixels fits easily: the sum is exact, so no order of summation matters.
    total = int(np.abs(generated.astype(np.int16) - target).sum(dtype=np.int64))
    return total / generated.size * (2.0 / _PEAK)


def psnr(generated: Image, target: Image) -> float | None:
    """Peak signal-to-noise ratio of uint8 (H,W,3) images in dB, peak 255.

    Returns:
        None for identical images, whose ratio is infinite.
    """
    require_pair(generated, target)
    difference = generated.astype(np.int32) - target
    total = int((difference * difference).sum(dtype=np.int64))
    if total == 0:
        return None
    return 10.0 * math.log10(_PEAK * _PEAK * generated.size / total)
