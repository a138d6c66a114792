"""Structural similarity, one record per protocol.

Source: Wang et al. 2004; the form and the constants K1 = 0.01, K2 = 0.03 are those of
``skimage.metrics.structural_similarity``, which every protocol here is tested against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, require_pair

_K1, _K2 = 0.01, 0.03


@dataclass(frozen=True)
class SsimProtocol:
    """How SSIM is computed.

    Attributes:
        name: the tag of the metric, as ``def_gan``.
        half_window: half of the separable window, outermost weight first, centre last; the
            window (2r+1 weights) sums to 1.
        sample_covariance: whether variances are those of a sample (n/(n-1)).
        data_range: range R of a pair of uint8 images (generated, target), in [0, 255].
    """

    name: str
    half_window: tuple[float, ...]
    sample_covariance: bool
    data_range: Callable[[Image, Image], float]

    @property
    def side(self) -> int:
        """Side of the window in pixels: the smallest image that has a value."""
        return 2 * len(self.half_window) - 1


def gaussian_half_window(sigma: float, radius: int) -> tuple[float, ...]:
    """Half of a Gaussian window that is cut at ``radius`` and sums to 1."""
    offsets = np.arange(-radius, radius + 1)
    window = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    window /= window.sum()
    return tuple(float(weight) for weight in window[: radius + 1])


def range_of_generated(generated: Image, target: Image) -> float:
    """Largest minus smallest value of the generated image, over all pixels and channels."""
    return float(int(generated.max()) - int(generated.min()))


DEF_GAN: Final = SsimProtocol(
    name="def_gan",
    half_window=gaussian_half_window(sigma=1.5, radius=5),
    sample_covariance=False,
    data_range=range_of_generated,
)
"""Def-GAN's: sigma 1.5 cut at 3.5 sigma (11 x 11), range of the generated image."""


def ssim(generated: Image, target: Image, protocol: SsimProtocol = DEF_GAN) -> float:
    """SSIM of one pair, over RGB, the border of half a window left out.

    A data range of 0 (a generated image of one colour in all channels) has no value by the
    formula. Here it is the limit for a range that goes to 0, which is what the neighbouring
    images of range 1 come close to: where the target's window varies 0, elsewhere the agreement
    of the two levels, 2ab / (a^2 + b^2), and 1 for black on black. Equal images have 1.

    Args:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        protocol: window and data range.

    Returns:
        A number in [-1, 1], up to rounding.

    Raises:
        DataError: if the images are not uint8 RGB of one size, or smaller than the window.
    """
    require_pair(generated, target)
    if min(generated.shape[:2]) < protocol.side:
        height, width = generated.shape[:2]
        raise DataError(
            f"ssim.{protocol.name} needs images of at least {protocol.side}x{protocol.side} "
            f"pixels, got {width}x{height}"
        )
    data_range = protocol.data_range(generated, target)
    if data_range == 0:
        return _limit_of_flat(generated, target, protocol.side)
    from recapbench.evaluation.ssim_kernel import mean_ssim  # numba, only once it is needed

    count = protocol.side**2
    return float(
        mean_ssim(
            np.ascontiguousarray(generated),
            np.ascontiguousarray(target),
            np.array(protocol.half_window),
            count / (count - 1) if protocol.sample_covariance else 1.0,
            (_K1 * data_range) ** 2,
            (_K2 * data_range) ** 2,
        )
    )


def mask_ssim(
    generated: Image, target: Image, mask: NDArray[np.bool_], protocol: SsimProtocol = DEF_GAN
) -> float:
    """SSIM over the full image after both are multiplied by the target's pose mask.

    Args:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        mask: bool (H,W), the pose mask of the target.
        protocol: window and data range; the range is that of the masked image.
    """
    return ssim(generated * mask[..., None], target * mask[..., None], protocol)


def _limit_of_flat(generated: Image, target: Image, side: int) -> float:
    """SSIM as the data range goes to 0, for a generated image of one value."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    high, low = target, target
    for axis in (0, 1):
        high = maximum_filter1d(high, side, axis=axis)
        low = minimum_filter1d(low, side, axis=axis)
    inside = slice(side // 2, -(side // 2))
    flat = (high == low)[inside, inside]
    level = target[inside, inside].astype(np.float64)
    own = float(generated.flat[0])
    power = own * own + level * level
    agreement = np.divide(2 * own * level, power, out=np.ones_like(level), where=power > 0)
    return float(np.where(flat, agreement, 0.0).mean())
