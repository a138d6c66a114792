"""The records of set metrics: values, intervals, reasons."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.evaluation.base import score_of_set
from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.metrics import METRICS, sets
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance
from recapbench.evaluation.sets.halves import halves
from recapbench.evaluation.sets.inception_score import inception_score, standard_order
from recapbench.evaluation.sets.kernel import kid_subsets, squared_mmd
from recapbench.evaluation.sets.manifold import inside


def feature_set(n, seed=0, people=None, shift=0.0):
    generator = np.random.default_rng(seed)
    features = np.abs(generator.normal(shift, 1, (n, 6))).astype(np.float32)
    logits = generator.normal(0, 3, (n, 11)).astype(np.float32)
    names = None if people is None else tuple(f"p{i % people}" for i in range(n))
    return FeatureSet(features, logits, names)


def score(name, generated, real=None):
    return score_of_set(METRICS[name], generated, real)


def test_names_and_their_order():
    assert [record.name for record in sets.RECORDS] == [
        "is.def_gan",
        "is.standard",
        "is.patn",
        "mask_is.def_gan",
        "mask_is.standard",
        "fid.test_targets",
        "fid.train_images",
        "kid",
        "precision",
        "recall",
        "is.effnet_lite0",
        "mask_is.effnet_lite0",
        "fid.effnet_lite0",
        "fid.effnet_lite0_train",
        "kid.effnet_lite0",
        "precision.effnet_lite0",
        "recall.effnet_lite0",
    ]


def test_no_column_of_the_offline_network_passes_for_inceptions():
    for record in sets.RECORDS:
        assert (record.extractor == "effnet_lite0") == ("effnet_lite0" in record.name)
        assert ("EfficientNet-Lite0" in record.title) == ("effnet_lite0" in record.name)


@pytest.mark.parametrize(
    ("name", "view", "mask", "real"),
    [
        ("is.patn", "padded", None, None),
        ("mask_is.standard", "masked", "def_gan", None),
        ("fid.train_images", "saved", None, "train_images"),
        ("kid", "saved", None, "targets"),
    ],
)
def test_what_a_record_looks_at(name, view, mask, real):
    record = METRICS[name]
    assert (record.view, record.mask, record.real) == (view, mask, real)


def test_inception_scores_in_order_and_shuffled():
    side = feature_set(37)
    got, shuffled = score("is.def_gan", side), score("is.standard", side)
    assert got.value == inception_score(side.logits)[0]
    assert shuffled.value == inception_score(side.logits[standard_order(37)])[0]
    assert got.value - got.low == pytest.approx(inception_score(side.logits)[1])
    assert got.interval == "one standard deviation over 10 splits"


def test_frechet_has_an_interval_over_persons_and_figures_by_size():
    a, b = feature_set(200, people=25), feature_set(200, 1, people=25, shift=0.4)
    got = score("fid.test_targets", a, b)
    sides = FeatureStatistics.of(a.features), FeatureStatistics.of(b.features)
    assert got.value == frechet_distance(*sides)
    assert got.low < got.value < got.high
    assert got.high - got.value == pytest.approx(got.value - got.low)
    assert "20 random halves of 25 persons" in got.interval
    assert [size.n for size in got.sizes] == [25, 50, 100, 200]
    rows, real_rows = halves(a, b)[7]
    half = FeatureStatistics.of(a.features[rows]), FeatureStatistics.of(b.features[real_rows])
    assert got.halves[7] == frechet_distance(*half)
    assert got.high - got.value == pytest.approx(1.96 * np.std(got.halves, ddof=1))
    assert got.sizes[0].mean > got.value


def test_halves_of_two_methods_are_of_the_same_persons():
    real = feature_set(200, 1, people=25, shift=0.4)
    first, second = feature_set(200, people=25), feature_set(200, 2, people=25)
    for (a, a_real), (b, b_real) in zip(halves(first, real), halves(second, real), strict=True):
        assert (a == b).all()
        assert (a_real == b_real).all()


def test_frechet_to_a_set_of_another_length_without_persons():
    a, b = feature_set(60, people=12), feature_set(333, 1)
    got = score("fid.train_images", a, b)
    assert got.low < got.value < got.high
    assert got.n == 60


def test_kid_is_the_mean_of_its_subsets():
    a, b = feature_set(90, people=30), feature_set(90, 1, people=30, shift=0.4)
    got = score("kid", a, b)
    expected = squared_mmd(a.features, b.features, kid_subsets(90, 90)).mean()
    assert got.value == pytest.approx(expected, rel=1e-12)
    assert got.low < got.value < got.high


def test_interval_of_kid_narrows_with_more_persons():
    def width(n):
        got = score("kid", feature_set(n), feature_set(n, 1, shift=0.4))
        return got.high - got.low

    assert width(800) < width(50)


def test_precision_and_recall():
    a, b = feature_set(80, people=20), feature_set(80, 1, people=20, shift=0.5)
    got, back = score("precision", a, b), score("recall", a, b)
    assert got.value == inside(a.features, b.features).mean()
    assert back.value == inside(b.features, a.features).mean()
    for found in (got, back):
        assert 0 < found.value < 1
        assert found.low <= found.value <= found.high
        assert "20 persons" in found.interval


def test_a_target_that_several_pairs_share_counts_once():
    a, b = feature_set(80), feature_set(80, 1, shift=0.2)
    rows = np.repeat(np.arange(80), 4)  # with copies, every ball would have radius 0
    repeated = FeatureSet(b.features[rows], b.logits[rows])
    for name in ("precision", "recall"):
        assert score(name, a, repeated).value == score(name, a, b).value


def test_a_generator_that_repeats_itself_gains_no_recall():
    b = feature_set(80, 1)
    few = feature_set(5)
    rows = np.repeat(np.arange(5), 16)
    collapsed = FeatureSet(few.features[rows], few.logits[rows])
    assert score("recall", collapsed, b).value == 0


@pytest.mark.parametrize(
    ("name", "n", "reason"),
    [
        ("is.def_gan", 9, "10 splits need 10 images, got 9"),
        ("fid.test_targets", 1, "a covariance needs 2 images of each set, got 1 and 1"),
        ("kid", 1, "an unbiased estimate needs 2 images of each set, got 1 and 1"),
        ("precision", 3, "a manifold needs 4 different real images, got 3"),
        ("recall", 3, "a manifold needs 4 generated images, got 3"),
    ],
)
def test_too_few_images_have_a_reason(name, n, reason):
    got = score(name, feature_set(n), feature_set(n, 1))
    assert (got.value, got.reason, got.n) == (None, reason, n)


@pytest.mark.parametrize("name", ["fid.test_targets", "kid", "precision", "recall"])
@pytest.mark.parametrize("n", [4, 5, 11])
def test_small_sets_have_a_value(name, n):
    got = score(name, feature_set(n), feature_set(n, 1))
    assert got.value is not None


@pytest.mark.parametrize("name", ["fid.test_targets", "kid"])
def test_a_single_person_has_no_interval(name):
    got = score(name, feature_set(30, people=1), feature_set(30, 1, people=1))
    assert got.value is not None
    assert (got.low, got.high, got.interval) == (None, None, None)


def test_equal_sets():
    side = feature_set(40)
    assert score("fid.test_targets", side, side).value == pytest.approx(0, abs=1e-9)
    assert score("precision", side, side).value == 1
    assert score("recall", side, side).value == 1
