"""Write constraints/lowest.txt: the lowest versions that pyproject.toml allows, as exact ones.

    python scripts/build_lowest.py

An environment of them, and the tests in it::

    python -m venv lowest
    lowest/bin/pip install -c constraints/lowest.txt ".[test]"
    lowest/bin/python -m pytest
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "constraints" / "lowest.txt"
HEAD = "# Made by scripts/build_lowest.py from pyproject.toml.\n"
DEVELOPERS = frozenset({"browser", "dev", "docs"})
"""Extras whose tools are used in their newest versions: a browser driver needs its browser."""


def lowest(project: dict[str, Any]) -> str:
    """The constraints that belong to the table ``project`` of a pyproject.toml.

    Raises:
        ValueError: for a requirement without a lowest version.
    """
    needs = [need for need in _needs(project) if need.name != project["name"]]
    found = {canonicalize_name(need.name): _floor(need) for need in needs}
    return HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(found.items()))


def _needs(project: dict[str, Any]) -> Iterator[Requirement]:
    """What the package needs, and what its extras need for their users."""
    yield from map(Requirement, project["dependencies"])
    for extra, needs in project["optional-dependencies"].items():
        if extra not in DEVELOPERS:
            yield from map(Requirement, needs)


def _floor(need: Requirement) -> str:
    for one in need.specifier:
        if one.operator in (">=", "=="):
            return one.version
    raise ValueError(f"{need}: expected a lowest version")


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(lowest(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]))
