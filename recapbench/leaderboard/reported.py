"""A row of a paper's table: figures that others give, never to be mixed with our own.

A record is strict: an unknown field, a wrong type or a number that is not finite is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recapbench.errors import DataError, what_is_wrong
from recapbench.evaluation.score import Finite

SCHEMA: Final = "recapbench.reported/1"
NOT_STATED: Final = "not stated"

_Text = Annotated[str, Field(min_length=1)]
_Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Citation(_Part):
    """A publication.

    Attributes:
        authors: the first and "et al.", or all.
        title: of the paper.
        venue: as the list of references says it.
        year: of the publication.
    """

    authors: _Text
    title: _Text
    venue: _Text | None
    year: Annotated[int, Field(ge=1900, le=2100)]


class ReportedMethod(_Part):
    """Which method a row is.

    Attributes:
        slug: what this library calls it.
        title: as the table prints it, without the mark of a note or of a reference.
        counterpart: the method of this library that implements it, if there is one.
        citation: where the method was published.
    """

    slug: _Slug
    title: _Text
    counterpart: _Text | None
    citation: Citation


class Parsing(_Part):
    """Which true label maps a method was given at test time, where the table says it."""

    source: bool
    target: bool


class ReportedProtocol(_Part):
    """How the figures came about, as far as the source says; else "not stated".

    Attributes:
        split: name of the split's protocol.
        pairs: number of test pairs; None if it is not stated.
        resolution: of the images, "height x width".
        ssim: which variant of SSIM.
        inception: which network IS and FID use.
        fid_real_images: what FID compares with.
        mask: what masked figures mask with.
    """

    split: _Text
    pairs: Annotated[int, Field(ge=1)] | None
    resolution: _Text
    ssim: _Text
    inception: _Text
    fid_real_images: _Text
    mask: _Text


class Source(_Part):
    """Where the figures stand."""

    citation: Citation
    place: _Text


class ReportedFigure(_Part):
    """One cell of the table.

    Attributes:
        heading: of its column, as printed.
        value: the number.
        decimals: as printed.
        higher_is_better: direction of the figure.
        nearest: the metric of this library that comes nearest; its values cannot be compared.
    """

    heading: _Text
    value: Finite
    decimals: Annotated[int, Field(ge=0, le=6)]
    higher_is_better: bool
    nearest: _Text | None

    @property
    def text(self) -> str:
        """The digits as printed."""
        return f"{self.value:.{self.decimals}f}"

    @model_validator(mode="after")
    def _printed(self) -> ReportedFigure:
        if round(self.value, self.decimals) != self.value:
            raise ValueError(f"{self.value} has more than {self.decimals} decimals")
        return self


class Reported(_Part):
    """A row of a table on one dataset.

    Attributes:
        origin: "rerun" where the table marks that its authors ran somebody else's released model
            themselves; else "reported".
        table: its number.
        row: from 1, in the table's order (a column from 1 where methods are columns).
        dataset: name in this library.
        method: what was measured.
        parsing: which label maps it was given, where the table says it.
        protocol: how, as far as stated.
        source: the paper and the table.
        by: who measured, as far as stated.
        figures: in the table's order, without those that it has no number for.
        notes: what a reader should know, a sentence each.
    """

    schema_: Literal["recapbench.reported/1"] = Field(alias="schema")
    origin: Literal["reported", "rerun"]
    table: Annotated[int, Field(ge=1)]
    row: Annotated[int, Field(ge=1)]
    dataset: _Slug
    method: ReportedMethod
    parsing: Parsing | None
    protocol: ReportedProtocol
    source: Source
    by: _Text
    figures: Annotated[list[ReportedFigure], Field(min_length=1)]
    notes: list[_Text]

    def figure(self, heading: str) -> ReportedFigure | None:
        """The figure under a heading, if the table has a number there."""
        return next((figure for figure in self.figures if figure.heading == heading), None)

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"table{self.table}-{self.method.slug}.json"

    def document(self) -> dict[str, Any]:
        """The record as a JSON value."""
        return self.model_dump(mode="json", by_alias=True)

    @model_validator(mode="after")
    def _once(self) -> Reported:
        headings = [figure.heading for figure in self.figures]
        if len(set(headings)) != len(headings):
            raise ValueError("a heading has more than one figure")
        return self


def read_reported(path: Path) -> Reported:
    """A reported record from its file.

    Raises:
        DataError: if it is missing or no valid record, or lies under another name or dataset.
    """
    try:
        found = Reported.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path} is no valid reported record: {what_is_wrong(error)}") from None
    if (path.name, path.parent.parent.name) != (found.file_name, found.dataset):
        raise DataError(f"{path}: expected it as {found.dataset}/reported/{found.file_name}")
    return found
