"""Where the networks of metrics get their weights, and on which device they run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from recapbench import weights
from recapbench.errors import MissingWeightsError, RecapbenchError

POSE_ESTIMATOR: Final = "keypoint_rcnn"
"""The pose estimator that is taken unless another is asked for."""


class NetworkFailure(RecapbenchError):
    """A network whose weights are wrong, or that gave no finite numbers."""


class Networks:
    """Weights and device for as long as the caller keeps it.

    Args:
        device: where networks run, as torch names it.
        weight_files: name of a record of weights -> a file that the user gave for it.
        pose_estimator: name of the one that finds joints in generated images.
    """

    def __init__(
        self,
        device: str = "cpu",
        weight_files: Mapping[str, Path] | None = None,
        pose_estimator: str = POSE_ESTIMATOR,
    ) -> None:
        self.device = device
        self.pose_estimator = pose_estimator
        self._given = dict(weight_files or {})
        self._missing: dict[str, str] = {}

    def locate(self, name: str) -> Path:
        """The file of these weights; what could not be had once is not looked for again.

        Raises:
            MissingWeightsError: it cannot be had.
            DataError: a file is there and is not what the record says.
        """
        if name in self._missing:
            raise MissingWeightsError(self._missing[name])
        try:
            return weights.locate(weights.get(name), self._given.get(name))
        except MissingWeightsError as error:
            self._missing[name] = str(error)
            raise
