"""Affine maps of the parts: least squares, mirrored limbs, absent parts, degenerate poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from def_gan_cases import pose, random_poses
from torch import Tensor

from recapbench_baselines.def_gan.affines import PARTS, Skeleton, fit_affine, part_affines
from recapbench_baselines.def_gan.masks import draw, part_boxes

RIGHT_UPPER_ARM, LEFT_UPPER_ARM = PARTS.index("right_upper_arm"), PARTS.index("left_upper_arm")
RIGHT_UPPER_LEG = PARTS.index("right_upper_leg")


def affines(source_J3: Tensor, target_J3: Tensor) -> tuple[Tensor, Tensor]:
    found, known = part_affines(Skeleton.of(source_J3[None]), Skeleton.of(target_J3[None]))
    return found[0], known[0]


def moved(keypoints_J3: Tensor, linear_22: Tensor, shift_2: Tensor) -> Tensor:
    points_J2 = keypoints_J3[:, :2].double() @ linear_22.T + shift_2
    return torch.cat([points_J2, keypoints_J3[:, 2:].double()], dim=1)


def test_a_known_map_is_recovered() -> None:
    random = torch.Generator().manual_seed(0)
    points = torch.randn(3, 2, 6, 2, generator=random, dtype=torch.float64) * 30
    affine = torch.randn(3, 2, 2, 3, generator=random, dtype=torch.float64)
    to = points @ affine[..., :2].mT + affine[..., 2][..., None, :]
    found, known = fit_affine(points, to, torch.ones(3, 2, 6, dtype=torch.float64))
    assert known.all()
    torch.testing.assert_close(found, affine, atol=1e-9, rtol=0)


def test_the_fit_is_least_squares_over_the_points_that_count() -> None:
    random = torch.Generator().manual_seed(1)
    points = torch.randn(1, 1, 7, 2, generator=random, dtype=torch.float64)
    to = torch.randn(1, 1, 7, 2, generator=random, dtype=torch.float64)
    weight = torch.tensor([[[1.0, 1, 0, 1, 1, 0, 1]]], dtype=torch.float64)
    counts = weight[0, 0] > 0
    design = np.concatenate([points[0, 0, counts].numpy(), np.ones((5, 1))], axis=1)
    wanted = np.linalg.lstsq(design, to[0, 0, counts].numpy(), rcond=None)[0].T
    np.testing.assert_allclose(fit_affine(points, to, weight)[0][0, 0].numpy(), wanted, atol=1e-12)


def test_a_person_moved_as_a_whole_moves_every_part_so() -> None:
    """Rectangles turn and grow with the person, so every part finds the same map back."""
    source = pose()
    turn, size, shift = 0.4, 1.7, torch.tensor([5.0, -3.0]).double()
    linear = (
        size
        * torch.tensor(
            [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
        ).double()
    )
    found, known = affines(source, moved(source, linear, shift))
    back = torch.linalg.inv(linear)
    wanted = torch.cat([back, (-back @ shift)[:, None]], dim=1)
    assert known.all()
    torch.testing.assert_close(found, wanted.expand(10, 2, 3), atol=1e-6, rtol=0)


def test_body_and_head_follow_any_affine_map() -> None:
    source = pose()
    linear = torch.tensor([[0.5, 0.3], [-0.2, 1.4]]).double()
    found, _ = affines(source, moved(source, linear, torch.zeros(2).double()))
    wanted = torch.cat([torch.linalg.inv(linear), torch.zeros(2, 1).double()], dim=1)
    torch.testing.assert_close(found[:2], wanted.expand(2, 2, 3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("missing", [(3,), (2, 3)])
def test_a_limb_that_the_source_lacks_is_its_mirrored_one(missing: tuple[int, ...]) -> None:
    source, target = pose(without=missing), pose()
    found, known = affines(source, target)
    assert known[[RIGHT_UPPER_ARM, LEFT_UPPER_ARM]].all()
    arm = found[RIGHT_UPPER_ARM]
    ends = target[[2, 3], :2].double() @ arm[:, :2].T + arm[:, 2]
    torch.testing.assert_close(ends, source[[5, 6], :2].double(), atol=1e-9, rtol=0)


def test_a_limb_that_the_source_lacks_on_both_sides_has_no_map() -> None:
    found, known = affines(pose(without=(9, 12)), pose())
    absent = [index for index, name in enumerate(PARTS) if "leg" in name]
    assert known.logical_not().nonzero().flatten().tolist() == absent
    assert (found[absent] == 0).all()


def test_a_limb_that_the_target_lacks_has_no_map() -> None:
    _, known = affines(pose(), pose(without=(9,)))
    assert [PARTS[i] for i in (~known).nonzero()] == ["right_upper_leg", "right_lower_leg"]


def test_the_head_needs_a_joint_of_its_own_in_both() -> None:
    _, known = affines(pose(without=(0, 14, 16)), pose(without=(15, 17)))
    assert not known[PARTS.index("head")]
    _, known = affines(pose(without=(0, 14, 16)), pose(without=(15,)))
    assert known[PARTS.index("head")]


def test_coincident_and_collinear_joints_give_no_nan() -> None:
    flat, point = pose(), pose()
    flat[:, 0] = 7.0
    point[:, :2] = 7.0
    elbow_on_shoulder = pose()
    elbow_on_shoulder[3] = elbow_on_shoulder[2]
    nobody = pose(without=tuple(range(18)))
    cases = [pose(), flat, point, elbow_on_shoulder, nobody]
    cases += [pose(without=(joint,)) for joint in range(18)]
    for source in cases:
        for target in cases:
            found, known = affines(source, target)
            assert found.isfinite().all()
            assert (found[~known] == 0).all()
    assert not affines(pose(), point)[1].any()
    assert not affines(pose(), flat)[1][PARTS.index("body")]
    found, known = affines(elbow_on_shoulder, pose())  # the mirrored arm again
    assert known[RIGHT_UPPER_ARM]


def test_boxes_are_rectangles_along_the_limbs() -> None:
    """Point by point: along the limb from -0.1 to 1 + its extension, across within 0.2 torsos."""
    target = random_poses(3, seed=5)
    masks = draw(part_boxes(Skeleton.of(target)), 64, 48, 1)
    limbs = [(8, 9, 0.1), (11, 12, 0.1), (9, 10, 0.5), (12, 13, 0.5)]
    limbs += [(2, 3, 0.1), (5, 6, 0.1), (3, 4, 0.5), (6, 7, 0.5)]
    rows, columns = np.mgrid[:64, :48]
    for person, found in zip(target.double().numpy(), masks.numpy(), strict=True):
        there = person[:, 2] > 0
        sides = [(2, 8), (5, 11)]
        lengths = [
            np.linalg.norm(person[a, :2] - person[b, :2]) for a, b in sides if there[a] and there[b]
        ]
        torso = np.sqrt(np.mean(np.square(lengths))) if lengths else 0.0
        for mask, (start, end, beyond) in zip(found[1:], limbs, strict=True):
            if not (there[start] and there[end] and torso):
                assert not mask.any()
                continue
            along = person[end, :2] - person[start, :2]
            x, y = columns - person[start, 0], rows - person[start, 1]
            share = (x * along[0] + y * along[1]) / (along @ along)
            across = np.abs(x * along[1] - y * along[0]) / np.linalg.norm(along)
            inside = (share >= -0.1) & (share <= 1 + beyond) & (across <= 0.2 * torso)
            assert (mask != inside).mean() < 1e-3


def test_the_heads_box_is_a_square_around_its_joints() -> None:
    target = Skeleton.of(pose()[None])
    mask = draw(part_boxes(target), 64, 48, 1)[0, 0]
    centre = pose()[[0, 14, 15, 16, 17], :2].mean(dim=0)
    half = 0.4 * math.sqrt(17**2 + 2**2)  # hips 17 below and 2 beside the shoulders
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(48), indexing="ij")
    wanted = ((columns - centre[0]).abs() <= half) & ((rows - centre[1]).abs() <= half)
    assert torch.equal(mask, wanted)
    assert not draw(part_boxes(Skeleton.of(pose((0, 14, 15, 16, 17))[None])), 64, 48, 1)[0, 0].any()


def test_a_coarser_mask_is_every_nth_pixel_of_the_finest() -> None:
    boxes = part_boxes(Skeleton.of(random_poses(2, seed=3)))
    finest = draw(boxes, 64, 48, 1)
    assert torch.equal(draw(boxes, 16, 12, 4), finest[:, :, ::4, ::4])
