"""Plugins by name: entry points, resolved lazily.

A third party's method stands in the same registry as ours: the entry-point groups are
``recapbench.methods``, ``recapbench.datasets`` and ``recapbench.pose_estimators``.
"""

from __future__ import annotations

from collections import defaultdict
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from recapbench.errors import RecapbenchError, unknown

METHODS: Final = "recapbench.methods"
DATASETS: Final = "recapbench.datasets"
POSE_ESTIMATORS: Final = "recapbench.pose_estimators"

_KINDS: Final = {METHODS: "method", DATASETS: "dataset", POSE_ESTIMATORS: "pose estimator"}


class PluginError(RecapbenchError):
    """A plugin that cannot be imported, or two plugins of one name."""


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "unknown"


def available(group: str) -> dict[str, EntryPoint]:
    """Registered names of a group with their entry points; nothing is imported.

    Raises:
        PluginError: if two distributions register one name.
    """
    points: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=group):
        if all(point.value != other.value for other in points[point.name]):
            points[point.name].append(point)
    for name, found in points.items():
        if len(found) > 1:
            owners = ", ".join(f"{_distribution(point)} ({point.value})" for point in found)
            raise PluginError(f"{_KINDS[group]} {name!r} is registered more than once: {owners}")
    return {name: found[0] for name, found in sorted(points.items())}


def load(group: str, name: str) -> Any:
    """The object registered under a name.

    Raises:
        UsageError: if the name is unknown; the nearest known one is suggested.
        PluginError: if importing it fails; the message names its distribution.
    """
    points = available(group)
    if name not in points:
        raise unknown(_KINDS[group], name, points)
    point = points[name]
    try:
        return point.load()
    except Exception as error:
        raise PluginError(
            f"{_KINDS[group]} {name!r} of {_distribution(point)} ({point.value}) "
            f"failed to import: {type(error).__name__}: {error}"
        ) from error
