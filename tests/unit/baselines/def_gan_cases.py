"""Poses and batches for the tests of Def-GAN."""

from __future__ import annotations

import torch
from torch import Tensor

from recapbench.data.query import Batch, Query
from recapbench.methods.base import ImageSpec
from recapbench_baselines.def_gan.method import DefGan

SPEC = ImageSpec(96, 64, 7, "market1501")
SMALL = {"width": 4, "levels": 6, "discriminator_width": 4, "perceptual": "effnet_lite0"}

# A person of 60 x 40 pixels, seen from the front, arms and legs apart.
STANDING = torch.tensor(
    [
        (20.0, 8.0),  # nose
        (20.0, 14.0),  # neck
        (14.0, 15.0),  # right shoulder, elbow, wrist
        (9.0, 22.0),
        (6.0, 29.0),
        (26.0, 15.0),  # left shoulder, elbow, wrist
        (31.0, 21.0),
        (35.0, 27.0),
        (16.0, 32.0),  # right hip, knee, ankle
        (14.0, 43.0),
        (13.0, 54.0),
        (24.0, 32.0),  # left hip, knee, ankle
        (26.0, 42.0),
        (28.0, 53.0),
        (18.5, 6.0),  # eyes and ears, right and left
        (21.5, 6.0),
        (16.0, 7.0),
        (24.0, 7.0),
    ]
)


def pose(without: tuple[int, ...] = ()) -> Tensor:
    """The standing person (18,3), some joints missing: their coordinates are not to be read."""
    keypoints_J3 = torch.cat([STANDING, torch.full((18, 1), 2.0)], dim=1)
    for joint in without:
        keypoints_J3[joint] = torch.tensor([torch.nan, torch.inf, 0.0])
    return keypoints_J3


def random_poses(count: int, seed: int) -> Tensor:
    """Poses (B,18,3) around the standing one; a joint in ten is missing."""
    random = torch.Generator().manual_seed(seed)
    keypoints = pose().repeat(count, 1, 1)
    keypoints[..., :2] += 4 * torch.randn(count, 18, 2, generator=random)
    keypoints[..., 2] *= torch.rand(count, 18, generator=random) > 0.1
    return keypoints


def make(**overrides: object) -> DefGan:
    torch.manual_seed(0)
    return DefGan(DefGan.configure(SPEC, SMALL | overrides), SPEC)


def batch(count: int = 2, seed: int = 0) -> Batch:
    random = torch.Generator().manual_seed(seed)
    height, width = SPEC.size

    def image() -> Tensor:
        return torch.rand(count, 3, height, width, generator=random) * 2 - 1

    def heatmaps() -> Tensor:
        return (torch.rand(count, 18, height, width, generator=random) < 0.02).float()

    names = tuple(str(i) for i in range(count))
    query = Query(
        names,
        names,
        {
            "source_image": image(),
            "source_pose": heatmaps(),
            "target_pose": heatmaps(),
            "source_keypoints": random_poses(count, seed),
            "target_keypoints": random_poses(count, seed + 1000),
        },
    )
    labels = torch.zeros(count, height, width, dtype=torch.long)
    return Batch(query, image(), labels, torch.ones(count, 1, height, width))
