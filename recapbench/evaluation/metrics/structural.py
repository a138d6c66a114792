"""SSIM and mask-SSIM in the protocols of the field."""

from __future__ import annotations

from typing import Final

from recapbench.evaluation.base import PairedMetric
from recapbench.evaluation.pairs import Pair
from recapbench.evaluation.ssim import DEF_GAN, mask_ssim, ssim


def _ssim_def_gan(pair: Pair) -> float:
    return ssim(pair.generated, pair.target, DEF_GAN)


def _mask_ssim_def_gan(pair: Pair) -> float:
    return mask_ssim(pair.generated, pair.target, pair.mask("def_gan"), DEF_GAN)


_PAPERS = (
    "Wang et al. 2004, Image quality assessment: from error visibility to structural similarity",
    "Siarohin et al. 2018, Deformable GANs for pose-based human image generation",
)
_MASK_PAPERS = ("Ma et al. 2017, Pose guided person image generation",)
_RANGE_TRAP = (
    "The data range is that of each generated image, not 255 and not the target's; a generated "
    "image of one value has range 0 and gets the limit of the formula."
)
_PADDING_TRAP = (
    "Columns of padding around both images raise it (256x176 padded to 256x256: from about 0.68 "
    "to about 0.77): the images are taken as they were saved."
)
_MASK_TRAP = "The mask is that of the target's pose, and SSIM runs over the full masked image."

RECORDS: Final = (
    PairedMetric(
        name="ssim.def_gan",
        title="SSIM",
        description=(
            "Structural similarity of RGB uint8, Gaussian window of sigma 1.5 (11x11), population "
            "covariance, data range of the generated image; mean over pairs."
        ),
        papers=_PAPERS,
        traps=(_RANGE_TRAP, _PADDING_TRAP),
        comparable="Def-GAN, PATN's Market-1501 figures, the seed paper's tables.",
        higher_is_better=True,
        measure=_ssim_def_gan,
    ),
    PairedMetric(
        name="mask_ssim.def_gan",
        title="mask-SSIM",
        description=(
            "SSIM as ssim.def_gan after both images are multiplied by the target's pose mask."
        ),
        papers=_PAPERS + _MASK_PAPERS,
        traps=(_MASK_TRAP, _RANGE_TRAP),
        comparable="Def-GAN, PATN's Market-1501 figures, the seed paper's tables.",
        higher_is_better=True,
        mask="def_gan",
        measure=_mask_ssim_def_gan,
    ),
)
"""In the order of a table's columns."""
