"""Differences of two methods on the same pairs and on the same halves."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.errors import DataError
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.differences import difference_on_halves, difference_on_pairs
from recapbench.evaluation.pair_values import PairValues

N = 12
PAIRS = tuple((f"a{i},1.png", f"b{i}.png") for i in range(N))
PERSONS = tuple(str(i // 3) for i in range(N))


def values(seed: int, **more: list[float | None]) -> PairValues:
    drawn = np.random.default_rng(seed).random(N).tolist()
    return PairValues(PAIRS, PERSONS, {"l1": drawn, **more})


def test_a_difference_is_of_pairs_and_its_interval_of_persons():
    first, second = values(1), values(2)
    gaps = np.subtract(first.metrics["l1"], second.metrics["l1"])
    mean, low, high = difference_on_pairs(first, second, "l1")
    assert mean == pytest.approx(gaps.mean(), rel=1e-12)
    assert (low, high) == interval(gaps.tolist(), PERSONS)
    assert difference_on_pairs(second, first, "l1") == pytest.approx((-mean, -high, -low))


def test_what_is_hard_for_everybody_falls_out():
    first = values(3)
    second = PairValues(PAIRS, PERSONS, {"l1": [v + 0.001 for v in first.metrics["l1"]]})
    mean, low, high = difference_on_pairs(first, second, "l1")
    assert low == pytest.approx(-0.001)
    assert high == pytest.approx(-0.001)
    assert mean < 0


def test_pairs_without_a_value_are_left_out():
    first, second = values(1, psnr=[None, *([2.0] * (N - 1))]), values(2, psnr=[1.0] * N)
    assert difference_on_pairs(first, second, "psnr")[0] == pytest.approx(1.0)


def test_other_pairs_and_other_metrics_are_refused():
    first = values(1)
    with pytest.raises(DataError, match="same pairs"):
        difference_on_pairs(first, PairValues(PAIRS[::-1], PERSONS, first.metrics), "l1")
    with pytest.raises(DataError, match="expected values of psnr, got l1"):
        difference_on_pairs(first, first, "psnr")


def test_halves_are_subtracted_one_by_one():
    halves = np.random.default_rng(0).random((2, 20))
    mean, low, high = difference_on_halves(0.5, *halves.tolist())
    assert mean == 0.5
    assert high - mean == pytest.approx(1.96 * np.std(halves[0] - halves[1], ddof=1))
    assert mean - low == pytest.approx(high - mean)


def test_halves_that_are_hard_for_both_fall_out():
    hard = np.random.default_rng(0).random(20)
    found = difference_on_halves(-0.1, (hard - 0.1).tolist(), hard.tolist())
    assert found.is_sure
    assert found == pytest.approx((-0.1, -0.1, -0.1))


def test_other_halves_or_none_have_no_difference():
    assert difference_on_halves(0.5, [1.0, 2.0], [1.0, 2.0, 3.0]) is None
    assert difference_on_halves(0.5, [], []) is None


def test_zero_inside_is_not_sure():
    assert not difference_on_halves(0.1, [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]).is_sure
