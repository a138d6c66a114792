"""Training pairs whose source is the target itself, turned, stretched and moved.

Not in the paper. In a pair of two photographs a stripe of the source lies some pixels off the
target's stripe however good the attention is, and an L1 loss is least where the stripes are blurred
away. In such a self pair every position of the target has its true counterpart, the same place of
the same part, so a decoder that passes detail on is rewarded.
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


def with_self_pairs(batch: Batch, share: float) -> Query:
    """The batch's query with about a share of its sources made from their targets.

    Pixels from outside repeat the border's colour; labels and joints there are background and
    absent.

    Args:
        batch: B training pairs.
        share: probability of each pair, 0 to 1.

    Returns:
        A query with source image, parsing and pose, and the target's pose.
    """
    query, image = batch.query, batch.target_image
    chosen_B = torch.rand(len(query)) < share
    theta = random_affine(len(query), image.shape[2], image.shape[3])
    chosen_B, theta = chosen_B.to(image.device), theta.to(image.device)
    grid = functional.affine_grid(theta, list(image.shape), align_corners=False)
    labels_B1HW = batch.target_parsing[:, None].float()

    def moved(maps: Tensor, mode: str, padding: str) -> Tensor:
        return functional.grid_sample(maps, grid, mode, padding, align_corners=False)

    def chosen(made: Tensor, given: Tensor) -> Tensor:
        return torch.where(chosen_B.view(-1, *[1] * (given.ndim - 1)), made, given)

    return Query(
        tuple(
            target if made else source
            for source, target, made in zip(
                query.source_names, query.target_names, chosen_B.tolist(), strict=True
            )
        ),
        query.target_names,
        {
            "source_image": chosen(moved(image, "bilinear", "border"), query.source_image),
            "source_parsing": chosen(
                moved(labels_B1HW, "nearest", "zeros")[:, 0].long(), query.source_parsing
            ),
            "source_pose": chosen(moved(query.target_pose, "nearest", "zeros"), query.source_pose),
            "target_pose": query.target_pose,
        },
    )
