"""Figures of whole sets: Inception score, Frechet distance and their kin.

TF Inception's figures are those of the field. EfficientNet-Lite0, whose weights need no download,
has columns of its own that are comparable with nothing but themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from recapbench.evaluation.base import RealSet, SetMeasure, SetMetric, View
from recapbench.evaluation.sets.figures import (
    frechet,
    kernel_distance,
    precision,
    recall,
    score_in_order,
    score_shuffled,
)
from recapbench.evaluation.sets.inception_score import SPLITS

_IS_PAPERS = ("Salimans et al. 2016, Improved techniques for training GANs",)
_MASK_PAPERS = ("Ma et al. 2017, Pose guided person image generation",)
_DEF_GAN_PAPERS = ("Siarohin et al. 2018, Deformable GANs for pose-based human image generation",)
_PATN_PAPERS = ("Zhu et al. 2019, Progressive pose attention transfer for person image generation",)
_FID_PAPERS = ("Heusel et al. 2017, GANs trained by a two time-scale update rule",)
_KID_PAPERS = ("Binkowski et al. 2018, Demystifying MMD GANs",)
_MANIFOLD_PAPERS = (
    "Kynkaanniemi et al. 2019, Improved precision and recall metric for assessing generative "
    "models",
)

_ORDER_TRAP = (
    f"It depends on the order of the images, because of its {SPLITS} sequential splits: they are "
    f"taken in the order of the manifest."
)
_SHUFFLE_TRAP = (
    f"It depends on the order of the images: they are shuffled from the order of the manifest with "
    f"a fixed seed, and then cut into {SPLITS} splits."
)
_IS_SIZE_TRAP = "With few images it comes out lower: compare figures of one n only."
_IS_INTERVAL_TRAP = "The interval is one standard deviation over the splits, as papers print it."
_SIZE_TRAP = (
    "With few images it comes out higher: compare figures of one n only; the figures by size show "
    "by how much."
)
_TARGETS_TRAP = (
    "The real set is the targets of the pairs, with their repetitions; against the train images "
    "the figure is another one."
)
_TRAIN_TRAP = (
    "The real set is all images of the train split; against the test targets the figure is "
    "another one."
)
_HALVES_TRAP = (
    "The interval comes from random halves of the persons; it says nothing of the bias of small "
    "sets."
)
_SUBSET_TRAP = "With fewer than 1000 images in a set, each subset is as large as the smaller set."
_DISTINCT_TRAP = (
    "A target that several pairs share counts once: its copies would shrink the balls around it "
    "to nothing. Generated images count as often as they come."
)
_MANIFOLD_SIZE_TRAP = "It depends on the number of images: compare figures of one n only."
_MASK_TRAP = "The mask is that of the target's pose, applied to the saved pixels."
_PADDING_TRAP = (
    "White columns change the figure: never compare it with that of the images as they were saved."
)


@dataclass(frozen=True)
class _Features:
    """What a network's columns have in common."""

    extractor: str
    network: str
    logits: str
    trap: str


_INCEPTION = _Features(
    "inception_tf",
    "TF Inception",
    "the logits of TF Inception without their bias",
    "torchvision's Inception has other weights and gives other figures; so does another resize.",
)
_OFFLINE = _Features(
    "effnet_lite0",
    "EfficientNet-Lite0",
    "the logits of EfficientNet-Lite0",
    "The network is EfficientNet-Lite0: not comparable with figures of Inception.",
)
_ONLY_HERE = "No published figure: only this column of other results, at the same n."


def _inception_score(
    name: str,
    on: _Features,
    comparable: str,
    *,
    what: str = "",
    compare: SetMeasure = score_in_order,
    view: View = "saved",
    papers: tuple[str, ...] = (),
    traps: tuple[str, ...] = (),
) -> SetMetric:
    order = _SHUFFLE_TRAP if compare is score_shuffled else _ORDER_TRAP
    splits = "shuffled" if compare is score_shuffled else "sequential"
    seen = {"saved": "", "masked": "masked ", "padded": "padded "}[view]
    return SetMetric(
        name=name,
        title=f"{'mask-' if view == 'masked' else ''}IS{what} ({on.network})",
        description=(
            f"Inception score of the {seen}generated images from {on.logits}: mean over {SPLITS} "
            f"{splits} splits."
        ),
        papers=_IS_PAPERS + papers,
        traps=(order, *traps, _IS_SIZE_TRAP, _IS_INTERVAL_TRAP, on.trap),
        comparable=comparable,
        higher_is_better=True,
        mask="def_gan" if view == "masked" else None,
        view=view,
        extractor=on.extractor,
        compare=compare,
    )


def _fid(name: str, on: _Features, real: RealSet, comparable: str) -> SetMetric:
    against = {"targets": "test targets", "train_images": "train images"}[real]
    return SetMetric(
        name=name,
        title=f"FID to {against} ({on.network})",
        description=(
            f"Squared Frechet distance of the pooled features of {on.network} between generated "
            f"images and {against}; covariances over n - 1."
        ),
        papers=_FID_PAPERS,
        traps=(
            _TARGETS_TRAP if real == "targets" else _TRAIN_TRAP,
            _SIZE_TRAP,
            _HALVES_TRAP,
            on.trap,
        ),
        comparable=comparable,
        higher_is_better=False,
        extractor=on.extractor,
        compare=frechet,
        real=real,
    )


def _kid(name: str, on: _Features, comparable: str) -> SetMetric:
    return SetMetric(
        name=name,
        title=f"KID to test targets ({on.network})",
        description=(
            f"Unbiased squared MMD of the pooled features of {on.network} between generated images "
            f"and test targets, kernel (x.y/d + 1)^3: mean over 100 random subsets of 1000 images "
            f"of each set, or of the smaller set's size if that is less; seed 2020. Not times 1000."
        ),
        papers=_KID_PAPERS,
        traps=(_TARGETS_TRAP, _SUBSET_TRAP, _HALVES_TRAP, "It may be below 0.", on.trap),
        comparable=comparable,
        higher_is_better=False,
        extractor=on.extractor,
        compare=kernel_distance,
        real="targets",
    )


def _manifold(name: str, on: _Features, comparable: str, *, of_real: bool) -> SetMetric:
    whose = (
        "real images (test targets) inside the manifold of the generated ones"
        if of_real
        else "generated images inside the manifold of the real ones (test targets)"
    )
    return SetMetric(
        name=name,
        title=f"{'recall' if of_real else 'precision'} ({on.network})",
        description=(
            f"Share of {whose}, in the pooled features of {on.network}: inside a ball around an "
            f"image that reaches to its third nearest neighbour."
        ),
        papers=_MANIFOLD_PAPERS,
        traps=(_DISTINCT_TRAP, _MANIFOLD_SIZE_TRAP, on.trap),
        comparable=comparable,
        higher_is_better=True,
        extractor=on.extractor,
        compare=recall if of_real else precision,
        real="targets",
    )


_DEF_GAN_FIGURES = (
    "Def-GAN, PATN's Market-1501 figures, the tables of Gao et al. 2022, at the same n."
)
_STANDARD_FIGURES = "Papers that score with torch-fidelity and its defaults, at the same n."
_MANIFOLD_FIGURES = (
    "Papers that use TF Inception features and three neighbours, at the same n; the original has "
    "VGG-16 features."
)

RECORDS: Final = (
    _inception_score("is.def_gan", _INCEPTION, _DEF_GAN_FIGURES, papers=_DEF_GAN_PAPERS),
    _inception_score(
        "is.standard",
        _INCEPTION,
        _STANDARD_FIGURES,
        what=", shuffled",
        compare=score_shuffled,
    ),
    _inception_score(
        "is.patn",
        _INCEPTION,
        "PATN's DeepFashion figures, and those of papers that use its script, at the same n.",
        what=", padded",
        view="padded",
        papers=_PATN_PAPERS,
        traps=(_PADDING_TRAP,),
    ),
    _inception_score(
        "mask_is.def_gan",
        _INCEPTION,
        _DEF_GAN_FIGURES,
        view="masked",
        papers=_MASK_PAPERS + _DEF_GAN_PAPERS,
        traps=(_MASK_TRAP,),
    ),
    _inception_score(
        "mask_is.standard",
        _INCEPTION,
        _STANDARD_FIGURES,
        what=", shuffled",
        compare=score_shuffled,
        view="masked",
        papers=_MASK_PAPERS,
        traps=(_MASK_TRAP,),
    ),
    _fid(
        "fid.test_targets",
        _INCEPTION,
        "targets",
        "Papers that say that their real images are the test targets, at the same n.",
    ),
    _fid(
        "fid.train_images",
        _INCEPTION,
        "train_images",
        "Papers that say that their real images are those of the train split, at the same n.",
    ),
    _kid("kid", _INCEPTION, _STANDARD_FIGURES),
    _manifold("precision", _INCEPTION, _MANIFOLD_FIGURES, of_real=False),
    _manifold("recall", _INCEPTION, _MANIFOLD_FIGURES, of_real=True),
    _inception_score("is.effnet_lite0", _OFFLINE, _ONLY_HERE),
    _inception_score(
        "mask_is.effnet_lite0",
        _OFFLINE,
        _ONLY_HERE,
        view="masked",
        papers=_MASK_PAPERS,
        traps=(_MASK_TRAP,),
    ),
    _fid("fid.effnet_lite0", _OFFLINE, "targets", _ONLY_HERE),
    _fid("fid.effnet_lite0_train", _OFFLINE, "train_images", _ONLY_HERE),
    _kid("kid.effnet_lite0", _OFFLINE, _ONLY_HERE),
    _manifold("precision.effnet_lite0", _OFFLINE, _ONLY_HERE, of_real=False),
    _manifold("recall.effnet_lite0", _OFFLINE, _ONLY_HERE, of_real=True),
)
"""In the order of a table's columns."""
