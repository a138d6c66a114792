"""Precision and recall against torch-fidelity, and where distances are equal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from recapbench.evaluation.sets import manifold
from recapbench.evaluation.sets.manifold import distinct, inside


def features(n, d=16, seed=0, shift=0.0, spread=1.0):
    return np.random.default_rng(seed).normal(shift, spread, (n, d)).astype(np.float32)


@pytest.mark.parametrize("block", [7, 1024])
@pytest.mark.parametrize(("n", "m"), [(4, 4), (120, 120), (100, 161), (161, 50)])
def test_equals_torch_fidelity(monkeypatch, n, m, block):
    monkeypatch.setattr(manifold, "_BLOCK", block)
    a, b = features(n, spread=0.9), features(m, seed=1, shift=0.1)
    theirs = prc_features_to_metric(torch.from_numpy(a), torch.from_numpy(b), verbose=False)
    assert inside(a, b).mean() == pytest.approx(theirs["precision"], abs=1e-6)
    assert inside(b, a).mean() == pytest.approx(theirs["recall"], abs=1e-6)


def literal(points, others):
    def gaps(x):
        return np.sqrt(((others - x) ** 2).sum(1))

    radii = np.array([np.sort(gaps(x))[3] for x in others])
    return np.array([(gaps(x) <= radii).any() for x in points])


def test_equals_the_definition():
    a, b = features(80).astype(np.float64), features(90, seed=1, shift=0.2).astype(np.float64)
    found = inside(a, b)
    assert 0 < found.mean() < 1
    np.testing.assert_array_equal(found, literal(a, b))


def test_a_far_mean_costs_no_digits():
    """Products of features far from 0 cancel; those of centred ones do not."""
    a, b = features(80).astype(np.float64), features(90, seed=1, shift=0.2).astype(np.float64)
    np.testing.assert_array_equal(inside(a + 1e6, b + 1e6), inside(a, b))


def test_a_point_at_the_very_edge_is_inside():
    """Neighbour 3 of 0 is 3: a point at -3 is reached, one beyond it is not."""
    line = np.array([0.0, 1.0, 2.0, 3.0, 100.0])[:, None]
    points = np.array([-3.0, -3.0 - 1e-6])[:, None]
    np.testing.assert_array_equal(inside(points, line), [True, False])


def test_copies_of_real_images_are_inside():
    """A generated image that equals a real one, whatever the order of summation."""
    real = features(50, d=200)
    assert inside(real[::-1].copy(), real).all()
    copies = np.repeat(real, 4, axis=0)  # every ball has radius 0
    assert inside(real, copies).all()
    assert not inside(real + np.float32(1e-3), copies).any()


def test_far_sets():
    assert not inside(features(20, shift=50.0), features(20)).any()


def test_few_images():
    with pytest.raises(ValueError, match="neighbour 3, got 3 images"):
        inside(features(5), features(3))


def test_distinct():
    rows = features(4)
    np.testing.assert_array_equal(distinct(rows[[2, 0, 2, 1, 0, 3]]), [0, 1, 3, 5])
