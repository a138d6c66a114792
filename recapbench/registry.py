"""Plugins by name: entry points, resolved lazily.

A third party's method stands in the same registry as ours: the entry-point groups are
``recapbench.methods``, ``recapbench.datasets`` and ``recapbench.pose_estimators``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from recapbench.errors import RecapbenchError, unknown

METHODS: Final = "recapbench.methods"
DATASETS: Final = "recapbench.datasets"
POSE_ESTIMATORS: Final = "recapbench.pose_estimators"

_LONGEST: Final = 400
"""Characters of a plugin's own words in a message."""

_KINDS: Final = {METHODS: "method", DATASETS: "dataset", POSE_ESTIMATORS: "pose estimator"}


class PluginError(RecapbenchError):
    """A plugin that cannot be imported, breaks its contract, or shares its name with another."""


@dataclass(frozen=True)
class Plugin:
    """What is registered under one name; nothing of it has been imported.

    Attributes:
        group: entry-point group.
        name: the name.
        points: its entry points; more than one only if several objects claim the name.
    """

    group: str
    name: str
    points: tuple[EntryPoint, ...]

    @property
    def shared(self) -> bool:
        """Whether several objects claim the name, so that none can be loaded."""
        return len(self.points) > 1

    @property
    def distribution(self) -> str:
        """Name and version of the distribution that registers it, of each if there are several."""
        return ", ".join(_distribution(point) for point in self.points)

    @property
    def value(self) -> str:
        """``module:attribute`` of the object, of each if there are several."""
        return ", ".join(point.value for point in self.points)

    def __str__(self) -> str:
        return f"{_KINDS[self.group]} {self.name!r} of {self.distribution} ({self.value})"

    def load(self) -> Any:
        """The object; its module is imported.

        Raises:
            PluginError: if importing it fails, or the name is shared; it names distributions.
        """
        if self.shared:
            owners = ", ".join(f"{_distribution(point)} ({point.value})" for point in self.points)
            raise PluginError(
                f"{_KINDS[self.group]} {self.name!r} is registered more than once: {owners}; "
                f"uninstall all but one"
            )
        with plugin_errors(f"{self} failed to import"):
            return self.points[0].load()


def _distribution(point: EntryPoint) -> str:
    dist = point.dist
    return f"{dist.name} {dist.version}" if dist is not None else "unknown distribution"


@contextmanager
def plugin_errors(what: str, passing: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Turn whatever a plugin raises, an exit among it, into a PluginError that begins with what.

    Args:
        what: which plugin failed to do what.
        passing: errors that are let through, as they are no fault of the plugin.

    Raises:
        PluginError: with the plugin's own error as its cause.
        KeyboardInterrupt: as it comes, since it is the user's.
    """
    passed: tuple[type[BaseException], ...] = (KeyboardInterrupt, *passing)
    try:
        yield
    except passed:
        raise
    except BaseException as error:
        raise PluginError(f"{what}: {_said(error)}") from error


def _said(error: BaseException) -> str:
    """An error in one line, cut where it goes on for long; its whole text is in the cause."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # a plugin's error, whose text is its code too
        text = "its own text cannot be had"
    return f"{type(error).__name__}: {text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'}"


def available(group: str) -> dict[str, Plugin]:
    """Registered plugins of a group by name, in order; nothing is imported.

    A name that several objects claim is among them (``Plugin.shared``), and cannot be loaded.
    """
    points: dict[str, dict[tuple[str, str], EntryPoint]] = defaultdict(dict)
    for point in entry_points(group=group):
        points[point.name].setdefault((point.value, _distribution(point)), point)
    return {
        name: Plugin(group, name, tuple(found.values())) for name, found in sorted(points.items())
    }


def find(group: str, name: str) -> Plugin:
    """The plugin of a name.

    Raises:
        UsageError: if the name is unknown; the nearest known one is suggested.
    """
    plugins = available(group)
    if name not in plugins:
        raise unknown(_KINDS[group], name, plugins)
    return plugins[name]


def load(group: str, name: str) -> Any:
    """The object registered under a name.

    Raises:
        UsageError: if the name is unknown; the nearest known one is suggested.
        PluginError: if importing it fails, or the name is shared; it names distributions.
    """
    return find(group, name).load()
