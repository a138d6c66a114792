"""KID against torch-fidelity and against the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from recapbench.evaluation.sets import kernel
from recapbench.evaluation.sets.kernel import kid_subsets, squared_mmd


def features(n, d=24, seed=0, shift=0.0):
    return np.abs(np.random.default_rng(seed).normal(shift, 1, (n, d))).astype(np.float32)


def by_torch_fidelity(a, b):
    sides = (torch.from_numpy(side.astype(np.float64)) for side in (a, b))
    size = min(1000, len(a), len(b))
    return kid_features_to_metric(*sides, kid_subset_size=size, verbose=False)


@pytest.mark.parametrize(("n", "m"), [(60, 60), (50, 90), (90, 50), (1100, 1050)])
def test_equals_torch_fidelity(n, m):
    a, b = features(n), features(m, seed=1, shift=0.3)
    got, theirs = squared_mmd(a, b, kid_subsets(n, m)), by_torch_fidelity(a, b)
    assert len(got) == 100
    assert got.mean() == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)
    assert got.std() == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6, abs=1e-12)


def test_its_own_float32_is_where_it_differs():
    """torch-fidelity adds up in float32: its rounding is below 1e-6 of the kernel's values."""
    a, b = features(200), features(200, seed=1, shift=0.3)
    got = squared_mmd(a, b, kid_subsets(200, 200)).mean()
    sides = torch.from_numpy(a), torch.from_numpy(b)
    theirs = kid_features_to_metric(*sides, kid_subset_size=200, verbose=False)
    scale = float(((a @ a.T / 24 + 1.0) ** 3).mean())
    assert abs(got - theirs["kernel_inception_distance_mean"]) < 1e-6 * scale


def literal(x, y):
    """The unbiased estimate as it is written down: sums over pairs, one by one."""

    def k(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    within = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@pytest.mark.parametrize("block", [4, 7, 1024])
def test_subsets_of_several_sizes(monkeypatch, block):
    monkeypatch.setattr(kernel, "_BLOCK", block)
    a, b = features(19).astype(np.float64), features(13, seed=1).astype(np.float64)
    subsets = [
        (np.arange(19), np.arange(13)),
        (np.array([3, 0, 18]), np.array([5, 12, 1, 2])),
        (np.array([8, 9]), np.array([0, 1])),
    ]
    got = squared_mmd(a, b, subsets)
    expected = [literal(a[rows], b[others]) for rows, others in subsets]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_equal_sets_are_near_zero_and_may_be_below():
    a = features(200)
    (got,) = squared_mmd(a, a, [(np.arange(200), np.arange(200))])
    assert got < 0
    assert abs(got) < 0.1
