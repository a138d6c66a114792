"""Versions of libraries, against what this package and they themselves ask for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement

from recapbench.doctor.environment import PACKAGE
from recapbench.doctor.finding import LIBRARIES, Finding

DEVELOPERS: Final = frozenset({"test", "browser", "dev", "docs"})
"""Extras that a user of the package does without."""


def libraries() -> Iterator[Finding]:
    """Every library that this package needs."""
    for need in _needs(PACKAGE):
        yield _found(need) or _asked(need) or _sound(need)


def extras() -> Iterator[Finding]:
    """Every library of an optional extra."""
    for extra in sorted(metadata.metadata(PACKAGE).get_all("Provides-Extra") or ()):
        if extra in DEVELOPERS:
            continue
        for need in _needs(PACKAGE, extra):
            problem = _found(need)
            if problem is None:
                yield _sound(need)
            elif problem.status == "broken" and _version(need) is None:
                detail = f"not installed; expected {need} for the extra {extra!r}"
                mend = f"pip install 'recapbench[{extra}]'"
                yield Finding(LIBRARIES, need.name, "missing", detail, mend)
            else:
                yield problem


def _needs(distribution: str, extra: str = "") -> list[Requirement]:
    """What a distribution needs here: for all uses, or for an extra alone."""
    found = [Requirement(text) for text in metadata.requires(distribution) or ()]
    if not extra:
        return [need for need in found if _applies(need, "")]
    return [need for need in found if _applies(need, extra) and not _applies(need, "")]


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _version(need: Requirement) -> str | None:
    try:
        return metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return None


def _sound(need: Requirement) -> Finding:
    return Finding(LIBRARIES, need.name, "ok", f"{_version(need)} ({need.specifier})")


def _found(need: Requirement) -> Finding | None:
    """What is wrong with a library that this package needs; None if it is as it must be."""
    version = _version(need)
    if version is not None and need.specifier.contains(version, prereleases=True):
        return None
    detail = f"{version or 'not installed'}; expected {need.specifier}"
    mend = f"pip install '{need.name}{need.specifier}'"
    return Finding(LIBRARIES, need.name, "broken", detail, mend)


def _asked(need: Requirement) -> Finding | None:
    """What a library asks of others, in vain; None if it has it."""
    bad = [other for other in _needs(need.name) if _in_vain(other)]
    if not bad:
        return None
    wanted = ", ".join(f"{other.name}{other.specifier}" for other in bad)
    got = ", ".join(f"{other.name} {_version(other) or 'none'}" for other in bad)
    detail = f"{_version(need)}; it expects {wanted}, got {got}"
    names = " ".join(f"'{other.name}{other.specifier}'" for other in bad)
    return Finding(LIBRARIES, need.name, "warning", detail, f"pip install {names}")


def _in_vain(need: Requirement) -> bool:
    version = _version(need)
    return version is None or not need.specifier.contains(version, prereleases=True)
