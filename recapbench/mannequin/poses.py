"""Body poses: named base poses in joint angles, joint limits, jitter, and bone transforms.

Angles are degrees. Arm: ``abduction`` (0 hangs down, 90 horizontal, 180 up), ``flexion`` (positive
forward), ``elbow`` (0 straight), ``twist`` of the upper arm. Leg: ``flexion`` (positive forward),
``abduction``, ``knee`` (0 straight). Trunk: ``bend`` forward, ``turn`` to the left, ``lean`` to the
right. Head: ``nod`` down, ``look`` to the left.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.body import Body
from recapbench.mannequin.identity import Jsonable
from recapbench.mannequin.streams import Stream

Floats = npt.NDArray[np.float64]

ARM = ("abduction", "flexion", "elbow", "twist")
LEG = ("flexion", "abduction", "knee")
TRUNK = ("bend", "turn", "lean")
HEAD = ("nod", "look")

_LIMITS = {
    "arm": ((4.0, 172.0), (-40.0, 110.0), (2.0, 140.0), (-95.0, 95.0)),
    "leg": ((-32.0, 95.0), (0.0, 32.0), (0.0, 115.0)),
    "trunk": ((-12.0, 38.0), (-30.0, 30.0), (-18.0, 18.0)),
    "head": ((-22.0, 32.0), (-55.0, 55.0)),
    "fingers": ((0.0, 45.0),),
}
_JITTER = {
    "arm": (4.0, 5.0, 6.0, 5.0),
    "leg": (2.5, 1.5, 3.0),
    "trunk": (1.5, 3.0, 1.5),
    "head": (3.0, 8.0),
    "fingers": (6.0,),
}


def _names() -> tuple[tuple[str, str, int], ...]:
    """(angle name, limb group, place in the group) of all angles of a pose."""
    rows: list[tuple[str, str, int]] = []
    for side in ("left", "right"):
        rows += [(f"{side}_arm_{a}", "arm", i) for i, a in enumerate(ARM)]
        rows += [(f"{side}_leg_{a}", "leg", i) for i, a in enumerate(LEG)]
    rows += [(f"trunk_{a}", "trunk", i) for i, a in enumerate(TRUNK)]
    rows += [(f"head_{a}", "head", i) for i, a in enumerate(HEAD)]
    return (*rows, ("finger_curl", "fingers", 0))


ANGLES = _names()
JOINT_LIMITS: dict[str, tuple[float, float]] = {n: _LIMITS[g][i] for n, g, i in ANGLES}
"""Least and greatest value of every angle, degrees."""


@dataclasses.dataclass(frozen=True)
class Pose(Jsonable):
    """A pose: ``name`` of the base pose and the angles in degrees, jitter applied."""

    name: str
    angles: tuple[tuple[str, float], ...]

    def angle(self, name: str) -> float:
        """One angle in degrees."""
        return dict(self.angles)[name]


_Row = tuple[tuple[float, ...], ...]
_DOWN = (12.0, 3.0, 14.0, 0.0)
_STEADY = (1.0, 3.0, 3.0)
_AKIMBO = (42.0, -18.0, 92.0, 75.0)
_POCKET = (18.0, -16.0, 42.0, 40.0)
# left arm, right arm, left leg, right leg, trunk, head
BASE_POSES: dict[str, _Row] = {
    "stand": (_DOWN, _DOWN, _STEADY, _STEADY, (0, 0, 0), (0, 0)),
    "stand_wide": ((20, 2, 12, 0), (20, 2, 12, 0), (0, 13, 2), (0, 13, 2), (0, 0, 0), (0, 0)),
    "contrapposto": ((14, 0, 18, 0), _AKIMBO, (0, 5, 2), (13, 5, 24), (0, 4, -6), (2, 8)),
    "walk_left": ((10, -22, 16, 0), (10, 26, 30, 0), (26, 1, 10), (-18, 1, 24), (2, 8, 0), (0, 0)),
    "walk_right": (
        (10, 26, 30, 0),
        (10, -22, 16, 0),
        (-18, 1, 24),
        (26, 1, 10),
        (2, -8, 0),
        (0, 0),
    ),
    "stroll_left": ((9, -12, 12, 0), (9, 15, 20, 0), (15, 1, 6), (-10, 1, 14), (0, 5, 0), (0, 6)),
    "stroll_right": (
        (9, 15, 20, 0),
        (9, -12, 12, 0),
        (-10, 1, 14),
        (15, 1, 6),
        (0, -5, 0),
        (0, -6),
    ),
    "stride": ((12, -34, 30, 0), (12, 38, 50, 0), (36, 1, 16), (-26, 1, 30), (6, 10, 0), (0, 0)),
    "jog": ((16, -30, 85, 10), (16, 36, 92, 10), (42, 1, 50), (-16, 1, 62), (8, 9, 0), (-3, 0)),
    "arms_up": ((150, 8, 30, 0), (150, 8, 30, 0), (1, 6, 3), (1, 6, 3), (0, 0, 0), (-5, 0)),
    "arms_v": ((128, 4, 10, 0), (128, 4, 10, 0), (1, 9, 3), (1, 9, 3), (-2, 0, 0), (-6, 0)),
    "wave": (_DOWN, (92, 8, 98, -85), _STEADY, _STEADY, (0, 0, 3), (0, -8)),
    "hands_on_hips": (_AKIMBO, _AKIMBO, (1, 8, 3), (1, 8, 3), (0, 0, 0), (0, 0)),
    "hip_left": (_AKIMBO, (12, 4, 20, 0), (10, 6, 18), (0, 4, 2), (0, -5, 5), (0, -10)),
    "t_pose": ((88, 0, 6, 0), (88, 0, 6, 0), (0, 8, 0), (0, 8, 0), (0, 0, 0), (0, 0)),
    "a_pose": ((45, 0, 8, 0), (45, 0, 8, 0), (0, 9, 2), (0, 9, 2), (0, 0, 0), (0, 0)),
    "phone_look": (_DOWN, (16, 40, 105, 10), (3, 3, 6), (-2, 3, 4), (4, 0, 0), (20, -10)),
    "reach_forward": ((14, 72, 16, 0), (14, 0, 16, 0), (12, 3, 14), (-8, 3, 6), (8, -8, 0), (0, 0)),
    "both_forward": ((10, 76, 14, 0), (10, 76, 14, 0), (2, 6, 5), (2, 6, 5), (3, 0, 0), (0, 0)),
    "carry": ((14, 24, 88, -12), (14, 24, 88, -12), (2, 5, 4), (2, 5, 4), (-2, 0, 0), (4, 0)),
    "pockets": (_POCKET, _POCKET, (0, 5, 2), (8, 6, 14), (0, 3, 0), (0, 10)),
    "pocket_walk": (_POCKET, (10, 16, 22, 0), (-12, 1, 16), (20, 1, 8), (0, -4, 0), (4, -5)),
    "point_right": (_DOWN, (84, 12, 8, 0), _STEADY, (2, 8, 4), (0, -6, 2), (0, -30)),
    "point_left": ((84, 12, 8, 0), _DOWN, (2, 8, 4), _STEADY, (0, 6, -2), (0, 30)),
    "point_up": ((160, 6, 8, 0), _DOWN, (1, 5, 3), (1, 5, 3), (-2, 0, 4), (-12, 14)),
    "greet": ((15, 4, 22, 0), (28, 52, 58, 0), (0, 4, 3), (9, 3, 10), (5, 8, 0), (4, 0)),
    "salute": (_DOWN, (76, 28, 122, -60), _STEADY, _STEADY, (0, 0, 0), (0, 0)),
    "think": ((20, 26, 86, 45), (14, 46, 118, 20), (0, 4, 3), (9, 5, 15), (2, 0, 3), (8, 8)),
    "lean_left": ((24, 0, 12, 0), (52, 4, 34, 0), (0, 12, 2), (2, 10, 6), (0, 0, -12), (0, 8)),
    "bow": ((12, 14, 14, 0), (12, 14, 14, 0), (4, 3, 6), (4, 3, 6), (30, 0, 0), (14, 0)),
    "twist_left": ((34, 10, 36, 0), (26, 24, 46, 0), (4, 6, 8), (-2, 7, 6), (2, 24, 0), (0, 25)),
    "step_up": ((14, 18, 44, 0), (14, -14, 26, 0), (-2, 2, 4), (58, 3, 72), (6, 0, 0), (4, 0)),
    "lunge": (_AKIMBO, (14, 12, 30, 0), (44, 3, 52), (-24, 3, 18), (4, 0, 0), (0, 0)),
    "half_squat": (
        (16, 62, 22, 0),
        (16, 62, 22, 0),
        (42, 12, 64),
        (42, 12, 64),
        (18, 0, 0),
        (-8, 0),
    ),
    "legs_crossed": ((10, 0, 16, 0), _AKIMBO, (7, 0, 6), (-6, 0, 4), (0, 4, -3), (0, 12)),
    "open_arms": ((58, 22, 26, -20), (58, 22, 26, -20), (1, 7, 3), (1, 7, 3), (-2, 0, 0), (-3, 0)),
}
TEST_POSES: dict[str, _Row] = {
    "flex": ((88, 0, 108, -88), (88, 0, 108, -88), (0, 9, 3), (0, 9, 3), (-3, 0, 0), (0, 14)),
    "one_arm_overhead": ((158, 12, 78, -30), _AKIMBO, (0, 5, 2), (10, 6, 20), (0, -4, 6), (0, -18)),
    "tennis": (
        (44, 46, 30, 0),
        (74, -22, 66, -60),
        (26, 10, 34),
        (-10, 10, 20),
        (8, -18, 0),
        (0, 22),
    ),
    "balance": ((72, 6, 12, 0), (96, 2, 10, 0), (0, 2, 2), (46, 4, 82), (0, 0, 5), (0, 0)),
    "side_lunge": ((66, 6, 14, 0), (30, 18, 42, 0), (2, 26, 4), (24, 22, 48), (8, 0, 8), (0, -10)),
    "archer": ((86, 40, 6, 0), (86, 6, 112, -8), (6, 12, 8), (2, 13, 8), (0, 14, 0), (0, 40)),
    "conduct": ((64, 36, 66, -55), (112, 26, 42, -40), _STEADY, (4, 5, 8), (4, -5, 0), (6, 10)),
    "shrug": ((34, 16, 98, -50), (34, 16, 98, -50), (1, 6, 3), (1, 6, 3), (0, 0, -4), (0, 12)),
}
STREET_POSES = (
    "stand",
    "walk_left",
    "walk_right",
    "stroll_left",
    "stroll_right",
    "stride",
    "pockets",
    "pocket_walk",
    "phone_look",
    "contrapposto",
    "jog",
)
_MIRRORED = {"trunk_turn", "trunk_lean", "head_look"}


def _base_angles(name: str) -> dict[str, float]:
    row = BASE_POSES[name] if name in BASE_POSES else TEST_POSES[name]
    left_arm, right_arm, left_leg, right_leg, trunk, head = row
    values = (*left_arm, *left_leg, *right_arm, *right_leg, *trunk, *head, 14.0)
    return {angle: float(v) for (angle, _, _), v in zip(ANGLES, values, strict=True)}


def base_pose(name: str) -> Pose:
    """A base pose without jitter."""
    return Pose(name, tuple(_base_angles(name).items()))


def jittered_pose(name: str, stream: Stream, mirror: bool = False) -> Pose:
    """A base pose, perhaps mirrored, with normal jitter, clipped to ``JOINT_LIMITS``."""
    base = _base_angles(name)
    if mirror:
        swap = {"left": "right", "right": "left"}
        flipped = {}
        for angle in base:
            side, _, rest = angle.partition("_")
            other = f"{swap[side]}_{rest}" if side in swap else angle
            flipped[angle] = -base[other] if angle in _MIRRORED else base[other]
        base = flipped
    angles = []
    for angle, group, i in ANGLES:
        low, high = JOINT_LIMITS[angle]
        spread = min(2.0, max(-2.0, stream.normal())) * _JITTER[group][i]
        angles.append((angle, round(min(high, max(low, base[angle] + spread)), 3)))
    return Pose(f"{name}_mirrored" if mirror else name, tuple(angles))


def rotation(axis: Floats | tuple[float, float, float], degrees: float) -> Floats:
    """Rotation matrix (3, 3) about an axis, right-handed."""
    x, y, z = (float(a) for a in axis)
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    s, c = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    d = 1.0 - c
    return np.array(
        [
            [c + x * x * d, x * y * d - z * s, x * z * d + y * s],
            [y * x * d + z * s, c + y * y * d, y * z * d - x * s],
            [z * x * d - y * s, z * y * d + x * s, c + z * z * d],
        ]
    )


def multiply(a: Floats, b: Floats) -> Floats:
    """Matrix product (3, 3) x (3, K) by element operations in a fixed order."""
    return a[:, 0:1] * b[0] + a[:, 1:2] * b[1] + a[:, 2:3] * b[2]


def _cross(a: Floats, b: Floats) -> Floats:
    return np.array(
        [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ]
    )


def _unit(a: Floats) -> Floats:
    return a / math.sqrt(float(a[0] * a[0] + a[1] * a[1] + a[2] * a[2]))


def _swing(a: Floats, b: Floats) -> Floats:
    """Shortest rotation that takes unit vector a to unit vector b."""
    cosine = float((a * b).sum())
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    axis = _cross(a, b)
    if float((axis * axis).sum()) < 1e-12:
        return np.eye(3)
    return rotation(axis, angle)


def _arm(
    pose: dict[str, float], side: str, heads: Floats, body: Body, turns: dict[str, Floats]
) -> None:
    sign, suffix = (1.0, ".L") if side == "left" else (-1.0, ".R")
    abduction, flexion, elbow, twist = (pose[f"{side}_arm_{a}"] for a in ARM)
    shoulder, bend, wrist = (
        heads[body.bone_index[b + suffix]] for b in ("upperarm01", "lowerarm01", "wrist")
    )
    upper, lower = _unit(bend - shoulder), _unit(wrist - bend)
    a, f = math.radians(abduction), math.radians(flexion)
    aim = np.array(
        [
            sign * math.sin(a),
            -math.cos(a) * math.cos(f),
            max(abs(math.cos(a)), 0.5) * math.sin(f),
        ]
    )
    raised = max(0.0, abduction - 60.0) / 90.0 * 0.35
    collar = rotation((0.0, 0.0, 1.0), sign * raised * 50.0)
    turns["clavicle" + suffix] = collar
    swing = _swing(upper, _unit(multiply(collar.T, aim[:, None])[:, 0]))
    turns["upperarm01" + suffix] = multiply(swing, rotation(upper, sign * twist * 0.5))
    turns["upperarm02" + suffix] = rotation(upper, sign * twist * 0.5)
    rest = math.degrees(math.acos(min(1.0, float((upper * lower).sum()))))
    turns["lowerarm01" + suffix] = rotation(_cross(upper, lower), elbow - rest)
    curl = pose["finger_curl"]
    for finger in "2345":
        for joint in "123":
            turns[f"finger{finger}-{joint}{suffix}"] = rotation((0.0, 0.0, 1.0), -sign * curl)


def bone_rotations(pose: Pose, body: Body, heads: Floats) -> dict[str, Floats]:
    """Rotation (3, 3) of each posed bone against its parent, in the axes of the rest pose."""
    angle = dict(pose.angles)
    turns: dict[str, Floats] = {}
    for side, suffix, sign in (("left", ".L", 1.0), ("right", ".R", -1.0)):
        _arm(angle, side, heads, body, turns)
        flexion, abduction, knee = (angle[f"{side}_leg_{a}"] for a in LEG)
        outward = rotation((0.0, 0.0, 1.0), sign * (abduction - 8.0))
        turns["upperleg01" + suffix] = multiply(outward, rotation((1.0, 0.0, 0.0), -flexion))
        turns["lowerleg01" + suffix] = rotation((1.0, 0.0, 0.0), knee)
        turns["foot" + suffix] = rotation((1.0, 0.0, 0.0), -(knee - flexion) * 0.7)
    bend, turn, lean = (angle[f"trunk_{a}"] / 3.0 for a in TRUNK)
    spine = multiply(rotation((1.0, 0.0, 0.0), bend), rotation((0.0, 1.0, 0.0), turn))
    spine = multiply(spine, rotation((0.0, 0.0, 1.0), lean))
    for bone in ("spine05", "spine03", "spine01"):
        turns[bone] = spine
    nod, look = (angle[f"head_{a}"] / 2.0 for a in HEAD)
    half = multiply(rotation((0.0, 1.0, 0.0), look), rotation((1.0, 0.0, 0.0), nod))
    turns["neck02"] = turns["head"] = half
    return turns


def bone_transforms(pose: Pose, body: Body, heads: Floats) -> Floats:
    """Transforms (B, 3, 4) from rest to posed places, for rest bone heads (B, 3) dm."""
    turns = bone_rotations(pose, body, heads)
    out = np.zeros((len(body.bones), 3, 4))
    for i, (bone, parent) in enumerate(zip(body.bones, body.parents, strict=True)):
        local = np.zeros((3, 4))
        turn = turns.get(bone)
        local[:, :3] = np.eye(3) if turn is None else turn
        if turn is not None:
            local[:, 3] = heads[i] - multiply(turn, heads[i][:, None])[:, 0]
        if parent < 0:
            out[i] = local
        else:
            out[i] = multiply(out[parent][:, :3], local)
            out[i][:, 3] += out[parent][:, 3]
    return out
