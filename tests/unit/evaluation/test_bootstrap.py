"""The interval over identities."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.evaluation.bootstrap import interval


def people(count, pairs, spread=1.0, seed=0):
    generator = np.random.default_rng(seed)
    means = generator.normal(size=count) * spread
    values = [float(mean + 0.01 * generator.normal()) for mean in means for _ in range(pairs)]
    return values, [f"p{i}" for i in range(count) for _ in range(pairs)]


def test_same_every_time():
    assert interval(*people(20, 5)) == interval(*people(20, 5))


def test_names_and_their_order_do_not_matter_to_width():
    values, names = people(20, 5)
    low, high = interval(values, names)
    assert low < np.mean(values) < high


def test_near_the_normal_interval_for_independent_people():
    values, names = people(400, 1)
    half = 1.96 * np.std(values) / np.sqrt(400)
    low, high = interval(values, names)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)


def test_pairs_of_one_person_are_not_independent():
    values, names = people(20, 50)
    alone = [str(i) for i in range(len(values))]
    low, high = interval(values, names)
    narrow_low, narrow_high = interval(values, alone)
    assert high - low > 3 * (narrow_high - narrow_low)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_fewer_than_two_people(values):
    assert interval(values, ["a"] * len(values)) is None


def test_people_with_many_pairs_weigh_more():
    low, high = interval([0.0] * 99 + [1.0], ["a"] * 99 + ["b"])
    assert (low, high) == (0.0, 1.0)


def test_shares_are_resampled_with_their_wholes():
    """Found of all joints: a person whose pairs have many joints weighs more."""
    assert interval([9.0, 0.0], ["a", "b"], wholes=[9.0, 1.0]) == (0.0, 1.0)
    values, names = people(40, 3)
    low, high = interval(values, names)
    doubled = interval([2 * value for value in values], names, wholes=[2.0] * len(values))
    assert doubled == pytest.approx((low, high), rel=1e-12)
    assert interval(values, names, wholes=[1.0] * len(values)) == (low, high)
    uneven = [float(1 + index % 5) for index in range(len(values))]
    low, high = interval(values, names, wholes=uneven)
    assert low < sum(values) / sum(uneven) < high
