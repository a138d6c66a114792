"""Pose estimators: what finds the joints in generated images.

An estimator is a record, registered under the entry-point group ``recapbench.pose_estimators``; a
third party's stands beside ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from recapbench import registry
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.errors import RecapbenchError
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.networks import NetworkFailure, Networks
from recapbench.evaluation.pairs import Keypoints

T = TypeVar("T")

FindJoints: TypeAlias = Callable[[Sequence[Image]], Sequence[Keypoints]]
"""Images uint8 (H,W,3), of any sizes -> for each the joints float32 (18,3) of one person: x, y in
pixels, and visibility 0 where there is none. An image's joints must not depend on its neighbours.
"""


@dataclass(frozen=True, kw_only=True)
class PoseEstimator:
    """Something that finds the joints of a person.

    Attributes:
        name: as it stands in a score.
        title: what it is, in a line.
        weights: names of the records of its weights in `recapbench.weights`; empty if it brings
            its own.
        open: loads it, once, onto the networks' device.
    """

    name: str
    title: str
    weights: tuple[str, ...]
    open: Callable[[Networks], FindJoints]

    def joints(self, networks: Networks) -> FindJoints:
        """It, loaded; what it finds is checked.

        Raises:
            MissingWeightsError: its weights cannot be had.
            DataError: a file is there and is not what the record says.
            NetworkFailure: anything else went wrong; so too when it is called.
        """
        find = self._guarded(lambda: self.open(networks))

        def run(images: Sequence[Image]) -> list[Keypoints]:
            found = self._guarded(lambda: find(images))
            if len(found) != len(images):
                raise NetworkFailure(
                    f"{self.name} gave joints of {len(found)} images, expected {len(images)}"
                )
            return [self._checked(joints) for joints in found]

        return run

    def _guarded(self, call: Callable[[], T]) -> T:
        """Errors that are not ours, of a third party's estimator or of a device, named."""
        try:
            return call()
        except RecapbenchError:
            raise
        except Exception as error:
            text = f"pose estimator {self.name} failed: {type(error).__name__}: {error}"
            raise NetworkFailure(text) from error

    def _checked(self, joints: Keypoints) -> Keypoints:
        checked = np.asarray(joints, dtype=np.float32)
        if checked.shape != (NUM_JOINTS, 3):
            raise NetworkFailure(
                f"{self.name} gave joints of shape {checked.shape}, expected ({NUM_JOINTS}, 3)"
            )
        if not np.isfinite(checked[checked[:, 2] != 0]).all():
            raise NetworkFailure(f"{self.name} gave a joint that is not finite")
        return checked


def get_estimator(name: str) -> PoseEstimator:
    """The registered estimator of this name.

    Raises:
        UsageError: if it is unknown; the nearest is suggested.
        PluginError: if importing it fails, or it is no PoseEstimator.
    """
    estimator = registry.load(registry.POSE_ESTIMATORS, name)
    if not isinstance(estimator, PoseEstimator):
        raise registry.PluginError(
            f"pose estimator {name!r} is no PoseEstimator but {type(estimator)}"
        )
    return estimator
