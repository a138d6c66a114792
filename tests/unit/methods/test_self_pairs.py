"""Training pairs made from the target alone."""

from __future__ import annotations

import pytest
import torch

from recapbench.data.query import Batch, Query
from recapbench.methods.sat_lgr import self_pairs as module
from recapbench.methods.sat_lgr.self_pairs import random_affine, self_pairs

HEIGHT, WIDTH = 48, 24


def batch(count: int) -> Batch:
    """Sources are black images of part 1; targets have a bright square of part 3."""
    image = torch.full((count, 3, HEIGHT, WIDTH), -1.0)
    parsing = torch.zeros(count, HEIGHT, WIDTH, dtype=torch.long)
    pose = torch.zeros(count, 18, HEIGHT, WIDTH)
    target, labels = image.clone(), parsing.clone()
    target[:, :, 16:32, 6:18] = 1.0
    labels[:, 16:32, 6:18] = 3
    target_pose = pose.clone()
    target_pose[:, 5, 16:32, 6:18] = 1.0
    query = Query(
        tuple(f"s{i}" for i in range(count)),
        tuple(f"t{i}" for i in range(count)),
        {
            "source_image": image,
            "source_parsing": parsing + 1,
            "source_pose": pose,
            "target_pose": target_pose,
        },
    )
    return Batch(query, target, labels, torch.ones(count, 1, HEIGHT, WIDTH))


def test_pixels_labels_and_joints_move_together() -> None:
    torch.manual_seed(0)
    given = batch(16)
    query = self_pairs(given)
    assert query.source_names == given.query.target_names
    bright = query.source_image[:, 0] > 0.9
    dark = query.source_image[:, 0] < -0.9
    square, joint = query.source_parsing == 3, query.source_pose[:, 5] > 0
    assert bright.flatten(1).any(1).all()
    assert torch.equal(square, joint)
    assert (square | ~bright).all()
    assert not (square & dark).any()
    moved = (query.source_image - given.target_image).abs().flatten(1).amax(1) > 0.5
    assert moved.float().mean() > 0.8
    assert torch.equal(query.target_pose, given.query.target_pose)


def test_a_turn_keeps_right_angles_in_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame of `affine_grid` is square whatever the image is; a turn must know the ratio."""
    monkeypatch.setattr(module, "MAX_STRETCH", 0.0)
    monkeypatch.setattr(module, "MAX_SHIFT", 0.0)
    torch.manual_seed(2)
    linear = random_affine(8, HEIGHT, WIDTH)[:, :, :2]
    pixels = torch.tensor([WIDTH / 2, HEIGHT / 2])
    in_pixels = pixels[:, None] * linear / pixels[None, :]
    products = in_pixels.transpose(1, 2) @ in_pixels
    torch.testing.assert_close(products, torch.eye(2).expand(8, 2, 2), atol=1e-5, rtol=0)
    assert (linear - torch.eye(2)).abs().amax() > 0.05
