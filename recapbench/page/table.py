"""What stands in a leaderboard of the page, before it becomes HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Origin = Literal["measured", "rerun", "reported", "reference"]

ORIGINS: dict[Origin, str] = {
    "measured": "run and scored by this library, with a record that can be checked",
    "rerun": "somebody else's trained model, run again by the authors of the paper",
    "reported": "printed in a paper",
    "reference": "no method: what the figures are to be held against",
}
"""Where figures come from, and what that means."""


TRUE_LAYOUT: Final = "Rows that are given the target's true layout are never marked as the best."


@dataclass(frozen=True)
class Head:
    """A column of figures.

    Attributes:
        name: the metric with its protocol, or a heading as it was printed.
        family: the metric without its protocol.
        protocol: the part after the dot; "not stated" where a paper does not say it.
        higher_is_better: direction.
        main: whether it is shown unless all figures are asked for.
        known: whether the page of metrics explains it.
    """

    name: str
    family: str
    protocol: str
    higher_is_better: bool
    main: bool
    known: bool

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↑" if self.higher_is_better else "↓"


@dataclass(frozen=True)
class Bar:
    """An interval drawn on its column's scale.

    Attributes:
        start: of the interval, in percent of the scale from the left.
        width: in percent.
        tick: place of the value, in percent.
    """

    start: float
    width: float
    tick: float


@dataclass(frozen=True)
class Figure:
    """A cell.

    Attributes:
        text: the figure.
        value: in full, to sort by.
        interval: its two ends; empty where there is none.
        n: what it is of, where that differs from the row's n; else empty.
        best: whether no other row's is better.
        bar: the interval as a picture, where there are several to compare.
    """

    text: str
    value: float
    interval: str = ""
    n: str = ""
    best: bool = False
    bar: Bar | None = None


@dataclass(frozen=True)
class Row:
    """A line.

    Attributes:
        label: of the method.
        about: more of it, in a few words.
        href: its page, from the site's root; None if it has none.
        origin: where the figures come from.
        n: number of pairs.
        figures: one for each column, None where there is none.
    """

    label: str
    about: str
    href: str | None
    origin: Origin
    n: str
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True)
class Leaderboard:
    """A table of figures of the same pairs under the same protocols.

    Attributes:
        anchor: unique on the page.
        dataset: name.
        title: in a few words.
        facts: what all rows have in common, a sentence each.
        heads: the columns.
        rows: the lines.
        comparable: whether all rows are of the same pairs as far as is known; where they are
            not, there is no order to sort them by and no best one.
    """

    anchor: str
    dataset: str
    title: str
    facts: tuple[str, ...]
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    comparable: bool = True
