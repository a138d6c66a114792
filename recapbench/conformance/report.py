"""What a check found, and the report of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict

from recapbench.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    DataError,
    MissingWeightsError,
    RecapbenchError,
    StorageError,
    UsageError,
)
from recapbench.registry import PluginError

SCHEMA: Final = "recapbench.check/1"

Status = Literal["pass", "warning", "fail", "skipped"]


_SOUND: Final = ("images", "inputs unchanged")
_SAME: Final = ("same seed, same images",)

CHECKS: Final[Mapping[str, tuple[str, ...]]] = {
    "import": (),
    "declaration": ("import",),
    "opening": ("declaration",),
    "generation": ("opening",),
    "declared inputs": ("opening",),
    "images": ("generation",),
    "inputs unchanged": ("generation",),
    "layouts": _SOUND,
    "same seed, same images": _SOUND,
    "batch independence": _SAME,
    "target unseen": _SAME,
    "both image sizes": _SOUND,
    "devices": _SAME,
    "speed": _SOUND,
    "training": ("opening",),
    "weights file": ("training", *_SOUND),
    "resuming": ("training",),
}
"""The checks in order, each with those that must not have failed before it makes sense."""

ENDING: Final = "ending"
"""The last check: that the process ends by itself when all is done."""


REFUSALS: Final[Mapping[str, type[RecapbenchError]]] = {
    kind.__name__: kind
    for kind in (UsageError, DataError, MissingWeightsError, StorageError, PluginError)
}
"""Errors of the request, and not of the method, by name; a plugin's if it is the dataset's."""


class Finding(NamedTuple):
    """How a check went, and why."""

    status: Status
    detail: str


def passed(detail: str) -> Finding:
    """The method does what it must."""
    return Finding("pass", detail)


def warning(detail: str) -> Finding:
    """Not against the contract, and worth a look."""
    return Finding("warning", detail)


def failed(detail: str) -> Finding:
    """The method breaks the contract."""
    return Finding("fail", detail)


def skipped(detail: str) -> Finding:
    """It could not be looked at, or there is nothing to look at."""
    return Finding("skipped", detail)


class Row(BaseModel):
    """One check with its finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    status: Status
    detail: str


class CheckReport(BaseModel):
    """Everything that was checked of a method.

    Attributes:
        method: its name.
        distribution: name and version of what registers it.
        object: ``module:attribute`` of its class.
        dataset: whose pairs it was given.
        device: where it ran.
        pairs: how many it was given at once.
        rows: the checks, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: str = SCHEMA
    method: str
    distribution: str
    object: str
    dataset: str
    device: str
    pairs: int
    rows: tuple[Row, ...]

    @property
    def exit_code(self) -> int:
        """1 if any check failed, else 0."""
        return EXIT_FAILED if any(row.status == "fail" for row in self.rows) else EXIT_DONE

    @property
    def counts(self) -> str:
        """How many checks went how, in words."""
        found = Counter(row.status for row in self.rows)
        return ", ".join(f"{found[status]} {status}" for status in get_args(Status))

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return self.model_dump(mode="json")
