"""What `recapbench data prepare` is asked for, made sure to make sense."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recapbench.data.datasets import DatasetRecord
from recapbench.data.ingest.geometry import Geometry, find_geometry
from recapbench.data.parsing import LIP_LABELS, MARKET_LABELS
from recapbench.errors import UsageError, unknown

PARSING_LABELS: Final = {"lip20": len(LIP_LABELS), "market7": len(MARKET_LABELS)}
"""Part sets of label files, by name."""

FRAMES: Final = ("raw", "prepared")
"""Pictures that joints may be measured in."""


@dataclass(frozen=True)
class PrepareRequest:
    """What to prepare.

    Attributes:
        record: the dataset.
        root: folder of the downloaded images.
        keypoints: file (or OpenPose's folder) with the joints of the split's images.
        split: which split.
        names: list of the split's images; by default all that the keypoint file has.
        parsing: folder of label maps; None for none.
        parsing_labels: ``lip20`` or ``market7``: what the values of the label maps mean.
        protocol: that makes the pairs; the dataset's by default.
        geometry: how pictures get their size; the dataset's default if not given.
        keypoints_frame: ``raw``: joints are pixels of the files; ``prepared``: of the pictures
            that the geometry makes. None: ``raw``, unless they look as if they were not.
    """

    record: DatasetRecord
    root: Path
    keypoints: Path
    split: str = "test"
    names: Path | None = None
    parsing: Path | None = None
    parsing_labels: str = "lip20"
    protocol: str | None = None
    geometry: str | None = None
    keypoints_frame: str | None = None

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: for an unknown name, or label values that the dataset cannot have.
        """
        record = self.record
        if self.split not in record.splits:
            raise unknown(f"split of {record.name}", self.split, record.splits)
        if self.parsing_labels not in PARSING_LABELS:
            raise unknown("kind of labels", self.parsing_labels, PARSING_LABELS)
        if self.frame not in FRAMES:
            raise unknown("frame of the keypoints", self.frame, FRAMES)
        if PARSING_LABELS[self.parsing_labels] < record.parts:
            raise UsageError(
                f"--parsing-labels {self.parsing_labels}: {record.name} has {record.parts} parts"
            )
        find_geometry(record.name, self.geometry)

    @property
    def placed_by(self) -> Geometry:
        """The geometry."""
        return find_geometry(self.record.name, self.geometry)

    @property
    def paired_by(self) -> str:
        """Name of the protocol."""
        return self.protocol or self.record.protocol

    @property
    def frame(self) -> str:
        """Pictures that the joints are pixels of."""
        return self.keypoints_frame or "raw"

    @property
    def command(self) -> str:
        """The command line that asks for this."""
        options: dict[str, Any] = {
            "--root": self.root.resolve(),
            "--split": self.split,
            "--keypoints": self.keypoints.resolve(),
            "--names": self.names.resolve() if self.names else None,
            "--parsing": self.parsing.resolve() if self.parsing else None,
            "--parsing-labels": self.parsing_labels if self.parsing else None,
            "--protocol": self.protocol,
            "--geometry": self.geometry,
            "--keypoints-frame": self.keypoints_frame,
        }
        words = ["recapbench", "data", "prepare", self.record.name]
        for option, value in options.items():
            if value is not None:
                words += [option, str(value)]
        return shlex.join(words)
