"""The wheel of the checkout, and a fresh environment that has it and the template project."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from environments import Fresh, make_fresh, pip

from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import find_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout, where it can be built."""
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("needs the checkout's pyproject.toml")
    missing = [name for name in ("pip", "hatchling") if find_spec(name) is None]
    if missing:
        pytest.skip(f"to build the wheel, this environment lacks {' and '.join(missing)}")
    return ROOT


@pytest.fixture(scope="session")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, root)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def fresh(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """An environment with the wheel and the template; this one lends torch and the like."""
    folder = tmp_path_factory.mktemp("fresh")
    made = make_fresh(folder)
    made.install(wheel)
    made.lend()
    left_behind = shutil.ignore_patterns("__pycache__")
    template = shutil.copytree(root / "docs/template", folder / "template", ignore=left_behind)
    made.install("--no-build-isolation", template)
    return made


@pytest.fixture
def rendered() -> None:
    """The tiny sets, rendered by code that is compiled already; that of a fresh wheel is not."""
    for name in ("mannequin", "mannequin_street"):
        open_annotations(find_dataset(name).open("test", "tiny"))
