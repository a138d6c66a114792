"""The packed body, its joints and its licence."""

from __future__ import annotations

import numpy as np

from recapbench.data.skeleton import JOINTS
from recapbench.mannequin.body import ASSET, asset_digest, body
from recapbench.mannequin.identity import FATTER, NEUTRAL, THINNER
from recapbench.mannequin.person import rest_shape
from recapbench.mannequin.plan import identity

LEFT_RIGHT = [name[5:] for name in JOINTS if name.startswith("left_")]


def test_the_asset_is_small_and_carries_its_licence_and_digest() -> None:
    assert ASSET.stat().st_size < 8_000_000
    assert "CC0" in (ASSET.parent / "LICENSE.md").read_text()
    readme = (ASSET.parent / "README.md").read_text()
    assert asset_digest() in readme
    assert "build_body_asset.py" in readme


def test_the_asset_holds_adult_targets_only() -> None:
    names = " ".join(body()._arrays)
    assert "-young-" in names
    assert "child" not in names
    assert "baby" not in names


def test_left_joints_are_on_the_persons_left() -> None:
    shared = body()
    places, _ = shared.joints(shared.canonical)
    for part in LEFT_RIGHT:
        left, right = (places[JOINTS.index(f"{side}_{part}")] for side in ("left", "right"))
        assert left[0] > 0.2, part
        np.testing.assert_allclose(left * [-1, 1, 1], right, atol=0.06, err_msg=part)


def test_joints_are_stacked_like_a_person() -> None:
    shared = body()
    places, _ = shared.joints(shared.canonical)
    height = {name: places[JOINTS.index(name), 1] for name in JOINTS}
    order = ["left_eye", "nose", "neck", "left_hip", "left_knee", "left_ankle"]
    values = [height[name] for name in order]
    assert values == sorted(values, reverse=True)
    assert places[JOINTS.index("nose"), 2] > places[JOINTS.index("left_ear"), 2] + 0.5


def test_adults_are_of_adult_height() -> None:
    for number in range(12):
        rest = rest_shape(identity("mannequin", number), NEUTRAL)[:13380]
        height = rest[:, 1].max() - rest[:, 1].min()
        assert 14.5 < height < 21.5


def test_the_figure_changes_the_waist_and_keeps_the_height() -> None:
    shared = body()
    for number in (0, 1, 2, 3):
        person = identity("mannequin", number)
        belly = (np.abs(shared.canonical[:13380, 1] - 2.8) < 0.25) & (
            shared.arm_weight[:13380] < 0.1
        )
        widths, heights = [], []
        for figure in (THINNER, NEUTRAL, FATTER):
            rest = rest_shape(person, figure)[:13380]
            widths.append(np.ptp(rest[belly, 0]) + np.ptp(rest[belly, 2]))
            heights.append(np.ptp(rest[:, 1]))
        assert widths[0] < widths[1] - 0.2
        assert widths[1] < widths[2] - 0.2
        assert max(heights) - min(heights) < 1.0
