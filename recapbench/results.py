"""The record of one run: what was scored, how it came about, and its figures.

A record is strict: an unknown field, a wrong type or a number that is not finite is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recapbench.errors import DataError, what_is_wrong
from recapbench.evaluation.score import Explanation, Finite, Score

SCHEMA: Final = "recapbench.result/1"

Digest = str


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class MethodPart(_Record):
    """Which method, with which settings, from which distribution.

    Of images that somebody else generated only the name is known, as the user gives it.

    Attributes:
        parameters: how many trained numbers it generates with, if it says so.
    """

    name: str
    title: str
    distribution: str | None = None
    config: dict[str, Any] | None = None
    inputs: list[str] | None = None
    parameters: int | None = None


class WeightsPart(_Record):
    """Which weights, by content, and how they were made as far as they say."""

    file: str
    sha256: Digest
    training: dict[str, Any]

    @property
    def effort(self) -> str | None:
        """Steps, time and device of the training, with what it started from; None if not said."""
        stages = list(_stages(self.training))
        steps = [_number(stage.get("steps_taken", stage.get("steps"))) for stage in stages]
        seconds = [_number(stage.get("seconds")) for stage in stages]
        if None in steps:
            return None
        text = f"{sum(filter(None, steps)):,.0f} steps"
        if None not in seconds:
            text += f" in {_duration(sum(filter(None, seconds)))}"
        devices = dict.fromkeys(str(stage.get("device", "?")) for stage in stages)
        text += f" on {', '.join(devices)}"
        return text if len(stages) == 1 else f"{text}, in {len(stages)} trainings"


def _number(value: Any) -> float | None:
    """A header's entry, which anybody may have written, if it is a number."""
    return value if isinstance(value, int | float) and value >= 0 else None


def _stages(training: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A training, and those of the weights that it started from."""
    stage: Any = training
    while isinstance(stage, dict):
        yield stage
        start = stage.get("init")
        stage = start.get("training") if isinstance(start, dict) else None


def _duration(seconds: float) -> str:
    """Wall-clock time in the largest unit that keeps two digits."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


class DatasetPart(_Record):
    """Which images and annotations, by content where the set was opened."""

    name: str
    split: str
    preset: str | None
    images: Digest | None
    annotations: Digest | None


class ManifestPart(_Record):
    """Which pairs, by content."""

    sha256: Digest
    n: int = Field(ge=1)
    protocol: str
    file: str | None


class OutputsPart(_Record):
    """A list of images: ordered digest of their pixels."""

    sha256: Digest


class Reference(_Record):
    """Scores of a reference row on the same pairs."""

    name: str
    title: str
    scores: list[Score]


class Result(_Record):
    """One run of one method on one manifest, or a folder of images scored.

    Attributes:
        origin: "measured" by this library, "rerun" by somebody with the authors' code, or
            "reported" in a paper.
        dataset: None where nobody knows whose images they are.
        outputs: the images that were scored.
        targets: what they were scored against; None where the dataset was opened, whose digest
            says it.
        target_parsing: whether the method predicted the target's layout or was given it; None
            where this library did not generate the images, as with seed and seconds.
        seconds: wall-clock time of generating the images; None also if a resumed run made only
            some of them.
        notes: what a reader of the figures should know, a sentence each.
        explanations: figures of the same images under other protocols and mistakes; no scores.
        commit: of the checkout that this ran from; None in an installed package.
    """

    schema_: Literal["recapbench.result/1"] = Field(default=SCHEMA, alias="schema")
    origin: Literal["measured", "rerun", "reported"]
    method: MethodPart
    weights: WeightsPart | None
    dataset: DatasetPart | None
    manifest: ManifestPart
    outputs: OutputsPart
    targets: OutputsPart | None = None
    target_parsing: Literal["predicted", "ground_truth"] | None
    scores: list[Score]
    references: list[Reference]
    notes: list[str] = []
    explanations: list[Explanation] = []
    seed: int | None
    device: str
    seconds: Finite | None
    versions: dict[str, str]
    commit: str | None

    @property
    def generated_here(self) -> bool:
        """Whether this library generated the images, and did not only score them."""
        return self.target_parsing is not None

    def score(self, name: str) -> Score:
        """The score of this name."""
        return next(score for score in self.scores if score.name == name)

    def document(self) -> dict[str, Any]:
        """The record as a JSON value."""
        return self.model_dump(mode="json", by_alias=True)


def read_result(path: Path) -> Result:
    """A result from its file.

    Raises:
        DataError: if the file is missing or is no valid record.
    """
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read result {path}: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path} is no valid result: {what_is_wrong(error)}") from None
