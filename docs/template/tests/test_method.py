"""What the method does to pictures. That it keeps the contract is `recapbench check`'s to say."""

from __future__ import annotations

import torch
from torch import Tensor

from recapbench import Query, find_method
from recapbench.methods.base import ImageSpec

SPEC = ImageSpec(height=32, width=16, parts=7, settings="market1501")
JOINTS = torch.tensor([[4.0, 8.0], [10.0, 8.0], [4.0, 20.0], [10.0, 20.0]])  # their mean: (7, 14)


def seen(joints: Tensor) -> Tensor:
    """Keypoints (1,18,3) of which the first ones are seen; no number may be read of the others."""
    keypoints = torch.full((1, 18, 3), torch.nan)
    keypoints[..., 2] = 0
    keypoints[0, : len(joints)] = torch.cat([joints, torch.full((len(joints), 1), 2.0)], dim=1)
    return keypoints


def generate(image: Tensor, source: Tensor, target: Tensor, **settings: bool) -> Tensor:
    tensors = {"source_image": image, "source_keypoints": source, "target_keypoints": target}
    method = find_method("shift_zoom").open("mannequin_street", SPEC, overrides=settings)
    return method.generate(Query(("a",), ("b",), tensors))


def noise() -> Tensor:
    return 2 * torch.rand(1, 3, *SPEC.size, generator=torch.Generator().manual_seed(0)) - 1


def rows() -> Tensor:
    """A picture whose colour is the number of its row, over 100."""
    return (torch.arange(32.0) / 100)[:, None].expand(1, 3, 32, 16)


def test_the_picture_moves_with_the_joints() -> None:
    image = noise()
    made = generate(image, seen(JOINTS), seen(JOINTS + torch.tensor([2.0, -3.0])))
    torch.testing.assert_close(made[..., :-3, 2:], image[..., 3:, :-2], atol=1e-4, rtol=0)
    torch.testing.assert_close(made[..., -1, 2:], image[..., -1, :-2], atol=1e-4, rtol=0)


def test_the_picture_grows_with_the_joints() -> None:
    middle = JOINTS.mean(dim=0)
    made = generate(rows(), seen(JOINTS), seen(middle + 1.25 * (JOINTS - middle)))
    for row, before in ((14, 14.0), (24, 22.0), (4, 6.0)):
        assert abs(100 * float(made[0, 0, row, 5]) - before) < 0.2


def test_without_zoom_it_only_moves() -> None:
    middle = JOINTS.mean(dim=0)
    target = seen(middle + 1.25 * (JOINTS - middle))
    made = generate(rows(), seen(JOINTS), target, zoom=False)
    torch.testing.assert_close(made, rows(), atol=1e-4, rtol=0)


def test_poses_without_a_common_joint() -> None:
    image = noise()
    made = generate(image, seen(JOINTS), seen(JOINTS[:0]))
    torch.testing.assert_close(made, image, atol=1e-4, rtol=0)
