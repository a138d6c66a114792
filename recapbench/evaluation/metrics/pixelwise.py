"""Differences of pixels."""

from __future__ import annotations

from typing import Final

from recapbench.evaluation import pixels
from recapbench.evaluation.base import PairedMetric
from recapbench.evaluation.pairs import Pair


def _l1(pair: Pair) -> float:
    return pixels.l1(pair.generated, pair.target)


def _psnr(pair: Pair) -> float | None:
    return pixels.psnr(pair.generated, pair.target)


_SIAROHIN = "Siarohin et al. 2018, Deformable GANs for pose-based human image generation"
_MA = "Ma et al. 2017, Pose guided person image generation"

RECORDS: Final = (
    PairedMetric(
        name="l1",
        title="L1",
        description="Mean absolute difference of RGB in [-1, 1]; mean over pairs.",
        papers=(_SIAROHIN,),
        traps=(
            "It depends on the range of the images: GFLA's script has them in [0, 1], which is "
            "half as much, PG2's in [0, 255], which is 127.5 times as much.",
        ),
        comparable='"L1 score" of the scripts of Def-GAN and PATN; half of it is GFLA\'s.',
        higher_is_better=False,
        measure=_l1,
    ),
    PairedMetric(
        name="psnr",
        title="PSNR",
        description=(
            "Peak signal-to-noise ratio of RGB uint8 in dB, peak 255; mean over the pairs that "
            "differ."
        ),
        papers=(_MA,),
        traps=(
            "An identical pair has an infinite ratio: it is left out, and n counts the others.",
            "The mean of ratios is not the ratio of the mean error.",
        ),
        comparable=(
            "PG2's and GFLA's scripts: a mean of each pair's ratio on RGB, whose peak is 255, or 1 "
            "for images in [0, 1]."
        ),
        higher_is_better=True,
        measure=_psnr,
        undefined="every pair is identical, so the ratio is infinite",
    ),
)
"""In the order of a table's columns."""
