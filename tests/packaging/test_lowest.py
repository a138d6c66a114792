"""The lowest versions that are allowed, as `constraints/lowest.txt` has them."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build_lowest.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    if not SCRIPT.is_file():
        pytest.skip("needs the checkout's scripts")
    spec = importlib.util.spec_from_file_location("build_lowest", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
