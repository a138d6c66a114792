"""Figures of whole sets: Inception score, Frechet distance and their kin."""

from __future__ import annotations

from typing import Final

from recapbench.evaluation.base import Figure, SetMetric
from recapbench.evaluation.features import FeatureSet
from recapbench.evaluation.inception_score import SPLITS, inception_score


def _inception_score(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    if len(generated) < SPLITS:
        return Figure(None, reason=f"{SPLITS} splits need {SPLITS} images, got {len(generated)}")
    mean, std = inception_score(generated.logits)
    return Figure(mean, mean - std, mean + std, _IS_INTERVAL)


def _frechet(generated: FeatureSet, real: FeatureSet | None) -> Figure:
    from recapbench.evaluation.frechet import FeatureStatistics, frechet_distance

    assert real is not None
    if min(len(generated), len(real)) < 2:
        return Figure(None, reason=f"a covariance needs 2 images, got {len(generated)}")
    sides = (FeatureStatistics.of(side.features) for side in (generated, real))
    return Figure(frechet_distance(*sides))


_IS_INTERVAL = f"one standard deviation over {SPLITS} splits"
_MASK_PAPERS = ("Ma et al. 2017, Pose guided person image generation",)
_IS_PAPERS = ("Salimans et al. 2016, Improved techniques for training GANs",)
_FID_PAPERS = ("Heusel et al. 2017, GANs trained by a two time-scale update rule",)

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
        mask="def_gan" if masked else None,
        view="masked" if masked else "saved",
        comparable=trap,
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
        real="targets",
        comparable=trap,
    )


RECORDS: Final = (
    _inception_score_metric("inception_tf", "TF Inception", _INCEPTION_TRAP, masked=False),
    _inception_score_metric("inception_tf", "TF Inception", _INCEPTION_TRAP, masked=True),
    _fid_metric("fid.test_targets", "inception_tf", "TF Inception", _INCEPTION_TRAP),
    _inception_score_metric("effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP, masked=False),
    _inception_score_metric("effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP, masked=True),
    _fid_metric("fid.effnet_lite0", "effnet_lite0", "EfficientNet-Lite0", _OFFLINE_TRAP),
)
"""In the order of a table's columns."""
