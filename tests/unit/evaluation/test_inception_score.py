"""The Inception score against torch-fidelity, and its dependence on order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric

from recapbench.evaluation.sets.inception_score import inception_score, standard_order


def logits(n, classes=50, scale=3.0, seed=0):
    return (np.random.default_rng(seed).normal(size=(n, classes)) * scale).astype(np.float32)


@pytest.mark.parametrize("n", [10, 11, 37, 200])
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_equals_torch_fidelity(n, scale):
    values = logits(n, scale=scale)
    theirs = isc_features_to_metric(torch.from_numpy(values), splits=10, shuffle=False)
    mean, std = inception_score(values)
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert std == pytest.approx(theirs["inception_score_std"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("n", [20, 37, 200])
def test_standard_order_is_torch_fidelitys_shuffle(n):
    values = logits(n)
    theirs = isc_features_to_metric(torch.from_numpy(values))  # its defaults
    mean, std = inception_score(values[standard_order(n)])
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert std == pytest.approx(theirs["inception_score_std"], rel=1e-9)
    assert mean != inception_score(values)[0]


def test_the_order_of_the_images_matters():
    values = logits(40)
    assert inception_score(values)[0] != inception_score(np.sort(values, axis=0))[0]
    turned = np.concatenate([values[1:], values[:1]])
    assert inception_score(values)[0] != inception_score(turned)[0]


def test_the_last_images_count():
    values = logits(43)
    other = values.copy()
    other[-1] = other[-1][::-1]
    assert inception_score(values)[0] != inception_score(other)[0]


def test_equal_images_score_one():
    assert inception_score(np.tile(logits(1), (20, 1))) == pytest.approx((1.0, 0.0))


def test_impossible_classes_do_no_harm():
    values = np.full((20, 5), -1e4, np.float32)
    values[:, 0] = 0
    assert inception_score(values) == pytest.approx((1.0, 0.0))


def test_sure_and_even_scores_the_number_of_classes():
    values = np.where(np.eye(5)[np.arange(100) % 5] > 0, 1000.0, 0.0)
    assert inception_score(values) == pytest.approx((5.0, 0.0))


def test_fewer_images_than_splits():
    with pytest.raises(ValueError, match="10 splits need at least 10 images, got 9"):
        inception_score(logits(9))
