"""Random halves of persons, and what comes of them."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance
from recapbench.evaluation.sets.halves import HALVES, half_interval, half_text, halves
from recapbench.evaluation.sets.sample_size import DRAWS, by_size


def feature_set(n, identities=None, seed=0, d=3):
    values = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return FeatureSet(values, values, tuple(identities) if identities is not None else None)


def persons(n, each=3):
    return [f"p{i // each}" for i in range(n)]


@pytest.mark.parametrize("people", [4, 5, 12])
def test_a_half_has_the_same_persons_in_both_sets(people):
    names = persons(3 * people)
    generated, real = (
        feature_set(3 * people, names),
        feature_set(2 * people, persons(2 * people, 2)),
    )
    found = halves(generated, real)
    assert len(found) == HALVES
    sizes = set()
    for first, second in found:
        kept = {generated.identities[i] for i in first}
        assert kept == {real.identities[i] for i in second}
        assert len(first) == 3 * len(kept)  # all images of a person, or none
        sizes.add(len(kept))
    assert sizes == {people // 2, (people + 1) // 2}
    assert len({tuple(first) for first, _ in found}) > 1


def test_halves_are_the_same_at_every_call():
    sides = feature_set(30, persons(30)), feature_set(30, persons(30))
    for once, again in zip(halves(*sides), halves(*sides), strict=True):
        np.testing.assert_array_equal(once[0], again[0])
        np.testing.assert_array_equal(once[1], again[1])


def test_a_set_without_persons_is_halved_by_images():
    found = halves(feature_set(30, persons(30)), feature_set(41))
    assert {len(second) for _, second in found} == {20, 21}
    assert {len(first) for first, _ in found} == {15}
    assert any(not np.array_equal(second, found[0][1]) for _, second in found)


@pytest.mark.parametrize("sides", [(9, 9), (9, 30), (30, 9)])
def test_too_few_persons_have_no_halves(sides):
    generated, real = (feature_set(n, persons(n)) for n in sides)
    if sides == (9, 9):
        assert halves(generated, real) == []
    assert halves(feature_set(3), feature_set(30)) == []


def test_interval_of_a_mean_is_the_textbooks():
    """For a mean, halves vary as the mean itself does: sd / sqrt(n), within 20 draws' chance."""
    reach = []
    for seed in range(30):
        side = feature_set(400, seed=seed)
        figures = [float(side.features[rows, 0].mean()) for rows, _ in halves(side, side)]
        low, high = half_interval(0.0, figures)
        assert low == -high
        reach.append(high)
    assert np.mean(reach) == pytest.approx(1.96 / np.sqrt(400), rel=0.15)


def test_interval_without_figures():
    assert half_interval(1.0, []) is None
    assert half_interval(1.0, [2.0]) is None
    assert half_interval(1.0, [2.0, 2.0]) == (1.0, 1.0)


def test_text():
    assert "20 random halves of 10 persons" in half_text(feature_set(30, persons(30)))
    assert "20 random halves of 30 images" in half_text(feature_set(30))


def distance(a, b):
    def figure(first, second):
        sides = (FeatureStatistics.of(x.features, rows) for x, rows in ((a, first), (b, second)))
        return frechet_distance(*sides)

    return figure


def test_sizes_show_the_bias_of_small_sets():
    """Two samples of one distribution: the distance is all bias, and falls with n."""
    a, b = feature_set(800, d=12), feature_set(800, seed=1, d=12)
    figure = distance(a, b)
    value = figure(np.arange(800), np.arange(800))
    sizes = by_size(value, a, b, figure)
    assert [size.n for size in sizes] == [100, 200, 400, 800]
    means = [size.mean for size in sizes]
    assert means == sorted(means, reverse=True)
    assert means[-1] == value
    assert [size.draws for size in sizes] == [DRAWS, DRAWS, DRAWS, 1]
    assert sizes[-1].std is None


def test_parts_of_pairs_are_pairs():
    a = feature_set(80)
    by_size(
        0.0, a, a, lambda first, second: float(np.testing.assert_array_equal(first, second) or 0)
    )


def test_parts_of_sets_of_two_lengths_keep_the_proportion():
    seen = []
    by_size(
        0.0,
        feature_set(80),
        feature_set(240),
        lambda *rows: seen.append(list(map(len, rows))) or 0.0,
    )
    assert seen == [[10, 30]] * DRAWS + [[20, 60]] * DRAWS + [[40, 120]] * DRAWS


def test_small_sets_have_no_parts():
    a = feature_set(19)
    assert [size.n for size in by_size(1.0, a, a, lambda *_: 0.0)] == [19]
