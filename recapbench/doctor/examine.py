"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

from recapbench.doctor.apart import look_apart
from recapbench.doctor.finding import (
    DATASETS,
    DEVICES,
    ENVIRONMENT,
    ESTIMATORS,
    LIBRARIES,
    METHODS,
    STORAGE,
    WEIGHTS,
    Finding,
)
from recapbench.doctor.looks import Tell, all_looks

SECTIONS: Final = (
    ENVIRONMENT,
    LIBRARIES,
    DEVICES,
    STORAGE,
    WEIGHTS,
    DATASETS,
    METHODS,
    ESTIMATORS,
)
PROBES: Final[Mapping[str, str]] = {
    "environment:python": ENVIRONMENT,
    "environment:system": ENVIRONMENT,
    "environment:package": ENVIRONMENT,
    "libraries:libraries": LIBRARIES,
    "libraries:extras": LIBRARIES,
    "storage:home": STORAGE,
    "storage:contents": STORAGE,
    "storage:network": STORAGE,
    "networks:networks": WEIGHTS,
    "plugins:conflicts": METHODS,
}
"""What is looked at in this process, with its section. Imported when called: a library that is
missing takes its own probe with it, and no other."""


def examine(tell: Tell) -> list[Finding]:
    """Look at everything; what cannot be looked at is a finding too.

    Args:
        tell: told what is looked at now.

    Returns:
        What was found, section by section.
    """
    found = [finding for place in PROBES for finding in _guarded(place)]
    found += look_apart(all_looks(), tell)
    return sorted(found, key=lambda finding: SECTIONS.index(finding.section))


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing is broken; what is missing may stay so."""
    return all(finding.status != "broken" for finding in findings)


def _guarded(place: str) -> list[Finding]:
    """What a probe finds, or why it failed."""
    module, _, attribute = place.partition(":")
    try:
        return list(getattr(import_module(f"recapbench.doctor.{module}"), attribute)())
    except Exception as error:
        detail = f"cannot be examined: {type(error).__name__}: {' '.join(str(error).split())}"
        return [Finding(PROBES[place], attribute, "broken", detail)]
