"""What can be run, and the files that a run writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

RESULT: Final = "result.json"
GRID: Final = "grid.png"
VALUES: Final = "values.csv"


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Attributes:
        method: name of a registered method.
        dataset: name of a registered dataset.
        out: folder for the outputs.
        split: which split.
        preset: size of the dataset, where it has several.
        manifest: pairs to generate; by default those shipped for the split, or its protocol's.
        limit: only the first pairs.
        weights: file of weights; by default those shipped with the method.
        overrides: settings that must differ from the method's own.
        target_parsing: let the method predict the layout, or give it the true one.
        device: where to generate; CUDA if there is one.
        batch_size: pairs generated at once.
        num_workers: processes that read the data.
        seed: for methods that draw.
        resume: keep the images that are there already.
        metrics: names of the metrics; None for every metric.
        metric_weights: name of a record of weights -> a file for it.
        train_images: compare with the train images too, where a metric does that.
    """

    method: str
    dataset: str
    out: Path
    split: str = "test"
    preset: str | None = None
    manifest: Path | None = None
    limit: int | None = None
    weights: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    target_parsing: Literal["predicted", "ground_truth"] = "predicted"
    device: str | None = None
    batch_size: int = 4
    num_workers: int = 0
    seed: int = 0
    resume: bool = False
    metrics: tuple[str, ...] | None = None
    metric_weights: Mapping[str, Path] = field(default_factory=dict)
    train_images: bool = False

    def located(self) -> RunRequest:
        """The same with absolute paths: code of others may change the working directory."""
        return replace(
            self,
            out=self.out.absolute(),
            manifest=self.manifest and self.manifest.absolute(),
            weights=self.weights and self.weights.absolute(),
            metric_weights={name: file.absolute() for name, file in self.metric_weights.items()},
        )
