"""Figures and facts as the page's readers see them."""

from __future__ import annotations

from typing import Final

from recapbench.evaluation.score import number_text
from recapbench.leaderboard.reported import Reported

_ROUNDING: Final = 1e-9
"""Intervals narrower than this are rounding."""


def interval(low: float | None, high: float | None) -> str:
    """Both ends, or nothing where there is no interval."""
    if low is None or high is None:
        return ""
    if high - low <= _ROUNDING:
        return number_text(low)
    return f"{number_text(low)} to {number_text(high)}"


def count(value: int) -> str:
    """A number of things, with its thousands apart."""
    return f"{value:,}"


def direction(higher_is_better: bool) -> str:
    """Which way is better, for people who read and for those who listen."""
    return "higher is better" if higher_is_better else "lower is better"


def given(record: Reported) -> list[str]:
    """Which true label maps the method was given, where the table says that there were any."""
    if record.parsing is None:
        return []
    maps = [name for name in ("source", "target") if getattr(record.parsing, name)]
    return [f"given the {' and '.join(maps)} parsing"] if maps else []
