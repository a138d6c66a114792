"""What is looked at in a process of its own: it runs torch, or code of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import IO, Final

from recapbench import registry
from recapbench.doctor import plugins
from recapbench.doctor.finding import DEVICES, Finding
from recapbench.errors import UsageError
from recapbench.registry import PluginError, plugin_errors

Tell = Callable[[str, int, int], None]
"""Called with what is looked at now, how much is done, and how much there is."""

PROBES: Final[Mapping[str, str]] = {
    "torch": "recapbench.doctor.devices:devices",
    "torchvision": "recapbench.doctor.devices:torchvision",
    registry.DATASETS: "recapbench.doctor.datasets:dataset",
    registry.METHODS: "recapbench.doctor.methods:method",
    registry.POSE_ESTIMATORS: "recapbench.doctor.methods:pose_estimator",
}
"""By kind, the function of a name that looks; imported when it is needed."""


@dataclass(frozen=True)
class Look:
    """One thing to look at.

    Attributes:
        kind: key of `PROBES`.
        name: of a plugin; empty for the others.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        """The word for it on the command line of the process that looks."""
        return f"{self.kind}:{self.name}"

    def broken(self, detail: str) -> Finding:
        """The finding if looking fails."""
        if self.kind in plugins.SECTIONS:
            return plugins.broken(registry.find(self.kind, self.name), detail)
        return Finding(DEVICES, self.kind, "broken", detail)


def all_looks() -> list[Look]:
    """Everything there is to look at; plugins that share a name cannot be loaded."""
    found = [Look(plugin.group, plugin.name) for plugin in plugins.plugins() if not plugin.shared]
    return [Look("torch"), Look("torchvision"), *found]


def parsed(word: str) -> Look:
    """The look of a word.

    Raises:
        UsageError: if there is none.
    """
    kind, _, name = word.partition(":")
    if kind not in PROBES:
        raise UsageError(f"expected KIND:NAME with one of {', '.join(PROBES)}, got {word!r}")
    return Look(kind, name)


def serve(looks: Sequence[Look], stream: IO[str], tell: Tell) -> None:
    """Look here, and write the findings of each look as a line of JSON as soon as it is done.

    Args:
        looks: what to look at, in order.
        stream: to write to.
        tell: told what is looked at now.
    """
    for done, look in enumerate(looks):
        tell(str(look), done, len(looks))
        stream.write(json.dumps([asdict(finding) for finding in _findings(look)]) + "\n")
        stream.flush()


def _findings(look: Look) -> Iterable[Finding]:
    """What a look finds; whatever it raises, an exit among it, is a finding."""
    try:
        with plugin_errors("failed"):
            return list(_probe(look))
    except PluginError as error:
        return [look.broken(_reason(error))]


def _probe(look: Look) -> Iterator[Finding]:
    module, _, attribute = PROBES[look.kind].partition(":")
    found: Iterator[Finding] = getattr(import_module(module), attribute)(look.name)
    return found


def _reason(error: PluginError) -> str:
    """The error in its own words, without those that were put around it here."""
    cause = error.__cause__
    return str(cause) if isinstance(cause, PluginError) else str(error)
