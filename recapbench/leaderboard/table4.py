"""The paper's Table 4: its rows in their order, and the figures that it reports."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

BASIC: Final = "sat_lgr-basic"
FULL: Final = "sat_lgr"
LOWER_IS_BETTER: Final = frozenset({"FID"})
"""Headings of the table whose least figure is the best."""

Reported = dict[str, Annotated[float, Field(gt=0)]]


class Table4Row(BaseModel):
    """A row.

    Attributes:
        method: the method of this library that it is.
        title: as the table calls it, without "Basic" before each "+".
        deepfashion: figures that the paper reports on DeepFashion, by the table's heading.
        market1501: the same on Market-1501.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    title: str
    deepfashion: Reported
    market1501: Reported

    def reported(self, settings: Literal["deepfashion", "market1501"]) -> Reported:
        """What the paper reports on the dataset whose settings these are."""
        return self.deepfashion if settings == "deepfashion" else self.market1501


class Table4(BaseModel):
    """The table.

    Attributes:
        source: where it stands.
        metrics: names of this library's metrics by the table's headings, the nearest first.
        rows: in the table's order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    metrics: dict[str, list[str]]
    rows: tuple[Table4Row, ...]


@cache
def table4() -> Table4:
    """The table as this package has it."""
    text = (resources.files(__package__) / "table4.toml").read_text()
    return Table4.model_validate(tomllib.loads(text))
