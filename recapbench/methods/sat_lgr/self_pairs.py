"""Training pairs whose source is the target itself, turned, stretched and moved.

Not in the paper. In a pair of two photographs a stripe of the source lies some pixels off the
target's stripe however good the attention is, and an L1 loss is least where the stripes are blurred
away. In such a self pair every position of the target has its true counterpart, the same place of
the same part: there detail can be learnt, and real pairs need to teach no more than where things
belong.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from recapbench.data.query import Batch, Query

MAX_TURN = math.radians(15)
"""Largest turn, either way, in radians."""
MAX_STRETCH = math.log(1.3)
"""Largest stretch or squeeze of each axis, as a logarithm."""
MAX_SHIFT = 0.2
"""Largest shift of each axis, as a share of half the image."""


def random_affine(count: int, height: int, width: int) -> Tensor:
    """Random maps from output to input places, (count,2,3), in the frame of `affine_grid`.

    Draws from torch's global generator. Turns keep angles at any ratio of height to width.
    """
    turn, stretch_x, stretch_y, shift_x, shift_y = (2 * torch.rand(5, count) - 1).unbind()
    turn, ratio = MAX_TURN * turn, height / width
    stretch_x, stretch_y = (torch.exp(MAX_STRETCH * stretch) for stretch in (stretch_x, stretch_y))
    first = [stretch_x * turn.cos(), -stretch_y * turn.sin() * ratio, MAX_SHIFT * shift_x]
    second = [stretch_x * turn.sin() / ratio, stretch_y * turn.cos(), MAX_SHIFT * shift_y]
    return torch.stack([torch.stack(first, 1), torch.stack(second, 1)], 1)


def self_pairs(batch: Batch) -> Query:
    """The batch's query with every source made from its target.

    Pixels from outside repeat the border's colour; labels and joints there are background and
    absent.

    Args:
        batch: B training pairs.

    Returns:
        A query with source image, parsing and pose, and the target's pose.
    """
    image, pose = batch.target_image, batch.query.target_pose
    ours, total = batch.of_step
    theta = random_affine(total, image.shape[2], image.shape[3])[ours].to(image.device)
    grid = functional.affine_grid(theta, list(image.shape), align_corners=False)

    def moved(maps: Tensor, mode: str, padding: str) -> Tensor:
        return functional.grid_sample(maps, grid, mode, padding, align_corners=False)

    labels_B1HW = moved(batch.target_parsing[:, None].float(), "nearest", "zeros")
    return Query(
        batch.query.target_names,
        batch.query.target_names,
        {
            "source_image": moved(image, "bilinear", "border"),
            "source_parsing": labels_B1HW[:, 0].long(),
            "source_pose": moved(pose, "nearest", "zeros"),
            "target_pose": pose,
        },
    )
