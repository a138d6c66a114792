"""One affine map per body part, from the target's pixels to the source's.

Ten parts: the body, the head and eight limbs. Each has points in both poses, and its map is the
least-squares one between them. The points of body and head are joints; those of a limb are the
corners of a rectangle along it.

Shapes: B pairs, J = 18 joints, N = 10 parts, L = 8 limbs, V points of a part. Points are x, y in
pixels. A joint of visibility 0 is never read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

RIGHT_SHOULDER, LEFT_SHOULDER, RIGHT_HIP, LEFT_HIP = 2, 5, 8, 11
BODY: Final = (RIGHT_HIP, LEFT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER)
"""Joints of the body."""
HEAD: Final = (0, 14, 15, 16, 17)
"""Joints of the head: nose, eyes, ears. Its map reads both shoulders too."""
LIMBS: Final = ((8, 9), (11, 12), (9, 10), (12, 13), (2, 3), (5, 6), (3, 4), (6, 7))
"""Where limbs start and end: upper legs, lower legs, upper arms, forearms, each right and left."""
MIRRORED: Final = (1, 0, 3, 2, 5, 4, 7, 6)
"""The limb of the other side."""
PARTS: Final = (
    "body",
    "head",
    "right_upper_leg",
    "left_upper_leg",
    "right_lower_leg",
    "left_lower_leg",
    "right_upper_arm",
    "left_upper_arm",
    "right_forearm",
    "left_forearm",
)
"""Names of the parts in their order."""

HALF_WIDTH: Final = 0.2
"""Of a limb's rectangle, in torso lengths."""
BEFORE: Final = 0.1
"""How far a rectangle reaches beyond the limb's start, in limb lengths."""
BEYOND: Final = (0.1, 0.1, 0.3, 0.3, 0.1, 0.1, 0.3, 0.3)
"""How far it reaches beyond the limb's end where maps are fitted.

Both poses' rectangles reach by the same share, so it has no effect on the maps."""

_FLAT: Final = 1e-6
"""Below this ratio of their spread's determinant to half its trace squared, points are a line."""


@dataclass(frozen=True)
class Skeleton:
    """What parts are made from, for one pose of each pair.

    Attributes:
        joints_BJ2: x, y of the joints, 0 where absent; float64.
        present_BJ: which joints are there.
        torso_B: root mean square of the distances from hip to shoulder; 0 if neither side is there.
        limbs_BL: which limbs are there: both joints, not in one place, and a torso to scale by.
    """

    joints_BJ2: Tensor
    present_BJ: Tensor
    torso_B: Tensor
    limbs_BL: Tensor

    @staticmethod
    def of(keypoints_BJ3: Tensor) -> Skeleton:
        """The skeleton of keypoints x, y, visibility."""
        present_BJ = keypoints_BJ3[..., 2] > 0
        joints_BJ2 = torch.where(present_BJ[..., None], keypoints_BJ3[..., :2], 0).double()
        torso_B = _torso(joints_BJ2, present_BJ)
        start, end = ([limb[i] for limb in LIMBS] for i in (0, 1))
        length_BL = (joints_BJ2[:, end] - joints_BJ2[:, start]).norm(dim=2)
        there_BL = present_BJ[:, start] & present_BJ[:, end] & (length_BL > 0)
        return Skeleton(joints_BJ2, present_BJ, torso_B, there_BL & (torso_B > 0)[:, None])

    def limb_axes(self) -> tuple[Tensor, Tensor]:
        """Starts of the limbs and the ways to their ends, (B,L,2) each."""
        start_BL2 = self.joints_BJ2[:, [limb[0] for limb in LIMBS]]
        return start_BL2, self.joints_BJ2[:, [limb[1] for limb in LIMBS]] - start_BL2

    def limb_corners(self) -> Tensor:
        """Corners of the rectangles that limbs are fitted by, (B,L,4,2)."""
        start_BL2, along_BL2 = self.limb_axes()
        beyond_L = along_BL2.new_tensor(BEYOND)[:, None]
        first_BL2, last_BL2 = start_BL2 - BEFORE * along_BL2, start_BL2 + (1 + beyond_L) * along_BL2
        across_BL2 = HALF_WIDTH * self.torso_B[:, None, None] * perpendicular(along_BL2)
        corners = [
            first_BL2 + across_BL2,
            first_BL2 - across_BL2,
            last_BL2 - across_BL2,
            last_BL2 + across_BL2,
        ]
        return torch.stack(corners, dim=2)


def perpendicular(along_BL2: Tensor) -> Tensor:
    """Unit vectors a quarter turn from others; zeros for zeros."""
    turned_BL2 = torch.stack([-along_BL2[..., 1], along_BL2[..., 0]], dim=-1)
    return torch.nn.functional.normalize(turned_BL2, dim=-1)


def _torso(joints_BJ2: Tensor, present_BJ: Tensor) -> Tensor:
    """Torso lengths (B,) over the sides that are there."""
    shoulders, hips = [RIGHT_SHOULDER, LEFT_SHOULDER], [RIGHT_HIP, LEFT_HIP]
    squared_B2 = (joints_BJ2[:, shoulders] - joints_BJ2[:, hips]).square().sum(dim=2)
    there_B2 = present_BJ[:, shoulders] & present_BJ[:, hips]
    return ((squared_B2 * there_B2).sum(1) / there_B2.sum(1).clamp(min=1)).sqrt()


def part_affines(source: Skeleton, target: Skeleton) -> tuple[Tensor, Tensor]:
    """Maps from the target's pixels to the source's.

    A limb that the source lacks is taken from its other side. A part has no map if the target
    lacks it, if the source lacks it on both sides, or if the target's points lie on a line.

    Args:
        source: skeletons of B source poses.
        target: those of the target poses.

    Returns:
        float64 (B,N,2,3), zeros where there is no map, and bool (B,N) that says where there is one.
    """
    body = _fit_joints(source, target, BODY)
    head = _fit_joints(source, target, HEAD, (RIGHT_SHOULDER, LEFT_SHOULDER))
    corners_BLV2, there_BL = source.limb_corners(), source.limbs_BL
    mirrored = list(MIRRORED)
    corners_BLV2 = torch.where(there_BL[..., None, None], corners_BLV2, corners_BLV2[:, mirrored])
    there_BL = target.limbs_BL & (there_BL | there_BL[:, mirrored])
    weight_BLV = there_BL[..., None].expand(-1, -1, 4).double()
    fits = body, head, fit_affine(target.limb_corners(), corners_BLV2, weight_BLV)
    return torch.cat([fit[0] for fit in fits], dim=1), torch.cat([fit[1] for fit in fits], dim=1)


def _fit_joints(
    source: Skeleton, target: Skeleton, joints: tuple[int, ...], more: tuple[int, ...] = ()
) -> tuple[Tensor, Tensor]:
    """The map of a part whose points are joints that both poses have, as `fit_affine` (N = 1).

    Without any of ``joints`` there is no map; ``more`` are points that do not make the part.
    """
    columns = [*joints, *more]
    common_BV = source.present_BJ[:, columns] & target.present_BJ[:, columns]
    affine_BN23, known_BN = fit_affine(
        target.joints_BJ2[:, None, columns],
        source.joints_BJ2[:, None, columns],
        common_BV[:, None].double(),
    )
    known_BN = known_BN & common_BV[:, : len(joints)].any(dim=1, keepdim=True)
    return affine_BN23 * known_BN[..., None, None], known_BN


def fit_affine(from_BNV2: Tensor, to_BNV2: Tensor, weight_BNV: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted least-squares affine maps between points.

    Args:
        from_BNV2: points x, y, float64.
        to_BNV2: where they go.
        weight_BNV: their weights; 0 for a point that does not count.

    Returns:
        (B,N,2,3) with ``to = affine[..., :2] @ from + affine[..., 2]``, and bool (B,N): False, with
        an affine of zeros, where fewer than three points count or those lie on a line.
    """
    weight_BNV1 = weight_BNV[..., None]
    total_BN11 = weight_BNV1.sum(dim=2, keepdim=True).clamp(min=1e-12)
    mean_from = (weight_BNV1 * from_BNV2).sum(dim=2, keepdim=True) / total_BN11
    mean_to = (weight_BNV1 * to_BNV2).sum(dim=2, keepdim=True) / total_BN11
    centred = (from_BNV2 - mean_from) * weight_BNV1
    spread_BN22 = centred.mT @ (from_BNV2 - mean_from)
    cross_BN22 = (to_BNV2 - mean_to).mT @ centred
    (a, b), (c, d) = (row.unbind(-1) for row in spread_BN22.unbind(-2))
    determinant = a * d - b * c
    known_BN = determinant > _FLAT * ((a + d) / 2).square()
    adjugate_BN22 = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], -2)
    divisor = torch.where(known_BN, determinant, 1.0)[..., None, None]
    linear_BN22 = cross_BN22 @ adjugate_BN22 / divisor
    shift_BN21 = mean_to.mT - linear_BN22 @ mean_from.mT
    affine_BN23 = torch.cat([linear_BN22, shift_BN21], dim=-1)
    return torch.where(known_BN[..., None, None], affine_BN23, 0.0), known_BN
