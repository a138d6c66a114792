"""The windows of SSIM: how levels, variances and the covariance around a pixel are averaged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.evaluation.arrays import Image

Constants: TypeAlias = NDArray[np.float64]
"""(K,2): the constants (K1 R)^2 and (K2 R)^2 for each of K data ranges R."""
Sums: TypeAlias = NDArray[np.float64]
"""(K,2): for each data range the sum over all whole windows, and over those in a mask."""


@dataclass(frozen=True)
class GaussianWindow:
    """A Gaussian that is cut off and sums to 1.

    Attributes:
        sigma: standard deviation in pixels.
        radius: where it is cut off, in pixels, at least 1.
    """

    sigma: float
    radius: int

    @property
    def side(self) -> int:
        """Side in pixels."""
        return 2 * self.radius + 1

    @cached_property
    def half(self) -> NDArray[np.float64]:
        """The weights of one half (radius + 1), outermost first, centre last."""
        offsets = np.arange(-self.radius, self.radius + 1)
        window = np.exp(-0.5 / (self.sigma * self.sigma) * offsets**2)
        window /= window.sum()
        return window[: self.radius + 1].copy()

    def sums(
        self, a: Image, b: Image, covariance_norm: float, constants: Constants, mask: Image
    ) -> Sums:
        """Sums of SSIM over whole windows and channels; arguments as in the kernel."""
        from recapbench.evaluation.structural.gaussian import (
            gaussian_sums,  # numba: once it is needed
        )

        sums: Sums = gaussian_sums(a, b, self.half, covariance_norm, constants, mask)
        return sums


@dataclass(frozen=True)
class UniformWindow:
    """All pixels of a square count alike.

    Attributes:
        side: side in pixels, odd, 3 to 127.
    """

    side: int

    def __post_init__(self) -> None:
        if self.side % 2 == 0 or not 3 <= self.side <= 127:
            raise ValueError(f"the side of a window is odd, from 3 to 127, got {self.side}")

    def sums(
        self, a: Image, b: Image, covariance_norm: float, constants: Constants, mask: Image
    ) -> Sums:
        """Sums of SSIM over whole windows and channels; arguments as in the kernel."""
        from recapbench.evaluation.structural.box import box_sums  # numba: once it is needed

        sums: Sums = box_sums(a, b, self.side, covariance_norm, constants, mask)
        return sums


Window: TypeAlias = GaussianWindow | UniformWindow
