"""The deformable skip: features of the source moved part by part to where the target has them.

Every position of the target reads, from each part that covers it, the one nearest position of the
source; the largest value of each channel wins, and a part that does not cover a position counts as
zero there. Only the body covers the whole picture, so the work is one gather of all positions and
one of those few that limbs and head cover, for all pairs of a batch at once.

Shapes: B pairs, N = 10 parts, C channels, H x W positions of a feature map, R = B H W rows of
features, P positions that a part covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recapbench_baselines.def_gan.affines import PARTS, Skeleton, part_affines
from recapbench_baselines.def_gan.masks import draw, part_boxes


@dataclass(frozen=True)
class Layer:
    """One part at most for each position: row ``target_P[i]`` may come from ``source_P[i]``."""

    target_P: Tensor
    source_P: Tensor


@dataclass(frozen=True)
class Places:
    """Where the rows of a target's feature map come from, at one level.

    Attributes:
        body_R: the source row of each target row by the body's map; any where there is none.
        outside_P: target rows that the body's map leads out of the picture, or that have none.
        layers: head and limbs, in as many layers as parts lie over one another.
    """

    body_R: Tensor
    outside_P: Tensor
    layers: tuple[Layer, ...]


def places(
    source_BJ3: Tensor, target_BJ3: Tensor, size: tuple[int, int], levels: int
) -> list[Places]:
    """Where features come from, at the image's size and its halves.

    Args:
        source_BJ3: keypoints of the sources: x, y in pixels, visibility.
        target_BJ3: those of the targets.
        size: height and width of the image.
        levels: how many feature maps; the l-th (from 0) has 1/2^l of the image's size, and its
            position i stands for pixel i 2^l.

    Returns:
        One for each level.
    """
    source, target = Skeleton.of(source_BJ3), Skeleton.of(target_BJ3)
    affine_BN23, known_BN = part_affines(source, target)
    boxes_BN23 = part_boxes(target)
    height, width = size
    return [
        _places(affine_BN23, known_BN, boxes_BN23, (height >> level, width >> level), 1 << level)
        for level in range(levels)
    ]


def _places(
    affine_BN23: Tensor, known_BN: Tensor, boxes_BN23: Tensor, size: tuple[int, int], stride: int
) -> Places:
    """The places of one level."""
    device = affine_BN23.device
    # Positions are pixels / stride on both sides: only the shift is measured in pixels.
    scaled_BN23 = torch.cat([affine_BN23[..., :2], affine_BN23[..., 2:] / stride], dim=-1)
    rows_H1 = torch.arange(size[0], device=device)[:, None]
    columns_W = torch.arange(size[1], device=device)
    pair_B11 = torch.arange(len(known_BN), device=device)[:, None, None]
    body_BHW, inside_BHW = _source_rows(
        scaled_BN23[:, 0].float().permute(1, 2, 0)[..., None, None],
        columns_W,
        rows_H1,
        pair_B11,
        size,
    )
    inside_BHW = inside_BHW & known_BN[:, :1, None]
    return Places(
        body_BHW.flatten(),
        (~inside_BHW).flatten().nonzero()[:, 0],
        _layers(draw(boxes_BN23, *size, stride), known_BN[:, 1:], scaled_BN23[:, 1:].float()),
    )


def _layers(masks_BNHW: Tensor, known_BN: Tensor, affine_BN23: Tensor) -> tuple[Layer, ...]:
    """Layers of the parts with masks and maps, without what lies outside of the source."""
    batch, parts, height, width = masks_BNHW.shape
    pair_P, part_P, row_P, column_P = masks_BNHW.nonzero().unbind(1)
    map_P = pair_P * parts + part_P
    affine_23P = affine_BN23.flatten(0, 1).permute(1, 2, 0).index_select(2, map_P)
    source_P, inside_P = _source_rows(affine_23P, column_P, row_P, pair_P, (height, width))
    target_P = (pair_P * height + row_P) * width + column_P
    led_P = (inside_P & known_BN.flatten().index_select(0, map_P)).nonzero()[:, 0]
    source_P, target_P, part_P = (x.index_select(0, led_P) for x in (source_P, target_P, part_P))
    below_P = _below(target_P, part_P, batch * height * width)
    layers = []
    for number in range(int(below_P.max()) + 1 if len(below_P) else 0):
        here = (below_P == number).nonzero()[:, 0]
        layers.append(Layer(target_P.index_select(0, here), source_P.index_select(0, here)))
    return tuple(layers)


def _below(target_P: Tensor, part_P: Tensor, rows: int) -> Tensor:
    """How many parts of a lower number lead to the same target row, of ``rows``."""
    parts_R = target_P.new_zeros(rows).index_add_(0, target_P, 1 << part_P)  # a bit for each part
    lower_P = parts_R.index_select(0, target_P) & ((1 << part_P) - 1)
    below_P = torch.zeros_like(lower_P)
    for part in range(len(PARTS) - 2):
        below_P += (lower_P >> part) & 1
    return below_P


def _source_rows(
    affine: Tensor, x: Tensor, y: Tensor, pair: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Rows of the source nearest to where positions go, and which of them lie inside.

    Args:
        affine: maps (2,3,...) float32.
        x: columns of the positions; these and what follows broadcast with the maps.
        y: rows of the positions.
        pair: number of the pair.
        size: height and width of the map.
    """
    found = []
    for (of_x, of_y, shift), extent in zip(affine, reversed(size), strict=True):
        found.append((of_x * x + (of_y * y + shift) + 0.5).floor_().clamp_(-1, extent))
    column, row = found
    inside = (column >= 0) & (column < size[1]) & (row >= 0) & (row < size[0])
    flat = (row.where(inside, 0) * size[1] + column.where(inside, 0)).long()
    return flat + pair * (size[0] * size[1]), inside


def warp(features_BCHW: Tensor, where: Places) -> Tensor:
    """Features in the target's places: max over parts, zero where no part leads.

    Args:
        features_BCHW: features of the source.
        where: the places of this level.

    Returns:
        (B,C,H,W), not negative: a part counts as zero outside its mask, and some part always does
        but in a position that all ten cover. Channels last in memory. Gradients pass to the
        features, from each value to the one it was read from.
    """
    batch, channels, height, width = features_BCHW.shape
    rows_RC = features_BCHW.permute(0, 2, 3, 1).reshape(-1, channels)
    moved_RC: Tensor = _Warp.apply(rows_RC, where)
    return moved_RC.view(batch, height, width, channels).permute(0, 3, 1, 2)


class _Warp(torch.autograd.Function):
    """The largest of the rows that lead to a position, and zero, channel by channel."""

    @staticmethod
    def forward(ctx: Any, rows_RC: Tensor, where: Places) -> Tensor:
        moved_RC = rows_RC.index_select(0, where.body_R)
        moved_RC.index_fill_(0, where.outside_P, 0).clamp_min_(0)
        for layer in where.layers:
            covered_PC = rows_RC.index_select(0, layer.source_P)
            torch.maximum(moved_RC.index_select(0, layer.target_P), covered_PC, out=covered_PC)
            moved_RC.index_copy_(0, layer.target_P, covered_PC)
        ctx.save_for_backward(rows_RC, moved_RC)
        ctx.where = where
        return moved_RC

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_RC: Tensor) -> tuple[Tensor, None]:
        rows_RC, moved_RC = ctx.saved_tensors
        left_RC = gradient_RC.float() * (moved_RC > 0)
        to_rows_RC = torch.zeros_like(left_RC)
        for layer in ctx.where.layers:
            chosen_PC = moved_RC.index_select(0, layer.target_P) == rows_RC.index_select(
                0, layer.source_P
            )
            left_PC = left_RC.index_select(0, layer.target_P)
            taken_PC = left_PC * chosen_PC
            to_rows_RC.index_add_(0, layer.source_P, taken_PC)
            left_RC.index_copy_(0, layer.target_P, left_PC.sub_(taken_PC))
        to_rows_RC.index_add_(0, ctx.where.body_R, left_RC)
        return to_rows_RC.to(rows_RC.dtype), None
