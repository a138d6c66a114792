"""The lowest versions that are allowed, as `constraints/lowest.txt` has them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from checkout_scripts import load_script

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("build_lowest")


def test_the_file_is_what_pyproject_says(script: ModuleType) -> None:
    """If not: ``python scripts/build_lowest.py``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert script.FILE.read_text() == script.lowest(project)


def test_lowest_versions(script: ModuleType) -> None:
    project: dict[str, Any] = {
        "name": "recapbench",
        "dependencies": ["b_b>=1.5,<2", "a>=2"],
        "optional-dependencies": {"far": ["c==3"], "test": ["recapbench[far]"], "dev": ["d>=4"]},
    }
    assert script.lowest(project).splitlines()[1:] == ["a==2", "b-b==1.5", "c==3"]


def test_a_library_without_a_lowest_version(script: ModuleType) -> None:
    project = {"name": "recapbench", "dependencies": ["a"], "optional-dependencies": {}}
    with pytest.raises(ValueError, match="a: expected a lowest version"):
        script.lowest(project)
