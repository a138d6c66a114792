"""PCKh against its published definition, and from joints to scores."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.errors import DataError
from recapbench.evaluation.base import GIVEN_KEYPOINTS, PairedEvaluator, PairedMetric, Share
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import Pair, PairSet
from recapbench.evaluation.pose.pckh import pckh

PICTURE = np.zeros((16, 12, 3), np.uint8)


def person(seed, missing=0.3, spread=20.0):
    generator = np.random.default_rng(seed)
    joints = np.zeros((18, 3), np.float32)
    joints[:, :2] = np.round(generator.uniform(0, spread, (18, 2)))
    joints[:, 2] = 2 * (generator.random(18) >= missing)
    return joints


def literal(generated, target):
    """PATN's script, joint by joint: (found, all), or None for an image that it skips."""
    rows = [tuple(row) if row[2] > 0 else None for row in target]
    head = [rows[joint] for joint in (0, 1, 14, 15, 16, 17) if rows[joint] is not None]
    if len(head) < 2:
        return None
    width = max(row[0] for row in head) - min(row[0] for row in head)
    height = max(row[1] for row in head) - min(row[1] for row in head)
    found = 0
    for wanted, made in zip(rows, generated, strict=True):
        if wanted is not None and made[2] > 0:
            found += (
                abs(wanted[0] - made[0]) < 0.5 * width and abs(wanted[1] - made[1]) < 0.5 * height
            )
    return found, sum(row is not None for row in rows)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
def test_equal_to_the_published_rule(missing):
    skipped = 0
    for seed in range(200):
        generated, target = person(seed, missing), person(seed + 1000, missing)
        expected = literal(generated, target)
        skipped += expected is None
        assert pckh(generated, target) == (None if expected is None else Share(*expected))
    assert (skipped > 0) == (missing > 0)


def head(width=10.0, height=6.0):
    """A target with a nose and a right eye that span a box, and a right wrist."""
    joints = np.zeros((18, 3), np.float32)
    joints[0] = (20, 20, 2)
    joints[14] = (20 + width, 20 + height, 1)
    joints[4] = (40, 60, 2)
    return joints


@pytest.mark.parametrize(
    ("dx", "dy", "found"),
    [(0, 0, 3), (4.9, 2.9, 3), (5, 0, 0), (0, 3, 0), (-4.9, -2.9, 3), (4.9, 3, 0)],
)
def test_the_box_is_strict_and_has_two_sides(dx, dy, found):
    moved = head() + np.float32([dx, dy, 0])
    assert pckh(moved, head()) == Share(found, 3)


def test_a_head_without_width_is_met_by_nothing():
    assert pckh(head(width=0), head(width=0)) == Share(0, 3)


def test_missing_joints_are_misses_and_superfluous_ones_nothing():
    generated = head()
    generated[4] = 0
    generated[9] = (1, 1, 2)
    assert pckh(generated, head()) == Share(2, 3)
    assert pckh(np.zeros((18, 3), np.float32), head()) == Share(0, 3)


def test_coordinates_of_absent_joints_are_not_read():
    generated, target = head(), head()
    generated[9] = target[9] = (np.nan, np.inf, 0)
    assert pckh(generated, target) == Share(3, 3)
    generated[4, 0] = np.nan
    with pytest.raises(DataError, match=r"the generated image's joints: expected finite"):
        pckh(generated, target)


def test_the_figure_is_over_all_joints_and_not_a_mean_of_images():
    """As PATN's script: hits of all images over joints of all images."""
    many, few = person(1, missing=0.0), head()
    none = np.zeros((18, 3), np.float32)
    pairs = PairSet(
        generated=[PICTURE] * 3,
        targets=[PICTURE] * 3,
        target_keypoints=[many, few, none],
        generated_keypoints=[many, none, many],
        identities=["a", "b", "c"],
    )
    (score,) = evaluate(pairs, metrics=["pckh"])
    assert score.value == 18 / 21
    assert score.n == 2  # the third has no head
    assert (score.low, score.high) == (0.0, 1.0)
    assert score.extractor == GIVEN_KEYPOINTS
    assert score.higher_is_better


def test_given_joints_need_no_network():
    pairs = PairSet(
        generated=[PICTURE],
        targets=[PICTURE],
        target_keypoints=[head()],
        generated_keypoints=[head()],
    )
    metric = METRICS["pckh"].measured(pairs, Networks(pose_estimator="nobody"))
    assert isinstance(metric, PairedMetric)
    assert metric.needs == ("generated", "target", "keypoints")


def test_reasons():
    def of(**given):
        pairs = PairSet(generated=[PICTURE], targets=[PICTURE], **given)
        return evaluate(pairs, metrics=["pckh"])[0]

    nobody = np.zeros((18, 3), np.float32)
    assert of(generated_keypoints=[head()]).reason == (
        "needs the joints of the targets, and none were given"
    )
    score = of(generated_keypoints=[head()], target_keypoints=[nobody])
    assert (score.value, score.n, score.reason) == (None, 0, "no target has two joints of the head")


def test_bad_joints_are_named():
    bad = head()
    bad[0, 0] = np.nan
    pairs = PairSet(
        generated=[PICTURE] * 2,
        targets=[PICTURE] * 2,
        target_keypoints=[head(), head()],
        generated_keypoints=[head(), bad],
    )
    with pytest.raises(DataError, match=r"generated image 1: .*expected finite"):
        evaluate(pairs, metrics=["pckh"])


def test_merged_shares_equal_a_single_pass():
    given = Networks()
    one = PairSet(generated=[PICTURE], targets=[PICTURE], generated_keypoints=[head()])
    metric = METRICS["pckh"].measured(one, given)
    whole, parts = PairedEvaluator(metric), [PairedEvaluator(metric) for _ in range(2)]
    for seed in range(20):
        joints = {"generated_keypoints": person(seed), "target_keypoints": person(seed // 2, 0.1)}
        pair = Pair(PICTURE, PICTURE, **joints)
        whole.update(pair, str(seed // 3))
        parts[seed // 10].update(pair, str(seed // 3))
    parts[0].merge(parts[1])
    assert parts[0].compute() == whole.compute()
    assert whole.compute().low < whole.compute().value < whole.compute().high
