"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "missing", "broken"]
"""``missing`` is what one may do without; ``broken`` is what will fail."""

ENVIRONMENT: Final = "environment"
LIBRARIES: Final = "libraries"
DEVICES: Final = "devices"
STORAGE: Final = "storage"
WEIGHTS: Final = "weights of networks"
DATASETS: Final = "data sets"
METHODS: Final = "methods"
ESTIMATORS: Final = "pose estimators"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        section: what it belongs to.
        name: what it is.
        status: how it is.
        detail: what was found, in a line.
        mend: the command that mends it; empty where there is nothing to mend, or no such command.
    """

    section: str
    name: str
    status: Status
    detail: str
    mend: str = ""
