"""What to check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CheckRequest:
    """What to check.

    Attributes:
        method: name of a registered method.
        dataset: whose pairs it is given.
        weights: file of weights; by default those shipped, else fresh random ones.
        config: name of settings that go together.
        overrides: settings that differ from the method's own.
        pairs: how many it is given at once.
        device: where it runs.
        time_limit: seconds after which a check in which nothing moves is failed.
    """

    method: str
    dataset: str = "mannequin_street"
    weights: Path | None = None
    config: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    pairs: int = 4
    device: str = "cpu"
    time_limit: float = 120.0

    @property
    def has_settings(self) -> bool:
        """Whether the user says anything that the method may refuse."""
        return bool(self.overrides) or self.config is not None or self.weights is not None
