"""The wheel holds all that the package needs, and nothing else."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

ROOMS = {
    "recapbench": "recapbench",
    "baselines/recapbench_baselines": "recapbench_baselines",
    "manifests": "recapbench/manifests",
    "leaderboards": "recapbench/leaderboards",
}
"""Folders of the checkout, and where the wheel has them."""

LEFT_BY_PYTHON = {".pyc", ".nbi", ".nbc"}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_its_rooms_and_no_other(root: Path, names: set[str]) -> None:
    expected = {
        f"{there}/{path.relative_to(root / here).as_posix()}"
        for here, there in ROOMS.items()
        for path in (root / here).rglob("*")
        if path.is_file() and path.suffix not in LEFT_BY_PYTHON
    }
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    [
        "recapbench/manifests/mannequin-test.csv",
        "recapbench/manifests/mannequin_street-test.json",
        "recapbench/leaderboards/mannequin/measured/sat_lgr/result.json",
        "recapbench/methods/sat_lgr/deepfashion.toml",
        "recapbench/methods/sat_lgr/weights/mannequin.safetensors",
        "recapbench/methods/sat_lgr/weights/mannequin_street.safetensors",
        "recapbench/mannequin/assets/body.xz",
        "recapbench/mannequin/assets/LICENSE.md",
        "recapbench_baselines/pg2/method.py",
        "recapbench_baselines/def_gan/market1501.toml",
        "recapbench_baselines/patn/deepfashion.toml",
        "recapbench_baselines/patn/weights/mannequin.safetensors",
        "recapbench_baselines/pg2/weights/mannequin_street.safetensors",
    ],
)
def test_it_holds(names: set[str], name: str) -> None:
    assert name in names


def test_tests_and_scripts_stay_at_home(names: set[str]) -> None:
    folders = {part for name in names for part in Path(name).parts[:-1]}
    assert not folders & {"tests", "scripts", "docs", "template", "__pycache__"}


def test_licences_are_in_the_records(names: set[str]) -> None:
    licences = {name.partition("/licenses/")[2] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "recapbench/mannequin/assets/LICENSE.md"}
