"""The metrics, one record each: the place to add a protocol.

The functions below adapt the pure ones to the two shapes of measure; numba and scipy are imported
when a value is asked for, so that listing the metrics costs nothing.
"""

from __future__ import annotations

from typing import Final

from recapbench.errors import unknown
from recapbench.evaluation import pixels
from recapbench.evaluation.arrays import Image, Mask
from recapbench.evaluation.base import Figure, Metric, PairedMetric, SetMetric
from recapbench.evaluation.features import Features
from recapbench.evaluation.inception_score import SPLITS, inception_score
from recapbench.evaluation.ssim import DEF_GAN, mask_ssim, ssim


def _ssim_def_gan(generated: Image, target: Image, mask: Mask) -> float:
    return ssim(generated, target, DEF_GAN)


def _mask_ssim_def_gan(generated: Image, target: Image, mask: Mask) -> float:
    return mask_ssim(generated, target, mask, DEF_GAN)


def _l1(generated: Image, target: Image, mask: Mask) -> float:
    return pixels.l1(generated, target)


def _psnr(generated: Image, target: Image, mask: Mask) -> float | None:
    return pixels.psnr(generated, target)


def _inception_score(generated: Features, targets: Features | None) -> Figure:
    if len(generated) < SPLITS:
        return Figure(None, reason=f"{SPLITS} splits need {SPLITS} images, got {len(generated)}")
    mean, std = inception_score(generated.logits)
    return Figure(mean, mean - std, mean + std)


def _frechet(generated: Features, targets: Features | None) -> Figure:
    from recapbench.evaluation.frechet import FeatureStatistics, frechet_distance

    assert targets is not None
    if min(len(generated), len(targets)) < 2:
        return Figure(None, reason=f"a covariance needs 2 images, got {len(generated)}")
    sides = (FeatureStatistics.of(side.features) for side in (generated, targets))
    return Figure(frechet_distance(*sides))


_SSIM_PAPERS = (
    "Wang et al. 2004, Image quality assessment: from error visibility to structural similarity",
    "Siarohin et al. 2018, Deformable GANs for pose-based human image generation",
)
_MASK_PAPERS = ("Ma et al. 2017, Pose guided person image generation",)
_IS_PAPERS = ("Salimans et al. 2016, Improved techniques for training GANs",)
_FID_PAPERS = ("Heusel et al. 2017, GANs trained by a two time-scale update rule",)

_RANGE_TRAP = (
    "The data range is that of each generated image, not 255 and not the target's; a generated "
    "image of one value has range 0 and gets the limit of the formula."
)
_PADDING_TRAP = (
    "Columns of padding around both images raise it (256x176 padded to 256x256: from about 0.68 "
    "to about 0.77): the images are taken as they were saved."
)
_MASK_TRAP = "The mask is that of the target's pose, and SSIM runs over the full masked image."
_ORDER_TRAP = (
    "It depends on the order of the images, because of its 10 sequential splits: they are taken "
    "in the order of the manifest. The interval is one standard deviation over the splits."
)
_SIZE_TRAP = "It is biased for small sets: compare figures of one n only."
_OFFLINE_TRAP = "The network is EfficientNet-Lite0: not comparable with figures of Inception."
_INCEPTION_TRAP = "torchvision's Inception has other weights and gives other figures."
_REAL_SET_TRAP = (
    "The real set is the targets of the pairs, with their repetitions; against the train images "
    "the figure is another one."
)


def _inception_score_metric(extractor: str, network: str, trap: str, *, masked: bool) -> SetMetric:
    return SetMetric(
        name=f"{'mask_is' if masked else 'is'}.{extractor}",
        title=f"{'mask-IS' if masked else 'IS'} ({network})",
        description=(
            f"Inception score of {'the masked ' if masked else ''}generated images from the "
            f"logits of {network}: mean over {SPLITS} sequential splits."
        ),
        papers=_IS_PAPERS + (_MASK_PAPERS if masked else ()),
        traps=(_ORDER_TRAP, _SIZE_TRAP, trap),
        higher_is_better=True,
        masked=masked,
        extractor=extractor,
        compare=_inception_score,
    )


def _fid_metric(name: str, extractor: str, network: str, trap: str) -> SetMetric:
    return SetMetric(
        name=name,
        title=f"FID to test targets ({network})",
        description=(
            f"Squared Frechet distance of the pooled features of {network} between generated "
            f"images and test targets; covariances over n - 1."
        ),
        papers=_FID_PAPERS,
        traps=(_REAL_SET_TRAP, _SIZE_TRAP, trap),
        higher_is_better=False,
        extractor=extractor,
        compare=_frechet,
        uses_targets=True,
    )


_RECORDS: Final[tuple[PairedMetric | SetMetric, ...]] = (
    PairedMetric(
        name="ssim.def_gan",
        title="SSIM",
        description=(
            "Structural similarity of RGB uint8, Gaussian window of sigma 1.5 (11x11), population "
            "covariance, data range of the generated image; mean over pairs."
        ),
        papers=_SSIM_PAPERS,
        traps=(_RANGE_TRAP, _PADDING_TRAP),
        higher_is_better=True,
        measure=_ssim_def_gan,
    ),
    PairedMetric(
        name="mask_ssim.def_gan",
        title="mask-SSIM",
        description=(
            "SSIM as ssim.def_gan after both images are multiplied by the target's pose mask."
        ),
        papers=_SSIM_PAPERS + _MASK_PAPERS,
        traps=(_MASK_TRAP, _RANGE_TRAP),
        higher_is_better=True,
        masked=True,
        measure=_mask_ssim_def_gan,
    ),
    PairedMetric(
        name="l1",
        title="L1",
        description="Mean absolute difference of RGB in [-1, 1]; mean over pairs.",
        papers=(),
        traps=("In [0, 1] it would be half, in [0, 255] 127.5 times as much.",),
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
        higher_is_better=True,
        measure=_psnr,
        undefined="every pair is identical, so the ratio is infinite",
    ),
    _inception_score_metric("inception_tf", "TF Inception", _INCEPTION_TRAP, masked=False),
    _inception_score_metric("inception_tf", "TF Inception", _INCEPTION_TRAP, masked=True),
    _fid_metric("fid.test_targets", "inception_tf", "TF Inception", _INCEPTION_TRAP),
    _inception_score_metric("effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP, masked=False),
    _inception_score_metric("effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP, masked=True),
    _fid_metric("fid.effnet_lite0", "effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP),
)
METRICS: Final[dict[str, PairedMetric | SetMetric]] = {record.name: record for record in _RECORDS}
"""Every metric by name, in the order of a table's columns."""


def get_metric(name: str) -> PairedMetric | SetMetric:
    """The metric of this name; a UsageError suggests the nearest."""
    try:
        return METRICS[name]
    except KeyError:
        raise unknown("metric", name, METRICS) from None


def list_metrics() -> list[Metric]:
    """Every metric, in the order of a table's columns."""
    return list(METRICS.values())
