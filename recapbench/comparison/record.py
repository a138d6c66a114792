"""The record of a comparison: every figure with its interval, rank, and distance to the best.

A record is strict, as that of a run: an unknown field, a wrong type or a number that is not finite
is an error.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from recapbench.evaluation.score import Finite
from recapbench.results import DatasetPart, ManifestPart

SCHEMA: Final = "recapbench.comparison/1"

ToldApartBy = Literal["pairs", "halves", "intervals", "value"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Contestant(_Record):
    """A method, and which run of it.

    Attributes:
        label: what this record calls it.
        method: its name.
        title: one line for people.
        distribution: whose it is; None if its images came from elsewhere.
        parameters: how many trained numbers it generates with, if it says so.
        weights: digest of its weights' file, if it has any.
        training: how long they were trained, if they say so.
        outputs: ordered digest of its images' pixels.
        target_parsing: whether it predicted the target's layout or was given it.
        seed: what its draws came from.
    """

    label: str
    method: str
    title: str
    distribution: str | None
    parameters: int | None
    weights: str | None
    training: str | None
    outputs: str
    target_parsing: Literal["predicted", "ground_truth"] | None
    seed: int | None


class Failure(_Record):
    """A method that gave no result.

    Attributes:
        method: its name.
        distribution: whose it is.
        reason: why, with both in it.
    """

    method: str
    distribution: str
    reason: str


class Gap(_Record):
    """A difference on the same pairs with its 95% interval: bootstrap over persons, or halves."""

    mean: Finite
    low: Finite
    high: Finite


class Figure(_Record):
    """One method's figure of one metric.

    Attributes:
        label: whose.
        value: None if there is none, or the metric was not asked for.
        low: lower end of the interval, if it has one.
        high: upper end.
        n: pairs or images behind the value; None without a value.
        rank: 1 plus the number of methods that are told apart from this one and better; None
            without a value, or where no other method has one.
        best: whether no method has a better value, told apart or not.
        less_best: this method less the best one, on the same pairs or halves; None for the best
            itself, and where there are values of neither.
    """

    label: str
    value: Finite | None
    low: Finite | None
    high: Finite | None
    n: Annotated[int, Field(ge=0)] | None
    rank: Annotated[int, Field(ge=1)] | None
    best: bool
    less_best: Gap | None


class ReferenceFigure(_Record):
    """A reference row's figure; references have no rank."""

    name: str
    value: Finite | None
    low: Finite | None
    high: Finite | None


class Metric(_Record):
    """All figures of one metric.

    Attributes:
        name: the metric with its protocol.
        higher_is_better: its direction.
        told_apart_by: by the interval of the difference on the same pairs, or on the same random
            halves of the persons; by whether the intervals of the figures overlap; or, having
            none, by the value alone.
        figures: one of each method, in the order of the methods.
        references: of the same pairs.
    """

    name: str
    higher_is_better: bool
    told_apart_by: ToldApartBy
    figures: list[Figure]
    references: list[ReferenceFigure]


class Comparison(_Record):
    """Several methods on one manifest.

    Attributes:
        methods: those with a result, in the order in which they were asked for.
        failed: those without.
        metrics: in the order of the results.
        notes: what a reader of the figures should know, a sentence each.
    """

    schema_: Literal["recapbench.comparison/1"] = Field(default=SCHEMA, alias="schema")
    dataset: DatasetPart | None
    manifest: ManifestPart
    methods: list[Contestant]
    failed: list[Failure]
    metrics: list[Metric]
    notes: list[str]

    def document(self) -> dict[str, Any]:
        """The record as a JSON value."""
        return self.model_dump(mode="json", by_alias=True)
