"""What is registered, as far as that can be seen without importing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from recapbench import registry
from recapbench.doctor.finding import DATASETS, ESTIMATORS, METHODS, Finding
from recapbench.registry import Plugin

SECTIONS: Final[Mapping[str, str]] = {
    registry.DATASETS: DATASETS,
    registry.METHODS: METHODS,
    registry.POSE_ESTIMATORS: ESTIMATORS,
}


def conflicts() -> Iterator[Finding]:
    """Names that several distributions claim, so that none of them can be used."""
    for plugin in plugins():
        if plugin.shared:
            detail = f"registered more than once: {plugin.distribution} ({plugin.value})"
            yield broken(plugin, detail)


def plugins() -> Iterator[Plugin]:
    """Everything that is registered; data sets first, since methods are for them."""
    for group in SECTIONS:
        yield from registry.available(group).values()


def broken(plugin: Plugin, detail: str) -> Finding:
    """A plugin that cannot be used."""
    names = [point.dist.name for point in plugin.points if point.dist is not None]
    theirs = [name for name in names if name != "recapbench"]
    mend = f"pip uninstall {theirs[-1]}" if theirs else ""
    return Finding(SECTIONS[plugin.group], plugin.name, "broken", detail, mend)
