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


RECORDS: Final = (
    PairedMetric(
        name="l1",
        title="L1",
        description="Mean absolute difference of RGB in [-1, 1]; mean over pairs.",
        papers=(),
        traps=("In [0, 1] it would be half, in [0, 255] 127.5 times as much.",),
        comparable="Figures that say that images are in [-1, 1], such as the losses in training.",
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
        papers=(),
        traps=(
            "An identical pair has an infinite ratio: it is left out, and n counts the others.",
            "The mean of ratios is not the ratio of the mean error.",
        ),
        comparable="Figures that are a mean of each pair's ratio on RGB with peak 255.",
        higher_is_better=True,
        measure=_psnr,
        undefined="every pair is identical, so the ratio is infinite",
    ),
)
"""In the order of a table's columns."""
