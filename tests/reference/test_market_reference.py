"""Figures of the field on Market-1501's public annotation files, where these are at hand.

The files lie beside the checkout, in ``../shared/data/market1501``; without them the tests are
skipped. ``tests/unit/data`` proves the same code on small examples.
"""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recapbench.data.audit import audit
from recapbench.data.keypoint_table import Poses
from recapbench.data.keypoints import read_keypoints
from recapbench.data.locks import compare, find_lock, md5
from recapbench.data.pairing import Built, from_keypoints
from recapbench.data.pose import pose_mask
from recapbench.data.protocols import MARKET_DEF_GAN

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "market1501"
SIZE = (128, 64)

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="Market-1501's annotation files are not beside the checkout"
)

COUNTS = {"train": (12_936, 12_116, 263_632, 263_632), "test": (19_732, 12_344, 257_198, 12_000)}


def path(split: str) -> Path:
    return FOLDER / f"market-annotation-{split}.csv"


@pytest.fixture(scope="module")
def built() -> dict[str, Built]:
    return {
        split: from_keypoints("market1501", MARKET_DEF_GAN, split, path(split)) for split in COUNTS
    }


@pytest.fixture(scope="module")
def poses() -> Poses:
    return read_keypoints(path("test"))


@pytest.mark.parametrize("split", list(COUNTS))
def test_counts_are_the_fields(built: dict[str, Built], split: str) -> None:
    found = built[split]
    counts = (found.images, found.kept, found.ordered_pairs, len(found.manifest))
    assert counts == COUNTS[split]
    for name, pairs, proven in MARKET_DEF_GAN.expected:
        assert proven
        assert pairs == len(built[name].manifest)


def test_training_pairs_are_the_fields(built: dict[str, Built]) -> None:
    assert md5(built["train"].manifest) == "a1cf4331f827b6a83af17f0171f634ac"


@pytest.mark.parametrize("split", list(COUNTS))
def test_pairs_are_what_pandas_makes(built: dict[str, Built], split: str) -> None:
    frame = pd.read_csv(path(split), sep=":")
    y, x = (np.array([json.loads(row) for row in frame[f"keypoints_{axis}"]]) for axis in "yx")
    torso = [8, 11, 5, 2]
    good = (y[:, torso] != -1).all(1) & (x[:, torso] != -1).all(1)
    names = frame["name"][good & ~frame["name"].str.startswith(("-1", "0000")).to_numpy(bool)]
    groups = names.groupby(names.str.split("_").str[0], sort=False)
    pairs = [pair for _, group in groups for pair in permutations(group, 2)]
    table = pd.DataFrame(pairs, columns=["from", "to"])
    if split == "test":
        table = table.sample(n=min(12_000, len(table)), replace=False, random_state=0)
    assert table.to_csv(index=False, lineterminator="\n").encode() == built[split].manifest.csv


@pytest.mark.parametrize("split", list(COUNTS))
def test_pairs_are_those_of_the_lock(built: dict[str, Built], split: str) -> None:
    lock = find_lock("market1501", "def_gan/1", split)
    assert lock is not None
    assert lock.proven is not None
    assert lock.proven.md5 == md5(built[split].manifest)
    verdict = compare(built[split].manifest, lock)
    assert (verdict.kind, verdict.differences, verdict.same_input) == ("proven", (), True)


def test_the_splits_share_nothing(built: dict[str, Built]) -> None:
    found = audit([(split, built[split].manifest) for split in COUNTS])
    for summary in found.files:
        flaws = (summary.across_persons, summary.self_pairs, summary.duplicates)
        assert (*flaws, summary.distractors) == (0, 0, 0, 0)
    (between,) = found.between
    assert (between.pairs, between.images, between.persons) == (0, 0, 0)


def test_masks_are_the_fields(built: dict[str, Built], poses: Poses) -> None:
    rows = dict(zip(poses.names, poses.keypoints, strict=True))
    assert pose_mask(rows["0228_c6s1_052601_01.jpg"], SIZE).sum() == 2389
    targets = np.stack([rows[built["test"].manifest[row].target] for row in range(2000)])
    assert round(float(pose_mask(targets, SIZE).mean()), 3) == 0.310
