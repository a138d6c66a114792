"""Whether the generated person stands in the target's pose."""

from __future__ import annotations

from typing import Final

from recapbench.errors import DataError
from recapbench.evaluation.base import KeypointMetric, Share
from recapbench.evaluation.pairs import Pair


def _pckh(pair: Pair) -> Share | None:
    from recapbench.evaluation.pose.pckh import pckh

    if pair.generated_keypoints is None or pair.target_keypoints is None:
        raise DataError("PCKh needs the joints of the generated image and of the target")
    return pckh(pair.generated_keypoints, pair.target_keypoints)


RECORDS: Final = (
    KeypointMetric(
        name="pckh",
        title="PCKh",
        description=(
            "Share of the target's joints that stand, in the generated image, less than half the "
            "width and half the height of the target's head away; found joints of all pairs over "
            "target joints of all pairs. The head is the box around nose, neck, eyes and ears. "
            "The joints of the generated images are given, or found by a pose estimator."
        ),
        papers=(
            "Zhu et al. 2019, Progressive pose attention transfer for person image generation",
            "Andriluka et al. 2014, 2D human pose estimation: new benchmark and state of the art "
            "analysis",
        ),
        traps=(
            "It measures the estimator too: figures of two estimators do not compare, and the "
            "score names the one that was used. The row of the real images shows its ceiling.",
            "The published figures take OpenPose for generated images and targets alike. Joints "
            "of the targets from another source than those of the generated images cost hits.",
            "It is a share of all joints, not a mean of the images' shares: an image with many "
            "joints weighs more.",
            "Pairs whose target has fewer than two joints of the head are left out, and n counts "
            "the others. A head box without width or height can be met by no joint.",
        ),
        comparable=(
            "PATN and later papers that use its script, if the joints of the generated images are "
            "OpenPose's. Not with PCKh on MPII, whose head is an annotated box."
        ),
        higher_is_better=True,
        measure=_pckh,
        undefined="no target has two joints of the head",
        on_request=(
            "without joints of the generated images it is measured only if it is named: an "
            "estimator takes seconds an image on a CPU"
        ),
    ),
)
"""In the order of a table's columns."""
