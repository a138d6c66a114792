"""The README's figures are those of the shipped records."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme", ROOT / "scripts" / "update_readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_has_the_figures_of_its_records(script: ModuleType) -> None:
    text = (ROOT / "README.md").read_text()
    assert len(script._RECORD.findall(text)) == 2
    assert script.updated(text) == text


def test_a_figure_of_no_record_is_replaced(script: ModuleType) -> None:
    text = (ROOT / "README.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| ssim.def_gan | higher"))
    assert script.updated(text.replace(row, "| ssim.def_gan | higher | 0.99 | 0.1 | 1 |")) == text
