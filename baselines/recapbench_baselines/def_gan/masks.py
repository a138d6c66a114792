"""Where each part lies in the target: a box per part, turned along a limb, drawn as a mask.

Shapes: B pairs, N = 10 parts, L = 8 limbs, H x W positions.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from recapbench_baselines.def_gan.affines import BEFORE, HALF_WIDTH, HEAD, Skeleton, perpendicular

HEAD_HALF_SIDE: Final = 0.4
"""Of the head's square around the mean of its joints, in torso lengths."""
MASK_BEYOND: Final = (0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.5, 0.5)
"""How far a limb's mask reaches beyond its end, in limb lengths: over hands and feet."""


def part_boxes(target: Skeleton) -> Tensor:
    """Maps from pixels to box coordinates: a pixel lies in a box if both are within [-1, 1].

    The first box is that of the head, the others those of the limbs; the body's mask is the whole
    picture and has none.

    Args:
        target: skeletons of B target poses.

    Returns:
        float32 (B,9,2,3). A part that is not there has a box that holds no pixel.
    """
    boxes_BN23 = torch.cat([_head_box(target)[:, None], _limb_boxes(target)], dim=1)
    nowhere = boxes_BN23.new_tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 2.0]])
    head_B = target.present_BJ[:, list(HEAD)].any(dim=1) & (target.torso_B > 0)
    there_BN = torch.cat([head_B[:, None], target.limbs_BL], dim=1)
    return torch.where(there_BN[..., None, None], boxes_BN23, nowhere).float()


def _head_box(target: Skeleton) -> Tensor:
    """The square around the mean of the head's joints, (B,2,3)."""
    there_BV = target.present_BJ[:, list(HEAD)]  # joints that are not there are zeros
    centre_B2 = target.joints_BJ2[:, list(HEAD)].sum(1) / there_BV.sum(1, True).clamp(min=1)
    half_B = (HEAD_HALF_SIDE * target.torso_B).clamp(min=1e-12)
    axes_22 = torch.eye(2, dtype=half_B.dtype, device=half_B.device)
    axes_B22 = axes_22 / half_B[:, None, None]
    return torch.cat([axes_B22, -axes_B22 @ centre_B2[..., None]], dim=-1)


def _limb_boxes(target: Skeleton) -> Tensor:
    """Rectangles along the limbs, (B,8,2,3)."""
    start_BL2, along_BL2 = target.limb_axes()
    beyond_L = along_BL2.new_tensor(MASK_BEYOND)
    length_BL = along_BL2.norm(dim=2).clamp(min=1e-12)
    half_length_BL = (BEFORE + 1 + beyond_L) / 2 * length_BL
    half_width_B1 = (HALF_WIDTH * target.torso_B).clamp(min=1e-12)[:, None]
    centre_BL2 = start_BL2 + ((1 + beyond_L - BEFORE) / 2)[:, None] * along_BL2
    along_BL2 = along_BL2 / (length_BL * half_length_BL)[..., None]
    across_BL2 = perpendicular(along_BL2) / half_width_B1[..., None]
    axes_BL22 = torch.stack([along_BL2, across_BL2], dim=-2)
    return torch.cat([axes_BL22, -axes_BL22 @ centre_BL2[..., None]], dim=-1)


def draw(boxes_BN23: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Masks of boxes at every ``stride``-th pixel.

    Args:
        boxes_BN23: maps from pixels to box coordinates.
        height: rows of the masks.
        width: their columns.
        stride: pixels from one position to the next.

    Returns:
        bool (B,N,H,W).
    """
    rows_H1 = stride * torch.arange(height, device=boxes_BN23.device)[:, None]
    columns_W = stride * torch.arange(width, device=boxes_BN23.device)
    inside = []
    for axis in (0, 1):
        of_x, of_y, shift = boxes_BN23[:, :, axis, :, None, None].unbind(2)
        inside.append((of_y * rows_H1 + shift + of_x * columns_W).abs_())
    return torch.maximum(*inside, out=inside[0]) <= 1
