from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import disk, polygon
from skimage.morphology import dilation, erosion

from recapbench.data.pose import heatmaps, pg2_mask, pose_mask
from recapbench.data.skeleton import MASK_LIMBS

SIZE = (128, 64)

# Joints of Market-1501's 0228_c6s1_052601_01.jpg in the public annotation file; -1 is missing.
PUBLIC_Y = [-1, 28, 28, 49, -1, 28, -1, -1, 61, 93, 123, 59, 93, 123, -1, -1, 13, -1]
PUBLIC_X = [-1, 33, 44, 49, -1, 23, -1, -1, 38, 43, 41, 21, 16, 5, -1, -1, 42, -1]


def pose(rows: list[int], columns: list[int]) -> npt.NDArray[np.float32]:
    seen = [2 * (y >= 0 and x >= 0) for y, x in zip(rows, columns, strict=True)]
    return np.array([columns, rows, seen], dtype=np.float32).T


def reference_mask(joints: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The mask as the field draws it, through scikit-image."""
    mask = np.zeros(size, np.uint8)
    places, seen = joints[:, 1::-1].astype(np.float64), joints[:, 2] > 0
    for a, b in MASK_LIMBS:
        step = places[a] - places[b]
        length = np.linalg.norm(step)
        if seen[a] and seen[b] and length > 0:
            side = 4 * np.array([-step[1], step[0]]) / length
            corners = [places[a] + side, places[a] - side, places[b] - side, places[b] + side]
            mask[polygon(*np.array(corners).T, shape=size)] = 1
    for place in places[seen]:
        mask[disk(tuple(place), 4, shape=size)] = 1
    square = np.ones((5, 5), np.uint8)
    return erosion(dilation(mask, square), square).astype(bool)


def reference_pg2_mask(
    joints: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """PG2's mask from its facts: rows of disks along the limbs, closed by scikit-image."""
    rows, columns = np.meshgrid(*map(np.arange, size), indexing="ij")
    mask = np.zeros(size, np.uint8)
    places, seen = joints[:, 1::-1].astype(np.float64), joints[:, 2] > 0
    for a, b in MASK_LIMBS:
        if not (seen[a] and seen[b]):
            continue
        centres = [places[a], places[b]]
        parts = int(np.linalg.norm(places[b] - places[a]) / 4)
        centres += [places[a] + (places[b] - places[a]) * i / parts for i in range(1, parts)]
        for row, column in np.trunc(centres):
            mask[np.hypot(rows - row, columns - column) <= 4] = 1
    square = np.ones((5, 5), np.uint8)
    return erosion(dilation(mask, square), square).astype(bool)


def reference_heatmaps(joints: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray:
    rows, columns = np.meshgrid(*map(np.arange, size), indexing="ij")
    near = [(columns - x) ** 2 + (rows - y) ** 2 <= 16 for x, y, _ in joints]
    return np.stack([disk & bool(seen) for disk, seen in zip(near, joints[:, 2], strict=True)])


@st.composite
def poses(draw: st.DrawFn, step: int = 1) -> npt.NDArray[np.float32]:
    """Whole pixels in and around the image; a step makes whole-length oblique limbs common."""
    across = draw(st.lists(st.integers(-8 // step, 72 // step), min_size=18, max_size=18))
    down = draw(st.lists(st.integers(-8 // step, 136 // step), min_size=18, max_size=18))
    seen = draw(st.lists(st.sampled_from([0, 1, 2, 2, 2]), min_size=18, max_size=18))
    return np.array([np.multiply(across, step), np.multiply(down, step), seen], np.float32).T


def test_inner_joint_covers_49_pixels() -> None:
    joints = np.full((18, 3), (20.0, 30.0, 2.0), np.float32)
    joints[3:, 2] = 0
    maps = heatmaps(joints, SIZE)
    assert maps.dtype == np.uint8
    assert maps.shape == (18, *SIZE)
    assert maps.sum(axis=(1, 2)).tolist() == [49, 49, 49] + [0] * 15
    assert maps[0, 30, 24] == 1
    assert maps[0, 30, 25] == 0


def test_joint_between_pixels_is_rounded() -> None:
    joints = np.full((18, 3), (20.5, 29.49, 1.0), np.float32)
    whole = np.full((18, 3), (21.0, 29.0, 1.0), np.float32)
    np.testing.assert_array_equal(heatmaps(joints, SIZE), heatmaps(whole, SIZE))
    np.testing.assert_array_equal(pose_mask(joints, SIZE), pose_mask(whole, SIZE))


@settings(max_examples=40, deadline=None)
@given(poses())
def test_stamp_equals_meshgrid(joints: npt.NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(heatmaps(joints, SIZE), reference_heatmaps(joints, SIZE))


def test_batch_is_its_poses() -> None:
    batch = np.random.default_rng(0).uniform(0, 64, (3, 18, 3)).astype(np.float32)
    batch[..., 2] = np.arange(54).reshape(3, 18) % 3
    for kind in ("binary", "gaussian"):
        together = heatmaps(batch, SIZE, kind=kind)
        np.testing.assert_array_equal(together, [heatmaps(one, SIZE, kind=kind) for one in batch])
    for mask in (pose_mask, pg2_mask):
        np.testing.assert_array_equal(mask(batch, SIZE), [mask(one, SIZE) for one in batch])
    assert heatmaps(batch, SIZE, dtype=np.float32).dtype == np.float32


def test_gaussian_is_its_formula() -> None:
    joints = np.full((18, 3), (20.0, 30.0, 2.0), np.float32)
    joints[1, 2] = 0
    maps = heatmaps(joints, SIZE, kind="gaussian", sigma=6)
    rows, columns = np.meshgrid(*map(np.arange, SIZE), indexing="ij")
    expected = np.exp(-((columns - 20) ** 2 + (rows - 30) ** 2) / 72)
    np.testing.assert_allclose(maps[0], expected, atol=1e-7)
    assert maps.dtype == np.float32
    assert not maps[1].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_coordinate_that_is_not_finite(bad: float) -> None:
    joints = np.full((18, 3), (bad, 3.0, 0.0), np.float32)
    assert not heatmaps(joints, SIZE).any()
    joints[4, 2] = 1
    with pytest.raises(ValueError, match="not finite"):
        heatmaps(joints, SIZE)


def test_wrong_shape_and_kind() -> None:
    with pytest.raises(ValueError, match="expected keypoints"):
        heatmaps(np.zeros((18, 2)), SIZE)
    with pytest.raises(ValueError, match="'box'"):
        heatmaps(np.zeros((18, 3)), SIZE, kind="box")  # type: ignore[arg-type]


def test_mask_of_a_public_pose() -> None:
    joints = pose(PUBLIC_Y, PUBLIC_X)
    mask = pose_mask(joints, SIZE)
    assert mask.dtype == np.bool_
    assert mask.sum() == 2389
    np.testing.assert_array_equal(mask, reference_mask(joints, SIZE))


@settings(max_examples=60, deadline=None)
@given(st.one_of(poses(), poses(step=4)))
def test_mask_equals_scikit_image(joints: npt.NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(pose_mask(joints, SIZE), reference_mask(joints, SIZE))


def test_pg2_mask_of_a_public_pose() -> None:
    joints = pose(PUBLIC_Y, PUBLIC_X)
    mask = pg2_mask(joints, SIZE)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, reference_pg2_mask(joints, SIZE))
    assert mask.sum() != pose_mask(joints, SIZE).sum()


@settings(max_examples=60, deadline=None)
@given(st.one_of(poses(), poses(step=4)))
def test_pg2_mask_equals_its_facts(joints: npt.NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(pg2_mask(joints, SIZE), reference_pg2_mask(joints, SIZE))


def test_pg2_mask_of_one_limb_is_its_disks_and_of_a_lone_joint_nothing() -> None:
    joints = np.zeros((18, 3), np.float32)
    joints[2] = (20, 30, 2)
    assert not pg2_mask(joints, SIZE).any()
    joints[3] = (20, 37, 2)  # 7 pixels: no disk between
    mask = pg2_mask(joints, SIZE)
    assert mask.sum(axis=0).tolist()[16:25] == [2, 12, 14, 14, 16, 14, 14, 12, 2]
    assert mask[:, 20].nonzero()[0].tolist() == list(range(26, 42))


def test_mask_of_coincident_joints_is_a_closed_disk() -> None:
    joints = np.full((18, 3), (30.0, 60.0, 2.0), np.float32)
    assert 45 <= pose_mask(joints, SIZE).sum() <= 49


def test_mask_of_nobody_is_empty() -> None:
    for mask in (pose_mask, pg2_mask):
        assert not mask(np.zeros((18, 3), np.float32), SIZE).any()
