"""The README's figures are those of the shipped records."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from checkout_scripts import load_script

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("update_readme")


def test_the_readme_has_the_figures_of_its_records(script: ModuleType) -> None:
    text = (ROOT / "README.md").read_text()
    assert len(script._RECORD.findall(text)) == 2
    assert script.updated(text) == text


def test_a_figure_of_no_record_is_replaced(script: ModuleType) -> None:
    text = (ROOT / "README.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| ssim.def_gan | higher"))
    assert script.updated(text.replace(row, "| ssim.def_gan | higher | 0.99 | 0.1 | 1 |")) == text
