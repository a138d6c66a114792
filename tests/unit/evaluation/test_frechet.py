"""The Frechet distance against scipy, torch-fidelity and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm
from torch_fidelity.metric_fid import fid_statistics_to_metric

from recapbench.evaluation.sets.frechet import (
    FeatureStatistics,
    frechet_distance,
    gaussian_distance,
)


def samples(n, d, seed=0, rank=None):
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(rank or d, d))
    return generator.normal(size=(n, rank or d)) @ mixing + generator.normal(size=d)


def distance(a, b):
    return frechet_distance(FeatureStatistics.of(a), FeatureStatistics.of(b))


def by_sqrtm(a, b):
    cov1, cov2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(cov1 + cov2) - 2 * np.trace(sqrtm(cov1 @ cov2).real)


def by_torch_fidelity(a, b):
    sides = ({"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)} for x in (a, b))
    return fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]


@pytest.mark.parametrize(("n", "m"), [(100, 90), (400, 300), (24, 24)])
def test_full_rank_equals_both_oracles(n, m):
    a, b = samples(n, 20, 1), samples(m, 20, 2)
    assert distance(a, b) == pytest.approx(by_sqrtm(a, b), rel=1e-8)
    assert distance(a, b) == pytest.approx(by_torch_fidelity(a, b), rel=1e-8)


@pytest.mark.parametrize(("n", "m"), [(10, 12), (10, 300), (300, 10), (2, 2), (60, 59), (59, 61)])
def test_fewer_samples_than_dimensions(n, m):
    a, b = samples(n, 60, 1), samples(m, 60, 2)
    assert distance(a, b) == pytest.approx(by_torch_fidelity(a, b), rel=1e-5)


def test_one_dimension_of_each():
    """(m1 - m2)^2 + (s1 - s2)^2."""
    a, b = samples(30, 1, 1), samples(40, 1, 2)
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_diagonal_gaussians():
    """|m1 - m2|^2 + sum (s1 - s2)^2, zeros among the deviations too."""
    generator = np.random.default_rng(0)
    mean1, mean2, sd1, sd2 = generator.uniform(0, 3, (4, 8))
    for zeros in ([], [0, 3]):
        sd1[zeros] = 0
        expected = ((mean1 - mean2) ** 2).sum() + ((sd1 - sd2) ** 2).sum()
        got = gaussian_distance(mean1, np.diag(sd1**2), mean2, np.diag(sd2**2))
        assert got == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_one_regular_and_one_singular_covariance(seed):
    """Commuting covariances in a turned frame: sum (s1 - s2)^2 again."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(generator.normal(size=(40, 40)))[0]
    sd1, sd2 = generator.uniform(1, 3, (2, 40))
    sd2[10:] = 0
    covariances = [(turn * sd**2) @ turn.T for sd in (sd1, sd2)]
    zero = np.zeros(40)
    expected = ((sd1 - sd2) ** 2).sum()
    for first, second in (covariances, covariances[::-1]):
        assert gaussian_distance(zero, first, zero, second) == pytest.approx(expected, rel=1e-10)


def test_scaled_gaussian():
    """S2 = c^2 S1: tr S1 (1 - c)^2."""
    covariance = np.cov(samples(200, 12), rowvar=False)
    zero = np.zeros(12)
    got = gaussian_distance(zero, covariance, zero, 9 * covariance)
    assert got == pytest.approx(4 * np.trace(covariance), rel=1e-10)


@pytest.mark.parametrize(("n", "rank"), [(200, None), (200, 5), (10, None), (10, 3)])
def test_equal_sets_are_at_zero(n, rank):
    a = samples(n, 30, rank=rank)
    scale = np.trace(np.cov(a, rowvar=False))
    assert 0 <= distance(a, a.copy()) <= 1e-9 * scale
    assert 0 <= distance(a, a[::-1].copy()) <= 1e-9 * scale


def test_singular_covariances():
    """n >= d and rank < d: only a shift of the mean is left."""
    a = samples(200, 30, rank=5)
    assert distance(a, a + 2.0) == pytest.approx(30 * 4.0, rel=1e-8)


def test_dead_features():
    a, b = samples(100, 20, 1), samples(100, 20, 2)
    wide = [np.concatenate([x, np.zeros((100, 7))], axis=1) for x in (a, b)]
    assert distance(*wide) == pytest.approx(distance(a, b), rel=1e-9)


def test_constant_sets():
    a, b = np.ones((50, 8)), np.full((50, 8), 3.0)
    assert distance(a, b) == pytest.approx(32.0)
    assert distance(a, a) == 0.0


@pytest.mark.parametrize("cuts", [[50], [1, 2, 3], [29, 30, 31], [99]])
@pytest.mark.parametrize("n", [100, 25])
def test_merged_parts_equal_a_single_pass(cuts, n):
    a, other = samples(n, 30), FeatureStatistics.of(samples(80, 30, 5))
    whole, merged = FeatureStatistics.of(a), FeatureStatistics(30)
    for part in np.split(a, cuts):
        merged.merge(FeatureStatistics.of(part))
    assert merged.n == whole.n == n
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-13)
    np.testing.assert_allclose(merged.covariance, whole.covariance, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(whole.covariance, np.cov(a, rowvar=False), rtol=1e-11, atol=1e-11)
    assert frechet_distance(merged, other) == pytest.approx(frechet_distance(whole, other), 1e-10)


def test_merging_leaves_the_other_as_it_was():
    first, second = FeatureStatistics.of(samples(40, 30)), FeatureStatistics.of(samples(9, 30, 1))
    before = second.covariance
    first.merge(second)
    first.update(samples(9, 30, 2))
    np.testing.assert_array_equal(second.covariance, before)


def test_batches_equal_a_single_pass():
    a = samples(101, 30)
    stream = FeatureStatistics(30)
    for start in range(0, 101, 7):
        stream.update(a[start : start + 7])
    np.testing.assert_allclose(stream.covariance, np.cov(a, rowvar=False), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("n", [1, 20, 29, 30, 31, 2500])
def test_rows_equal_an_array_of_those_rows(n):
    a = samples(2600, 30)
    rows = np.random.default_rng(0).permutation(2600)[:n]
    some, copied = FeatureStatistics.of(a, rows), FeatureStatistics(30)
    copied.update(a[rows])
    assert some.n == copied.n == n
    np.testing.assert_allclose(some.mean, a[rows].mean(0), rtol=1e-12)
    if n > 1:
        expected = np.cov(a[rows], rowvar=False)
        np.testing.assert_allclose(some.covariance, expected, rtol=1e-10, atol=1e-10)


def test_bad_input():
    one = FeatureStatistics.of(np.ones((1, 4)))
    with pytest.raises(ValueError, match="2 samples"):
        frechet_distance(one, FeatureStatistics.of(np.ones((5, 4))))
    with pytest.raises(ValueError, match="dimensions differ"):
        frechet_distance(FeatureStatistics(3), one)
    with pytest.raises(ValueError, match=r"expected features of shape \(n,4\)"):
        one.update(np.ones((2, 5)))
