"""Metrics of this library that go by the headings of papers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from recapbench.leaderboard.reported import ReportedFigure

OFFLINE: Final[Mapping[str, str]] = {
    "is.def_gan": "is.effnet_lite0",
    "mask_is.def_gan": "mask_is.effnet_lite0",
    "fid.test_targets": "fid.effnet_lite0",
}
"""Metrics that need Inception, with their counterparts of the network that comes along. Figures of
another network are compared by the order of rows alone."""


def nearest(figure: ReportedFigure) -> tuple[str, ...]:
    """Names of the metrics that come nearest to a reported figure, the nearest first."""
    if figure.nearest is None:
        return ()
    names = (figure.nearest, OFFLINE.get(figure.nearest))
    return tuple(name for name in names if name is not None)
