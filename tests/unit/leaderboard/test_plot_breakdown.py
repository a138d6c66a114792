"""Values of single pairs in groups: the groups, their figures, and what is drawn of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from recapbench.data.datasets import find_dataset
from recapbench.data.pose_distance import pose_distance, torso_length
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.pair_values import PairValues
from recapbench.leaderboard.plots.breakdown import (
    Breakdown,
    breakdown,
    breakdown_figure,
    breakdown_plot,
    common_metrics,
    find_grouping,
)
from recapbench.leaderboard.plots.groups import GROUPINGS, binned, turn_name, view_name

Pose = npt.NDArray[np.float32]
HIGHER = {"l1": False, "ssim.def_gan": True}


def pose(torso: float = 20.0) -> Pose:
    """All joints at x = 10; neck at y = 10, both hips one torso below it."""
    joints = np.full((18, 3), (10.0, 10.0, 2.0), dtype=np.float32)
    joints[[8, 11], 1] = 10.0 + torso
    return joints


def test_moving_all_joints_by_a_torso_is_a_distance_of_one() -> None:
    moved = pose()
    moved[:, 0] += 20.0
    assert pose_distance(pose(), moved) == pytest.approx(1.0)
    assert pose_distance(moved, pose()) == pytest.approx(1.0)
    assert pose_distance(pose(), pose()) == 0.0


def test_distance_is_the_mean_over_joints_that_are_in_both() -> None:
    moved = pose()
    moved[4] = (10.0, 50.0, 1.0)  # hidden, 40 pixels off: two torsos
    moved[7] = (1e6, np.nan, 0.0)
    assert pose_distance(pose(), moved) == pytest.approx(2.0 / 17)


def test_torso_is_that_of_the_pose_that_has_one() -> None:
    upper = pose()
    upper[[8, 11]] = (np.nan, np.nan, 0.0)
    upper[:, 0] += 10.0
    assert torso_length(upper) is None
    assert pose_distance(pose(), upper) == pytest.approx(0.5)
    assert pose_distance(upper, upper) is None
    assert pose_distance(pose(20.0), pose(40.0)) == pytest.approx((2 * 20 / 18) / 30)


def test_too_few_joints_have_no_distance() -> None:
    few = pose()
    few[[0, *range(2, 8), *range(9, 11), *range(12, 18)], 2] = 0  # neck and hips are left
    assert torso_length(few) == 20.0
    assert pose_distance(few, pose()) is None


def test_bins_have_equally_many_and_share_no_value() -> None:
    places, values = list(range(10, 20)), [float(value) for value in range(10)]
    found = binned(places, values, 5, "torsos")
    assert [len(places) for places in found.values()] == [2] * 5
    assert next(iter(found)) == "0.00 to 1.80 torsos"
    ties = binned(list(range(6)), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0], 3, "m")
    assert sorted(place for places in ties.values() for place in places) == list(range(6))
    assert binned([3, 4], [1.0, 1.0], 5, "m") == {"1.00 m": [3, 4]}
    assert binned([], [], 5, "m") == {}


def test_views_and_turns_are_the_same_both_ways_round() -> None:
    yaws = (0, -30, 45, -45, 90, 270, 180, -180, 359)
    assert [view_name(yaw) for yaw in yaws] == [
        "front", "front", "three-quarter", "three-quarter", "side", "side", "back", "back", "front"
    ]  # fmt: skip
    assert turn_name(350.0, 20.0) == turn_name(20.0, 350.0) == "30 to 60°"
    assert turn_name(0.0, 180.0) == turn_name(-90.0, 90.0) == "135 to 180°"


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory, shared_home: object) -> Split:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        return find_dataset("mannequin").open("test", "tiny")


@pytest.fixture(scope="module")
def values(split: Split) -> dict[str, PairValues]:
    """Two runs: the second has no SSIM of the first pair."""
    pairs = tuple(tuple(pair) for pair in split.manifest())
    persons = tuple(split.identity(source) for source, _ in pairs)
    l1 = [0.1 + 0.01 * place for place in range(len(pairs))]
    ssim = [0.9 - 0.02 * place for place in range(len(pairs))]
    first = PairValues(pairs, persons, {"l1": l1, "ssim.def_gan": ssim, "other": l1})
    second = PairValues(pairs, persons, {"l1": ssim, "ssim.def_gan": [None, *l1[1:]]})
    return {"first": first, "second": second}


@pytest.mark.parametrize("by", list(GROUPINGS))
def test_a_group_has_the_mean_and_the_interval_of_its_own_pairs(
    by: str, split: Split, values: dict[str, PairValues]
) -> None:
    figures = breakdown(values, split, find_grouping(by), HIGHER)
    table = values["first"]
    pairs = split.manifest()
    places = find_grouping(by).places(split, list(pairs))
    assert [group.title for group in figures.groups] == [t for t, own in places.items() if own]
    for group in figures.groups:
        own = places[group.title]
        cell = figures.cells["first", "l1", group.title]
        assert group.n == cell.n == len(own)
        numbers = [table.metrics["l1"][place] for place in own]
        persons = [table.persons[place] for place in own]
        assert cell.mean == pytest.approx(np.mean(numbers))
        assert group.persons == len(set(persons))
        ends = interval(numbers, persons)
        assert cell.ends is None if ends is None else cell.ends == pytest.approx(ends)


def test_parts_are_those_of_the_target(split: Split) -> None:
    pairs = list(split.manifest())
    hair = find_grouping("part").places(split, pairs)["hair"]
    expected = [
        place
        for place, pair in enumerate(pairs)
        if (split.labels(pair.target) == 2).mean() >= 0.001
    ]
    assert hair == expected


def one_figure(split: Split, values: dict[str, PairValues]) -> Breakdown:
    return breakdown(values, split, find_grouping("view"), HIGHER)


def test_every_run_and_group_is_drawn_and_nothing_at_zero(
    split: Split, values: dict[str, PairValues]
) -> None:
    figures = one_figure(split, values)
    panels = breakdown_figure(figures).axes
    assert len(panels) == 2
    for panel, metric in zip(panels, HIGHER, strict=True):
        drawn = [float(line.get_xdata()[0]) for line in panel.lines if line.get_marker() != "None"]
        expected = [
            cell.mean
            for (_, name, _), cell in figures.cells.items()
            if name == metric and cell.mean is not None
        ]
        assert sorted(drawn) == pytest.approx(sorted(expected))
        assert 0.0 not in drawn
    titles = [label.get_text() for label in panels[0].get_yticklabels()]
    assert titles == [f"{group.title}  (n = {group.n})" for group in figures.groups]


def test_a_run_looks_the_same_in_whatever_order_runs_are_given(
    split: Split, values: dict[str, PairValues]
) -> None:
    found = []
    for names in (["first", "second"], ["second", "first"]):
        figure = breakdown_figure(one_figure(split, {name: values[name] for name in names}))
        handles = figure.legends[0].get_lines()
        assert [line.get_label() for line in handles] == names
        found.append({line.get_label(): (line.get_color(), line.get_marker()) for line in handles})
    assert found[0] == found[1]


def test_missing_values_and_empty_groups_are_said(
    split: Split, values: dict[str, PairValues]
) -> None:
    figures = one_figure(split, values)
    svg = breakdown_plot(figures, "svg").decode()
    total = len(values["first"].pairs)
    assert f"second has no value of ssim.def_gan for 1 of {total} pairs." in svg
    assert figures.empty
    assert f"Without a pair: {', '.join(figures.empty)}." in svg
    assert svg == breakdown_plot(one_figure(split, values), "svg").decode()


def test_metrics_are_those_that_all_runs_have(values: dict[str, PairValues]) -> None:
    assert common_metrics(values, None) == ("l1", "ssim.def_gan")
    assert common_metrics({"first": values["first"]}, ("other",)) == ("other",)
    with pytest.raises(UsageError, match="unknown metric with values of single pairs 'other'"):
        common_metrics(values, ("other",))


def test_mistakes(split: Split, values: dict[str, PairValues]) -> None:
    with pytest.raises(UsageError, match="Did you mean 'garment'"):
        find_grouping("garments")
    short = PairValues(values["first"].pairs[:2], values["first"].persons[:2], {"l1": [0.1, 0.2]})
    with pytest.raises(UsageError, match="several lists of pairs"):
        breakdown({"a": values["first"], "b": short}, split, find_grouping("view"), {"l1": False})
    plain = Split(find_dataset("market1501"), "test", split.root, split.entries, split.keypoints)
    with pytest.raises(DataError, match="group by part or pose_distance"):
        breakdown(values, plain, find_grouping("view"), HIGHER)
