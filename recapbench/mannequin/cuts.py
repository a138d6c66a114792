"""Edges of garments and hair as analytic fields of canonical coordinates (see ``body.Body``).

A *cut* is a row of ``CUT_SIZE`` numbers. :func:`keep` is positive inside the garment, negative
outside and near the edge about the distance to it in dm. It is evaluated for every pixel, so hems
and necklines are smooth whatever the mesh.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from recapbench.mannequin.noise import smoothstep, value_noise

CUT_SIZE = 24
CLOTH, SHOE, SCALP, SHELL, GLOVE, ALWAYS = range(6)
NO_NECK, ROUND_NECK, V_NECK, HIGH_NECK = range(4)
ARM_LENGTH = 5.6
"""Length in dm that one unit of the arm coordinate stands for."""

_FIELDS = {
    "kind": 0,
    "low": 1,
    "high": 2,
    "sleeve": 3,
    "armhole": 4,
    "arms": 5,
    "neck": 6,
    "neck_x": 7,
    "neck_y": 8,
    "neck_z": 9,
    "neck_centre_y": 10,
    "neck_centre_z": 11,
    "v_bottom": 12,
    "v_slope": 13,
    "gap": 14,
    "gap_flare": 15,
    "lid_y": 16,
    "lid_slope": 17,
    "instep": 18,
    "hairline": 19,
    "ears": 20,
    "ragged": 21,
    "front": 22,
    "side": 23,
}
_DEFAULTS = {
    "low": -99.0,
    "high": 99.0,
    "sleeve": 9.0,
    "arms": 1.0,
    "neck_x": 0.95,
    "neck_y": 0.8,
    "neck_z": 1.0,
    "neck_centre_y": 7.6,
    "neck_centre_z": 0.5,
    "lid_y": 99.0,
    "front": 0.5,
}
Floats = npt.NDArray[np.float64]


def cut(kind: float = CLOTH, **fields: float) -> Floats:
    """A cut row. Lengths in dm, canonical coordinates.

    low, high: hem and waist heights (torso and legs only). sleeve: end of the sleeve along the arm
    (0 shoulder, 1 wrist; at most 0.05 means sleeveless). armhole: inset of a sleeveless edge.
    arms: 0 leaves the arms out. neck with ``neck_*``: half axes and centre of the ellipsoid cut
    out for the neck; ``v_*`` its V. gap, gap_flare: open front. lid_y, lid_slope: plane under a hat
    above which hair ends. instep: drop of a shoe's top toward the toes. hairline: shift of the
    hairline at the forehead. ears: 1 leaves the ears free. ragged: depth of a ragged hair tip.
    front: how far forward a hair shell reaches. side: +1 or -1 keeps the person's left or right.
    """
    row = np.zeros(CUT_SIZE)
    row[0] = kind
    for name, value in {**_DEFAULTS, **fields}.items():
        row[_FIELDS[name]] = value
    return row


@njit(cache=True)
def arm_side(x: float, y: float) -> float:
    """Positive on the arms, beyond the armhole plane; dm."""
    edge = 1.70 + 0.35 * max(0.0, 5.0 - y) - 0.14 * min(max(y - 6.0, 0.0), 1.2)
    return abs(x) - edge


@njit(cache=True)
def hairline(z: float) -> float:
    """Height of the lower edge of head hair at depth z: nape, ear, temple, forehead."""
    if z < -0.1:
        return 8.05 + (z + 0.6) * 0.5
    if z < 0.24:
        return 8.30 + (z + 0.1) * 0.6
    if z < 0.40:
        return 8.50 + (z - 0.24) * 4.4
    if z < 0.80:
        return 9.204 + (z - 0.40) * 0.45
    return 9.384 + (min(z, 1.55) - 0.80) * 0.80


@njit(cache=True)
def _neck(c: Floats, x: float, y: float, z: float) -> float:
    if c[6] == HIGH_NECK:
        return c[10] - y
    dx = x / c[7]
    dy = min(y - c[10], 0.0) / c[8]
    dz = (z - c[11]) / (c[9] if z > c[11] else 0.80 * c[9])
    k = (math.sqrt(dx * dx + dy * dy + dz * dz) - 1.0) * 0.9
    if c[6] == V_NECK and z > 0.2:
        k = min(k, (abs(x) - c[13] * (y - c[12])) * 0.9)
    return min(k, 7.9 - y)


@njit(cache=True)
def _cloth(c: Floats, x: float, y: float, z: float, t: float) -> float:
    side = arm_side(x, y)
    if side > 0.0 and y < 7.3:
        if c[5] == 0.0:
            return -1.0
        if c[3] <= 0.05:
            return -side - c[4]
        return (c[3] - t) * ARM_LENGTH
    k = min(y - c[1], c[2] - y)
    if c[3] <= 0.05 and y > 4.0:
        k = min(k, -side - c[4])
    if c[6] != NO_NECK:
        k = min(k, _neck(c, x, y, z))
    if c[14] > 0.0 and z > 0.1:
        opening = 1.0 - 0.07 * max(y - 3.0, 0.0) + c[15] * max(2.0 - y, 0.0)
        k = min(k, abs(x) - c[14] * opening)
    return k


@njit(cache=True)
def _scalp(c: Floats, x: float, y: float, z: float) -> float:
    if y < 7.6:
        return -1.0
    wobble = 0.10 * (value_noise(x * 4.0, y * 2.0, z * 4.0, 5) - 0.5)
    k = y - hairline(z) - c[19] * smoothstep(0.5, 1.2, z) + wobble
    if c[20] > 0.0:
        dx = (abs(x) - 1.02) / 0.40
        dy = (y - 8.93) / 0.42
        dz = (z - 0.40) / 0.34
        k = min(k, math.sqrt(dx * dx + dy * dy + dz * dz) - 1.0)
    return min(k, c[16] + c[17] * z - y)


@njit(cache=True)
def _shell(c: Floats, x: float, y: float, z: float) -> float:
    turn = math.atan2(x, 0.3 - z)
    tip = c[1] + c[21] * (value_noise(turn * 5.0, 0.0, 0.0, 17) - 0.5)
    edge = c[22] + 0.35 * smoothstep(8.9, 9.7, y) + 0.08 * (value_noise(y * 3.0, x, 0.0, 3) - 0.5)
    return min(min(y - tip, edge - z), c[16] + c[17] * z - y)


@njit(cache=True)
def keep(c: Floats, x: float, y: float, z: float, t: float) -> float:
    """Field of a cut at canonical place (x, y, z) dm and arm coordinate t."""
    kind = int(c[0])
    if kind == ALWAYS:
        return 9.0
    if kind == SCALP:
        return _scalp(c, x, y, z)
    if kind == SHELL:
        return _shell(c, x, y, z)
    if kind == GLOVE:
        return (t - c[3]) * ARM_LENGTH if arm_side(x, y) > 0.0 else -9.0
    if kind == SHOE:
        if c[23] * x < 0.0:
            return -9.0
        return c[2] - c[18] * smoothstep(0.2, 0.8, z) - y
    return _cloth(c, x, y, z, t)


@njit(cache=True)
def keep_many(c: Floats, places: Floats, t: Floats) -> Floats:
    """:func:`keep` at many places (N, 3) with arm coordinates (N,)."""
    out = np.empty(len(places))
    for i in range(len(places)):
        out[i] = keep(c, places[i, 0], places[i, 1], places[i, 2], t[i])
    return out
