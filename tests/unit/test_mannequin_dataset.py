from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recapbench.data.build import attributes
from recapbench.data.datasets import DatasetRecord
from recapbench.data.manifest import read_manifest, shipped_manifest
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.mannequin.dataset import MANNEQUIN, MANNEQUIN_STREET, PRESETS

RECORDS = pytest.mark.parametrize("record", [MANNEQUIN, MANNEQUIN_STREET], ids=lambda r: r.name)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _use_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAPBENCH_HOME", str(home))


@RECORDS
def test_images_and_annotations(record: DatasetRecord) -> None:
    split = record.open("test", preset="tiny", workers=1)
    assert len(split) == PRESETS["tiny"].test * PRESETS["tiny"].images
    split.verify()
    for name in split.names:
        assert split.image(name).shape == (*record.image_size, 3)
        joints, labels = split.annotation(name)
        assert joints.shape == (NUM_JOINTS, 3)
        assert set(joints[:, 2]) <= {0.0, 1.0, 2.0}
        there = joints[joints[:, 2] > 0]
        assert (there[:, :2] >= -0.5).all()
        assert (there[:, :2] <= np.array(record.image_size[::-1]) - 0.5).all()
        assert labels.max() < record.parts
        assert len(np.unique(labels)) >= 4
        assert set(attributes(split, name)) == {"identity", "pose", "view", "figure", "outfit"}


@RECORDS
def test_one_process_and_two_draw_the_same(
    record: DatasetRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = record.open("test", preset="tiny", workers=1)
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path))
    other = record.open("test", preset="tiny", workers=2)
    assert other.entries == split.entries
    assert (other.digest, other.annotation_digest) == (split.digest, split.annotation_digest)


def test_splits_and_sets_share_no_picture() -> None:
    train = MANNEQUIN.open("train", preset="tiny", workers=1)
    test = MANNEQUIN.open("test", preset="tiny", workers=1)
    assert not {e.image_pixels for e in train.entries} & {e.image_pixels for e in test.entries}
    assert not set(train.names) & set(test.names)
    assert train.identity("train_0003_01.png") == "train_0003"
    street = MANNEQUIN_STREET.open("test", preset="tiny", workers=1)
    assert not set(street.names) & set(test.names)
    assert street.identity("street_test_0001_01.png") == "street_test_0001"


@RECORDS
@pytest.mark.parametrize(
    ("name", "changed"), [("figure_pairs", "figure"), ("outfit_pairs", "outfit")]
)
def test_edits_change_one_thing(record: DatasetRecord, name: str, changed: str) -> None:
    split = record.open(name, preset="tiny", workers=1)
    manifest = split.manifest()
    assert len(manifest) == PRESETS["tiny"].test
    for source, target in manifest:
        before, after = attributes(split, source), attributes(split, target)
        assert {key for key in before if before[key] != after[key]} == {changed}
        assert not np.array_equal(split.image(source), split.image(target))


@RECORDS
def test_shipped_manifest(record: DatasetRecord) -> None:
    path = shipped_manifest(record.name, "test")
    assert path is not None
    manifest = read_manifest(path)
    assert (manifest.dataset, manifest.split) == (record.name, "test")
    assert manifest.protocol == "within_identity/1"
    assert manifest.counts["pairs"] == 500
    assert manifest.counts["identities"] == PRESETS["small"].test
    assert set(manifest.made_from) == {"images", "annotations"}
