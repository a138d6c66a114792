"""The record of one run: what was scored, how it came about, and its figures.

A record is strict: an unknown field, a wrong type or a number that is not finite is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recapbench.errors import DataError
from recapbench.evaluation.score import Score

SCHEMA: Final = "recapbench.result/1"

Digest = str


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MethodPart(_Record):
    """Which method, with which settings, from which distribution."""

    name: str
    title: str
    distribution: str
    config: dict[str, Any]
    inputs: list[str]


class WeightsPart(_Record):
    """Which weights, by content, and how they were made as far as they say."""

    file: str
    sha256: Digest
    training: dict[str, Any]


class DatasetPart(_Record):
    """Which images and annotations, by content."""

    name: str
    split: str
    preset: str
    images: Digest
    annotations: Digest


class ManifestPart(_Record):
    """Which pairs, by content."""

    sha256: Digest
    n: int = Field(ge=1)
    protocol: str
    file: str | None


class OutputsPart(_Record):
    """The saved images: ordered digest of their pixels."""

    sha256: Digest


class Reference(_Record):
    """Scores of a reference row on the same pairs."""

    name: str
    title: str
    scores: list[Score]


class Result(_Record):
    """One run of one method on one manifest.

    Attributes:
        origin: "measured" by this library, "rerun" by somebody with the authors' code, or
            "reported" in a paper.
        target_parsing: whether the method predicted the target's layout or was given it.
        seconds: wall-clock time of generating the images.
        commit: of the checkout that this ran from; None in an installed package.
    """

    schema_: Literal["recapbench.result/1"] = Field(default=SCHEMA, alias="schema")
    origin: Literal["measured", "rerun", "reported"]
    method: MethodPart
    weights: WeightsPart | None
    dataset: DatasetPart
    manifest: ManifestPart
    outputs: OutputsPart
    target_parsing: Literal["predicted", "ground_truth"]
    scores: list[Score]
    references: list[Reference]
    seed: int
    device: str
    seconds: float
    versions: dict[str, str]
    commit: str | None

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
        raise DataError(f"{path} is no valid result: {error}") from None
