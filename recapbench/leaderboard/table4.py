"""The paper's Table 4: its rows in their order as methods, and the figures that it reports."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from recapbench.leaderboard.board import REPORTED
from recapbench.leaderboard.nearest import nearest
from recapbench.leaderboard.reported import Reported, read_reported
from recapbench.paths import shipped

BASIC: Final = "sat_lgr-basic"
FULL: Final = "sat_lgr"
LOWER_IS_BETTER: Final = frozenset({"FID"})
"""Headings of the table whose least figure is the best."""

PaperDataset = Literal["deepfashion", "market1501"]


class Table4Row(BaseModel):
    """A row.

    Attributes:
        method: the method of this library that it is.
        title: as the table calls it, without "Basic" before each "+".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    title: str

    def reported(self, dataset: PaperDataset) -> dict[str, float]:
        """What the paper reports on a dataset, by the table's heading.

        Raises:
            DataError: if the record is missing or damaged.
        """
        return {figure.heading: figure.value for figure in _record(dataset, self.method).figures}


class Table4(BaseModel):
    """The table.

    Attributes:
        source: where it stands.
        rows: in the table's order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    rows: tuple[Table4Row, ...]

    @property
    def metrics(self) -> Mapping[str, tuple[str, ...]]:
        """Names of this library's metrics by the table's headings, the nearest first."""
        figures = _record("market1501", FULL).figures
        return {figure.heading: nearest(figure) for figure in figures}


@cache
def table4() -> Table4:
    """The table as this package has it."""
    text = (resources.files(__package__) / "table4.toml").read_text()
    return Table4.model_validate(tomllib.loads(text))


@cache
def _record(dataset: PaperDataset, method: str) -> Reported:
    folder = shipped("leaderboards") / dataset / REPORTED
    return read_reported(folder / f"table4-{method}.json")
