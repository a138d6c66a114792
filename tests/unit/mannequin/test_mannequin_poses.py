"""Poses keep to joint limits and move the right limbs."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.mannequin.body import body
from recapbench.mannequin.poses import (
    BASE_POSES,
    JOINT_LIMITS,
    STREET_POSES,
    TEST_POSES,
    Pose,
    base_pose,
    bone_rotations,
    bone_transforms,
    jittered_pose,
)
from recapbench.mannequin.streams import Stream

ALL = [*BASE_POSES, *TEST_POSES]


def _inside(pose: Pose) -> bool:
    return all(JOINT_LIMITS[k][0] <= v <= JOINT_LIMITS[k][1] for k, v in pose.angles)


def test_there_are_enough_poses_and_none_is_in_both_groups() -> None:
    assert len(ALL) >= 40
    assert len(TEST_POSES) >= 8
    assert not set(BASE_POSES) & set(TEST_POSES)
    assert set(STREET_POSES) <= set(BASE_POSES)


@pytest.mark.parametrize("name", ALL)
def test_base_and_jittered_poses_keep_to_the_limits(name: str) -> None:
    assert {k for k, _ in base_pose(name).angles} == set(JOINT_LIMITS)
    assert _inside(base_pose(name))
    for i in range(10):
        assert _inside(jittered_pose(name, Stream("limits", name, i), mirror=i % 2 == 0))


def test_rotations_are_rotations() -> None:
    shared = body()
    for name in ALL:
        turns = bone_rotations(base_pose(name), shared, shared.canonical_heads)
        for bone, turn in turns.items():
            np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9, err_msg=bone)
            assert np.linalg.det(turn) == pytest.approx(1.0)


def _posed_joints(pose: Pose) -> np.ndarray:
    shared = body()
    places, bones = shared.joints(shared.canonical)
    moved = bone_transforms(pose, shared, shared.canonical_heads)[bones]
    return np.einsum("kij,kj->ki", moved[:, :, :3], places) + moved[:, :, 3]


def test_wave_raises_the_right_hand_and_its_mirror_the_left() -> None:
    right_wrist, left_wrist, nose = 4, 7, 0
    joints = _posed_joints(base_pose("wave"))
    assert joints[right_wrist, 1] > joints[nose, 1] - 1.5
    assert joints[left_wrist, 1] < joints[nose, 1] - 4.0
    mirrored = _posed_joints(jittered_pose("wave", Stream("mirror"), mirror=True))
    assert mirrored[left_wrist, 1] > mirrored[right_wrist, 1] + 3.0


def test_arms_point_the_way_their_angles_say() -> None:
    joints = _posed_joints(base_pose("t_pose"))
    assert joints[7, 0] > 5.0
    assert joints[4, 0] < -5.0
    assert abs(joints[7, 1] - joints[5, 1]) < 1.0
    forward = _posed_joints(base_pose("both_forward"))
    assert forward[7, 2] > forward[5, 2] + 3.0
