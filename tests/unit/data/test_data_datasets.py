from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from dolls import DOLLS

from recapbench.data.build import attributes
from recapbench.data.manifest import from_pairs
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError

FIRST = "test_0000_00.png"


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_split_is_its_images_in_order(split: Split) -> None:
    assert split.names[:2] == (FIRST, "test_0000_01.png")
    assert len(split) == 8
    assert split.identity("test_0001_03.png") == "test_0001"
    assert split.image(FIRST).shape == (256, 256, 3)
    annotation = split.annotation(FIRST)
    assert annotation.keypoints.shape == (18, 3)
    assert annotation.keypoints.dtype == np.float32
    assert annotation.parsing.shape == (256, 256)
    assert attributes(split, FIRST)["pose"] == {"value": 0}
    assert attributes(split, "test_0001_02.png")["pose"] == {"value": 2}


def test_unknown_names_are_usage_errors(home: Path) -> None:
    with pytest.raises(UsageError, match=r"split of mannequin 'tests'\. Did you mean 'test'"):
        DOLLS.open("tests", preset="tiny")
    with pytest.raises(UsageError, match=r"preset of mannequin 'smal'\. Did you mean 'small'"):
        DOLLS.open("test", preset="smal")


def test_preset_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DOLLS.preset() == "small"
    monkeypatch.setenv("RECAPBENCH_PRESET", "tiny")
    assert DOLLS.preset() == "tiny"
    assert DOLLS.preset("full") == "full"
    assert dataclasses.replace(DOLLS, presets=()).preset() == ""


def test_unknown_image(split: Split) -> None:
    with pytest.raises(DataError, match=r"no image 'x\.png' \(8 images"):
        split.image("x.png")


@pytest.mark.parametrize("file", [FIRST, "test_0000_00.labels.png"])
def test_damaged_file_is_named_and_mended(split: Split, file: str) -> None:
    path = split.root / "test_0000" / file
    before = path.read_bytes()
    flip_byte(path)
    with pytest.raises(DataError, match="is damaged: expected SHA-256") as caught:
        split.image(FIRST) if file == FIRST else split.annotation(FIRST)
    assert str(path) in str(caught.value)
    assert "recapbench data prepare mannequin --split test" in str(caught.value)
    with pytest.raises(DataError, match=file):
        split.verify()
    path.unlink()
    with pytest.raises(DataError, match="cannot read"):
        split.verify()
    mended = DOLLS.open("test", preset="tiny", workers=1, verify=True)
    mended.verify()
    assert mended.digest == split.digest
    assert path.read_bytes() == before


def test_manifest_of_a_split_fits_it(split: Split) -> None:
    manifest = split.manifest()
    assert manifest.counts == {"images": 8, "identities": 2, "pairs": 24}
    assert dict(manifest.made_from) == dict(split.made_from)
    split.check(manifest)


def test_listed_pairs_are_the_manifest(home: Path) -> None:
    split = DOLLS.open("figure_pairs", preset="tiny", workers=1)
    manifest = split.manifest()
    assert manifest.protocol == "listed/1"
    assert manifest.pairs == (
        ("figure_0000_before.png", "figure_0000_after.png"),
        ("figure_0001_before.png", "figure_0001_after.png"),
    )
    assert attributes(split, "figure_0001_after.png")["figure"] == {"value": 1}
    split.check(manifest)


def test_manifest_of_other_images_is_refused(split: Split) -> None:
    manifest = dataclasses.replace(split.manifest(), made_from={"images": "0" * 64})
    with pytest.raises(DataError, match="expected digest 0000000000000000, got"):
        split.check(manifest)
    with pytest.raises(DataError, match="split 'train', expected 'test'"):
        split.check(dataclasses.replace(split.manifest(), split="train"))
    with pytest.raises(DataError, match="dataset 'x', expected 'mannequin'"):
        split.check(dataclasses.replace(split.manifest(), dataset="x"))


def test_manifest_row_with_an_unknown_image_is_named(split: Split) -> None:
    manifest = from_pairs(
        [*split.manifest().pairs[:2], (FIRST, "x.png")],
        dataset="mannequin",
        split="test",
        protocol="within_identity/1",
        identities=2,
    )
    with pytest.raises(DataError, match=r"row 3 names 'x\.png'"):
        split.check(manifest)
