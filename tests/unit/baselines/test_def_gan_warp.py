"""The deformable skip against a literal computation, one part and one pair at a time."""

from __future__ import annotations

import math

import pytest
import torch
from def_gan_cases import SPEC, pose, random_poses
from torch import Tensor

from recapbench_baselines.def_gan.affines import PARTS, Skeleton, part_affines
from recapbench_baselines.def_gan.masks import draw, part_boxes
from recapbench_baselines.def_gan.warp import places, warp

LEVELS = 4


def literal(features_BCHW: Tensor, source_BJ3: Tensor, target_BJ3: Tensor, level: int) -> Tensor:
    """Max over ten parts of (nearest source position) x mask, pixel by pixel."""
    source, target = Skeleton.of(source_BJ3), Skeleton.of(target_BJ3)
    affines, known = part_affines(source, target)
    stride = 2**level
    _, channels, height, width = features_BCHW.shape
    boxes = draw(part_boxes(target), height, width, stride)
    found = []
    for pair in range(len(features_BCHW)):
        parts = []
        for part in range(len(PARTS)):
            rows = [[float(value) for value in row] for row in affines[pair, part].float()]
            moved = []
            for y in range(height):
                for x in range(width):
                    to = [a * x + b * y + c / stride for a, b, c in rows]
                    column, row = (math.floor(value + 0.5) for value in to)
                    inside = 0 <= column < width and 0 <= row < height and known[pair, part]
                    inside = inside and (part == 0 or boxes[pair, part - 1, y, x])
                    moved.append(
                        features_BCHW[pair, :, row, column] if inside else torch.zeros(channels)
                    )
            parts.append(torch.stack(moved, dim=1))
        found.append(torch.stack(parts).max(dim=0).values.view(channels, height, width))
    return torch.stack(found)


@pytest.mark.parametrize("level", [1, 3])
def test_it_is_the_literal_one(level: int) -> None:
    source, target = random_poses(2, seed=level), random_poses(2, seed=level + 10)
    size = SPEC.height >> level, SPEC.width >> level
    features = torch.randn(2, 5, *size, requires_grad=True)
    gradient = torch.randn(2, 5, *size)
    where = places(source, target, SPEC.size, LEVELS)[level]
    ours, wanted = warp(features, where), literal(features, source, target, level)
    # A position that falls between two by a hair may be read from either.
    same = (ours - wanted).abs().amax(dim=1) == 0
    assert same.float().mean() > 0.995
    gradient = gradient * same[:, None]
    gradients = [torch.autograd.grad(out, features, gradient)[0] for out in (ours, wanted)]
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().sum() > 0


def test_the_same_pose_keeps_everything_in_place() -> None:
    keypoints = pose()[None]
    for level, where in enumerate(places(keypoints, keypoints, SPEC.size, LEVELS)):
        features = torch.randn(1, 3, SPEC.height >> level, SPEC.width >> level)
        assert torch.equal(warp(features, where), features.relu())


def test_the_largest_of_the_parts_wins() -> None:
    """The right arm lies over the body: either is read where its value is the larger."""
    source, target = pose()[None], pose()[None]
    source[0, [2, 3, 4], 0] += 10.0  # the arm comes from ten pixels to the right
    where = places(source, target, SPEC.size, 1)[0]
    features = torch.rand(1, 1, *SPEC.size) + 0.1
    moved = warp(features, where)
    arm = draw(part_boxes(Skeleton.of(target)), *SPEC.size, 1)[0, PARTS.index("right_forearm") - 1]
    assert arm.any()
    flat = features.flatten()
    body = flat[where.body_R].view(SPEC.size)
    body.view(-1)[where.outside_P] = 0
    assert (moved[0, 0] >= body).all()
    assert (moved[0, 0] > body)[arm].any()
    candidates = [body.flatten()]
    for layer in where.layers:
        value = torch.zeros(flat.numel())
        value[layer.target_P] = flat[layer.source_P]
        candidates.append(value)
    assert torch.equal(moved.flatten(), torch.stack(candidates).amax(dim=0))


def test_without_a_body_all_but_the_limbs_is_zero() -> None:
    source, target = pose(without=(5, 11))[None], pose()[None]
    where = places(source, target, SPEC.size, 1)[0]
    moved = warp(torch.ones(1, 1, *SPEC.size), where)[0, 0]
    covered = draw(part_boxes(Skeleton.of(target)), *SPEC.size, 1)[0].any(dim=0)
    assert (moved[~covered] == 0).all()
    assert moved[covered].mean() > 0.5


def test_nobody_gives_zeros() -> None:
    nobody = pose(without=tuple(range(18)))[None]
    for source, target in ((nobody, pose()[None]), (pose()[None], nobody), (nobody, nobody)):
        features = torch.ones(1, 2, *SPEC.size, requires_grad=True)
        moved = warp(features, places(source, target, SPEC.size, 1)[0])
        assert (moved == 0).all()
        assert (torch.autograd.grad(moved.sum(), features)[0] == 0).all()


def test_pairs_do_not_mix() -> None:
    source, target = random_poses(3, seed=1), random_poses(3, seed=2)
    features = torch.randn(3, 4, *SPEC.size)
    whole = warp(features, places(source, target, SPEC.size, 1)[0])
    for i in range(3):
        alone = places(source[i : i + 1], target[i : i + 1], SPEC.size, 1)[0]
        assert torch.equal(warp(features[i : i + 1], alone), whole[i : i + 1])
