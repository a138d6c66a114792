"""SSIM and mask-SSIM in the protocols of the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recapbench.evaluation.base import PairedMetric, PairMeasure
from recapbench.evaluation.pairs import Pair
from recapbench.evaluation.structural.memo import PairMemo
from recapbench.evaluation.structural.padding import fits_patn, pad_patn
from recapbench.evaluation.structural.ssim import (
    DEF_GAN,
    GFLA,
    PG2,
    STANDARD,
    Similarity,
    SsimProtocol,
    masked_similarities,
    similarities,
    ssim,
)

_MEMO: Final = PairMemo()
_FAMILIES: Final = ((DEF_GAN, STANDARD), (PG2,), (GFLA,))
"""Protocols that differ in their data range only: they are measured in one go."""


def _plain(protocol: SsimProtocol) -> PairMeasure:
    """SSIM of the images as they are; None for images smaller than the window."""
    family, place = _family(protocol)

    def measure(pair: Pair) -> float | None:
        if not protocol.fits(pair.generated):
            return None
        return _similarities(pair, family)[place].mean

    return measure


def _masked(protocol: SsimProtocol, kind: str) -> PairMeasure:
    """SSIM of the masked images; None for images smaller than the window."""
    family, place = _family(protocol)

    def measure(pair: Pair) -> float | None:
        if not protocol.fits(pair.generated):
            return None
        key = ("masked", kind, protocol.window)
        images = (pair.generated, pair.target, pair.mask(kind))
        return _MEMO.once(pair, key, lambda: masked_similarities(*images, family))[place]

    return measure


def _inside(pair: Pair) -> float | None:
    """SSIM averaged inside the mask; None where no window of the mask lies inside the image."""
    pair.mask(_MASK)
    family, place = _family(STANDARD)
    return _similarities(pair, family)[place].inside if STANDARD.fits(pair.generated) else None


def _patn(pair: Pair) -> float | None:
    """SSIM between white columns; None for images that are not 256x176."""
    if not fits_patn(pair.generated):
        return None
    return ssim(pad_patn(pair.generated), pad_patn(pair.target), DEF_GAN)


def _family(protocol: SsimProtocol) -> tuple[tuple[SsimProtocol, ...], int]:
    """The protocols that are measured with this one, and its place among them."""
    family = next(family for family in _FAMILIES if protocol in family)
    return family, family.index(protocol)


def _similarities(pair: Pair, family: Sequence[SsimProtocol]) -> list[Similarity]:
    mask = pair.masks.get(_MASK)
    images = (pair.generated, pair.target)
    return _MEMO.once(pair, family[0].window, lambda: similarities(*images, family, mask))


def _too_small(protocol: SsimProtocol) -> str:
    return f"the images are smaller than the window of {protocol.side}x{protocol.side} pixels"


_MASK: Final = "def_gan"

_WANG = "Wang et al. 2004, Image quality assessment: from error visibility to structural similarity"
_SIAROHIN = "Siarohin et al. 2018, Deformable GANs for pose-based human image generation"
_MA = "Ma et al. 2017, Pose guided person image generation"
_ZHU = "Zhu et al. 2019, Progressive pose attention transfer for person image generation"
_REN = "Ren et al. 2020, Deep image spatial transformation for person image generation"

_RANGE_TRAP = (
    "The data range is that of each generated image, not 255 and not the target's; a generated "
    "image of one value has range 0 and gets the limit of the formula."
)
_PADDING_TRAP = (
    "Columns of padding around both images raise it (256x176 padded to 256x256: from about 0.68 "
    "to about 0.77): the images are taken as they were saved."
)
_MASK_TRAP = (
    "The mask is that of the target's pose, not of the source's, and SSIM runs over the full "
    "masked image: black on black outside the mask counts as 1."
)
_LOSSY_TRAP = "Images saved as JPEG before scoring have another value: lossless files are scored."
_DEF_GAN_PAPERS = "Def-GAN, PATN's Market-1501 figures, the tables of Gao et al. 2022."

RECORDS: Final = (
    PairedMetric(
        name="ssim.def_gan",
        title="SSIM",
        description=(
            "Structural similarity of RGB uint8, Gaussian window of sigma 1.5 (11x11), population "
            "covariance, data range of the generated image; mean over pairs."
        ),
        papers=(_WANG, _SIAROHIN),
        traps=(_RANGE_TRAP, _PADDING_TRAP, _LOSSY_TRAP),
        comparable=_DEF_GAN_PAPERS,
        higher_is_better=True,
        measure=_plain(DEF_GAN),
        undefined=_too_small(DEF_GAN),
    ),
    PairedMetric(
        name="mask_ssim.def_gan",
        title="mask-SSIM",
        description=(
            "SSIM as ssim.def_gan after both images are multiplied by the target's pose mask."
        ),
        papers=(_WANG, _SIAROHIN, _MA),
        traps=(_MASK_TRAP, _RANGE_TRAP),
        comparable=_DEF_GAN_PAPERS,
        higher_is_better=True,
        mask=_MASK,
        measure=_masked(DEF_GAN, _MASK),
        undefined=_too_small(DEF_GAN),
    ),
    PairedMetric(
        name="ssim.pg2",
        title="SSIM (PG2)",
        description=(
            "SSIM of RGB uint8 by skimage's defaults: uniform window of 7x7, sample covariance, "
            "range 255; mean over pairs."
        ),
        papers=(_WANG, _MA),
        traps=(
            "The window is uniform and the covariance that of a sample: with a Gaussian window "
            "the figure is another one.",
            "PG2's script pairs the files of two folders in the order in which the system lists "
            "them: here a pair is what the manifest says.",
            _LOSSY_TRAP,
        ),
        comparable="PG2's figures.",
        higher_is_better=True,
        measure=_plain(PG2),
        undefined=_too_small(PG2),
    ),
    PairedMetric(
        name="mask_ssim.pg2",
        title="mask-SSIM (PG2)",
        description="SSIM as ssim.pg2 after both images are multiplied by the target's PG2 mask.",
        papers=(_WANG, _MA),
        traps=(
            _MASK_TRAP,
            "PG2's mask has another shape than Def-GAN's: the two never share a column.",
        ),
        comparable="PG2's figures.",
        higher_is_better=True,
        mask="pg2",
        measure=_masked(PG2, "pg2"),
        undefined=_too_small(PG2),
    ),
    PairedMetric(
        name="ssim.gfla",
        title="SSIM (GFLA)",
        description=(
            "SSIM of RGB in [0, 1], uniform window of 51x51, sample covariance, range 1; mean "
            "over pairs."
        ),
        papers=(_WANG, _REN),
        traps=(
            "The window covers a large part of the image, and a border of 25 pixels is left out.",
            "GFLA's script rounds the images to float32 first, which moves the tenth decimal.",
            _LOSSY_TRAP,
        ),
        comparable='The column "SSIM" of GFLA\'s script; its "SSIM_256" is ssim.def_gan.',
        higher_is_better=True,
        measure=_plain(GFLA),
        undefined=_too_small(GFLA),
    ),
    PairedMetric(
        name="ssim.patn",
        title="SSIM (PATN, padded)",
        description=(
            "SSIM as ssim.def_gan after 40 white columns are added on each side of both 256x176 "
            "images; other sizes have no value."
        ),
        papers=(_WANG, _ZHU),
        traps=(
            "The white columns count as perfect agreement: about 0.77 where the images themselves "
            "have about 0.68.",
            "The data range reaches up to the white of the columns: 255 less the smallest value.",
            _LOSSY_TRAP,
        ),
        comparable="PATN's DeepFashion figures, and papers that used its script.",
        higher_is_better=True,
        measure=_patn,
        undefined="PATN's padding is defined for 256x176 images, and these have another size",
    ),
    PairedMetric(
        name="ssim.standard",
        title="SSIM (standard)",
        description=(
            "SSIM of RGB uint8 with the settings of Wang et al.: Gaussian window of sigma 1.5 "
            "(11x11), population covariance, range 255; mean over pairs."
        ),
        papers=(_WANG,),
        traps=(
            "Some libraries count the border, where the window leaves the image, and get another "
            "figure: here it is left out.",
            "SSIM of the grey image is another figure.",
            _PADDING_TRAP,
            _LOSSY_TRAP,
        ),
        comparable="Figures that state a Gaussian window of 11x11 on RGB and a range of 255.",
        higher_is_better=True,
        measure=_plain(STANDARD),
        undefined=_too_small(STANDARD),
    ),
    PairedMetric(
        name="mask_ssim.standard",
        title="mask-SSIM (standard)",
        description=(
            "SSIM as ssim.standard after both images are multiplied by the target's pose mask."
        ),
        papers=(_WANG, _MA),
        traps=(_MASK_TRAP,),
        comparable=(
            "No paper's figures that we know of; beside mask_ssim.def_gan it shows what the data "
            "range does."
        ),
        higher_is_better=True,
        mask=_MASK,
        measure=_masked(STANDARD, _MASK),
        undefined=_too_small(STANDARD),
    ),
    PairedMetric(
        name="mask_ssim.inside",
        title="SSIM inside the mask",
        description=(
            "The map of ssim.standard of the images themselves, averaged over the pixels of the "
            "target's pose mask whose window lies inside the image; mean over pairs."
        ),
        papers=(_WANG,),
        traps=(
            "A pair whose mask has no such pixel is left out, and n counts the others.",
            "The windows at the mask's edge see the background too.",
        ),
        comparable=(
            "No paper's figures: it shows how much of mask_ssim.standard is black on black."
        ),
        higher_is_better=True,
        mask=_MASK,
        measure=_inside,
        undefined="no mask has a pixel whose window of 11x11 pixels lies inside the image",
    ),
)
"""In the order of a table's columns."""
