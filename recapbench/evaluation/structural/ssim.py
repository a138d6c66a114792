"""Structural similarity, one record per protocol.

Source: Wang et al. 2004; the form and the constants K1 = 0.01, K2 = 0.03 are those of
``skimage.metrics.structural_similarity``, which every protocol here is tested against.

Legend: h, w are H, W without a border of half a window, where a window would leave the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, Mask, as_mask, require_pair
from recapbench.evaluation.structural.window import GaussianWindow, UniformWindow, Window

_K1, _K2 = 0.01, 0.03


@dataclass(frozen=True)
class SsimProtocol:
    """How SSIM is computed.

    Attributes:
        name: the tag of the metric, as ``def_gan``.
        window: what is averaged around a pixel.
        sample_covariance: whether variances are those of a sample (n/(n-1)).
        data_range: range R of a pair of uint8 images (generated, target), in [0, 255].
    """

    name: str
    window: Window
    sample_covariance: bool
    data_range: Callable[[Image, Image], float]

    @property
    def side(self) -> int:
        """Side of the window in pixels: the smallest image that has a value."""
        return self.window.side

    def fits(self, image: Image) -> bool:
        """Whether an image (H,W,3) is large enough to have a value."""
        return min(image.shape[:2]) >= self.side


def range_of_generated(generated: Image, target: Image) -> float:
    """Largest minus smallest value of the generated image, over all pixels and channels."""
    return float(int(generated.max()) - int(generated.min()))


def range_of_bytes(generated: Image, target: Image) -> float:
    """255, whatever the images hold."""
    return 255.0


DEF_GAN: Final = SsimProtocol(
    name="def_gan",
    window=GaussianWindow(sigma=1.5, radius=5),
    sample_covariance=False,
    data_range=range_of_generated,
)
"""Def-GAN's: sigma 1.5 cut at 3.5 sigma (11x11), range of the generated image."""

STANDARD: Final = SsimProtocol(
    name="standard",
    window=GaussianWindow(sigma=1.5, radius=5),
    sample_covariance=False,
    data_range=range_of_bytes,
)
"""Wang et al.'s on RGB: sigma 1.5 (11x11), range 255."""

PG2: Final = SsimProtocol(
    name="pg2",
    window=UniformWindow(7),
    sample_covariance=True,
    data_range=range_of_bytes,
)
"""PG2's, the defaults of skimage: uniform 7x7, sample covariance, range 255."""

GFLA: Final = SsimProtocol(
    name="gfla",
    window=UniformWindow(51),
    sample_covariance=True,
    data_range=range_of_bytes,
)
"""GFLA's: uniform 51x51, sample covariance, images in [0, 1] and range 1.

SSIM does not change when images and range are scaled alike, so bytes and 255 are the same. GFLA's
script rounds the scaled images to float32 first, which moves the tenth decimal.
"""


@dataclass(frozen=True)
class Similarity:
    """SSIM of one pair by one protocol.

    Attributes:
        mean: over channels and all pixels whose window lies inside the image.
        inside: over those of them that lie inside a mask; None without a mask, or if there are
            none.
    """

    mean: float
    inside: float | None


def ssim(generated: Image, target: Image, protocol: SsimProtocol = DEF_GAN) -> float:
    """SSIM of one pair, over RGB, the border of half a window left out.

    A data range of 0 (a generated image of one value in all channels) has no value by the
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
    return similarities(generated, target, (protocol,))[0].mean


def mask_ssim(
    generated: Image, target: Image, mask: NDArray[np.bool_], protocol: SsimProtocol = DEF_GAN
) -> float:
    """SSIM over the full image after both are multiplied by the target's pose mask.

    Args:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        mask: bool (H,W), the pose mask of the target.
        protocol: window and data range; the range is that of the masked image.

    Raises:
        DataError: as `ssim`, and if the mask has another size.
    """
    return masked_similarities(generated, target, mask, (protocol,))[0]


def ssim_inside(
    generated: Image, target: Image, mask: NDArray[np.bool_], protocol: SsimProtocol = STANDARD
) -> float | None:
    """SSIM of the images themselves, averaged over the pixels inside the target's pose mask.

    Args:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        mask: bool (H,W), the pose mask of the target.
        protocol: window and data range.

    Returns:
        None if no pixel of the mask has its whole window inside the image.

    Raises:
        DataError: as `mask_ssim`.
    """
    return similarities(generated, target, (protocol,), mask)[0].inside


def similarities(
    generated: Image,
    target: Image,
    protocols: Sequence[SsimProtocol],
    mask: NDArray[np.bool_] | None = None,
) -> list[Similarity]:
    """SSIM by several protocols that differ in their data range only: the images are filtered once.

    Args:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        protocols: of one window and one kind of covariance.
        mask: bool (H,W), for the mean inside it.

    Raises:
        DataError: as `ssim`, and if the mask has another size.
        ValueError: if the protocols cannot share a filter.
    """
    require_pair(generated, target)
    _require_one_filter(protocols)
    _require_size(generated, protocols[0])
    margin = slice(protocols[0].side // 2, -(protocols[0].side // 2))
    mask_hw = None if mask is None else as_mask(mask, generated)[margin, margin]
    ranges = [protocol.data_range(generated, target) for protocol in protocols]
    sums = _sums(generated, target, protocols[0], ranges, mask_hw)
    for k, data_range in enumerate(ranges):
        if data_range == 0:
            sums[k] = _limit_of_flat(generated, target, protocols[0].side, mask_hw)
    count = 3 * _windows(generated, protocols[0].side)
    inside = 0 if mask_hw is None else 3 * int(mask_hw.sum())
    return [
        Similarity(float(row[0]) / count, float(row[1]) / inside if inside else None)
        for row in sums
    ]


def masked_similarities(
    generated: Image,
    target: Image,
    mask: NDArray[np.bool_],
    protocols: Sequence[SsimProtocol],
) -> list[float]:
    """`mask_ssim` by several protocols that differ in their data range only.

    Where both windows are black SSIM is 1, for any range, so only the mask's surroundings are
    filtered: the part of the image whose windows may reach into the mask.
    """
    require_pair(generated, target)
    _require_size(generated, protocols[0])
    mask = as_mask(mask, generated)
    side = protocols[0].side
    part = _surroundings(mask, side - 1)
    if part is None:
        return [1.0] * len(protocols)
    kept = mask[part]
    found = similarities(_masked(generated[part], kept), _masked(target[part], kept), protocols)
    share = _windows(kept, side) / _windows(mask, side)
    return [share * similarity.mean + (1.0 - share) for similarity in found]


def _sums(
    generated: Image,
    target: Image,
    protocol: SsimProtocol,
    ranges: Sequence[float],
    mask_hw: Mask | None,
) -> NDArray[np.float64]:
    """(K,2): SSIM summed over whole windows and channels, of all and of those in the mask."""
    height, width = (size - protocol.side + 1 for size in generated.shape[:2])
    mask = np.zeros((height, width), np.bool_) if mask_hw is None else mask_hw
    count = protocol.side**2
    return protocol.window.sums(
        np.ascontiguousarray(generated),
        np.ascontiguousarray(target),
        count / (count - 1) if protocol.sample_covariance else 1.0,
        np.array([((_K1 * r) ** 2, (_K2 * r) ** 2) for r in ranges]),
        np.repeat(mask.view(np.uint8), 3, axis=1),
    )


def _limit_of_flat(
    generated: Image, target: Image, side: int, mask_hw: Mask | None
) -> tuple[float, float]:
    """The sums as the data range goes to 0, for a generated image of one value."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    own = float(generated.flat[0])
    if (generated != generated.flat[0]).any():
        raise ValueError("a data range of 0 is defined for a generated image of one value only")
    high, low = target, target
    for axis in (0, 1):
        high = maximum_filter1d(high, side, axis=axis)
        low = minimum_filter1d(low, side, axis=axis)
    margin = slice(side // 2, -(side // 2))
    flat = (high == low)[margin, margin]
    level = target[margin, margin].astype(np.float64)
    power = own * own + level * level
    agreement = np.divide(2 * own * level, power, out=np.ones_like(level), where=power > 0)
    values = np.where(flat, agreement, 0.0)
    return float(values.sum()), 0.0 if mask_hw is None else float(values[mask_hw].sum())


def _surroundings(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    """Rows and columns of the pixels at most ``margin`` away from the mask; None if it is empty."""
    if not mask.any():
        return None
    ends = (np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0))
    rows, columns = (slice(max(0, int(a) - margin), int(b) + 1 + margin) for a, b in ends)
    return rows, columns


def _masked(image: Image, mask: Mask) -> Image:
    """The image (H,W,3) times the mask (H,W); five times as fast as with a mask (H,W,1)."""
    mask_HN = np.repeat(mask.view(np.uint8), 3, axis=1)
    masked: Image = (image.reshape(mask_HN.shape) * mask_HN).reshape(image.shape)
    return masked


def _windows(image: NDArray[np.generic], side: int) -> int:
    """Number of whole windows in an image (H,W,...)."""
    height, width = image.shape[:2]
    return (height - side + 1) * (width - side + 1)


def _require_one_filter(protocols: Sequence[SsimProtocol]) -> None:
    if len({(protocol.window, protocol.sample_covariance) for protocol in protocols}) != 1:
        names = ", ".join(protocol.name for protocol in protocols)
        raise ValueError(f"expected protocols of one window and one covariance, got {names}")


def _require_size(image: Image, protocol: SsimProtocol) -> None:
    if not protocol.fits(image):
        height, width = image.shape[:2]
        raise DataError(
            f"ssim.{protocol.name} needs images of at least {protocol.side}x{protocol.side} "
            f"pixels, got {width}x{height}"
        )
