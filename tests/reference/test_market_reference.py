"""Figures of the field on Market-1501's public annotation files, where these are at hand.

The files lie beside the checkout, in ``../shared/data/market1501``; without them the tests are
skipped. ``tests/unit/data`` proves the same code on small examples.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from recapbench.data.manifest import Manifest, from_indices
from recapbench.data.pose import pose_mask
from recapbench.data.protocols import ordered_pairs, sample_rows

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "market1501"
SIZE = (128, 64)
TORSO = [2, 5, 8, 11]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="Market-1501's annotation files are not beside the checkout"
)

Poses = dict[str, npt.NDArray[np.float32]]


def read(split: str) -> Poses:
    """Joints by image name, in the file's order."""
    with (FOLDER / f"market-annotation-{split}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=":"))
    found = {}
    for row in rows:
        y, x = (np.array(json.loads(row[f"keypoints_{axis}"])) for axis in "yx")
        found[row["name"]] = np.stack([x, y, 2 * ((x >= 0) & (y >= 0))], 1).astype(np.float32)
    return found


def kept(poses: Poses) -> list[str]:
    """Images of known persons whose four torso joints are there."""
    return [
        name
        for name, joints in poses.items()
        if not name.startswith(("-1", "0000")) and joints[TORSO, 2].all()
    ]


def manifest(names: list[str], indices: npt.NDArray[np.int64]) -> Manifest:
    return from_indices(
        names, indices, dataset="market1501", split="", protocol="def_gan", identities=0
    )


def test_training_pairs_are_the_fields() -> None:
    poses = read("train")
    names = kept(poses)
    rows = ordered_pairs([name.split("_")[0] for name in names])
    assert (len(poses), len(names), len(rows)) == (12936, 12116, 263632)
    digest = hashlib.md5(manifest(names, rows).csv, usedforsecurity=False).hexdigest()
    assert digest == "a1cf4331f827b6a83af17f0171f634ac"


def test_masks_are_the_fields() -> None:
    poses = read("test")
    names = kept(poses)
    rows = ordered_pairs([name.split("_")[0] for name in names])
    assert (len(poses), len(names), len(rows)) == (19732, 12344, 257198)
    assert pose_mask(poses["0228_c6s1_052601_01.jpg"], SIZE).sum() == 2389
    sampled = rows[sample_rows(len(rows), 12000)]
    targets = np.stack([poses[names[target]] for target in sampled[:2000, 1]])
    assert round(float(pose_mask(targets, SIZE).mean()), 3) == 0.310
