"""Colours of visible surfaces: skin and face, eyes, hair, cloth, shoes; light and shadow."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from recapbench.mannequin.cuts import arm_side, keep
from recapbench.mannequin.noise import smoothstep, value_noise
from recapbench.mannequin.pattern import fabric_colour

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

SKIN, EYE, HAIR, FABRIC, FOOTWEAR, PLAIN = range(6)
ATTRIBUTES = 7
"""Per-vertex numbers: canonical x, y, z, arm coordinate, and lip, eyelid, nail masks."""
FACE_LABEL, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG = 13, 14, 15, 16, 17
LEG_TOP = 1.9
"""Canonical height in dm below which skin is leg."""


@njit(cache=True)
def skin_label(x: float, y: float) -> int:
    """LIP label of bare skin: arms beyond the armhole, legs below the hip, else face (with neck).

    The arm begins a little inside the armhole, where a sleeveless garment may leave skin bare.
    """
    inside = 0.28 if y > 4.6 else 0.0
    if arm_side(x, y) > -inside and y < 7.3:
        return LEFT_ARM if x > 0.0 else RIGHT_ARM
    if y < LEG_TOP:
        return LEFT_LEG if x > 0.0 else RIGHT_LEG
    return FACE_LABEL


@njit(cache=True)
def _brow(m: Floats, x: float, y: float) -> float:
    ax = abs(x)
    if ax < 0.09 or ax > 0.62:
        return 0.0
    arch = 9.445 + 0.06 * math.cos((ax - 0.40) * 5.5)
    thick = 0.062 * (1.15 - ax) * (0.6 + 0.6 * m[10])
    return smoothstep(1.25, 0.75, abs(y - arch) / thick) if thick > 0.0 else 0.0


@njit(cache=True)
def _skin_colour(m: Floats, q: Floats, out: Floats) -> None:
    x, y, z = q[0], q[1], q[2]
    lips, lids, nails = q[4], q[5], q[6]
    blotch = 0.05 * (value_noise(x * 3.0, y * 3.0, z * 3.0, 41) - 0.5)
    for i in range(3):
        c = m[1 + i] * (1.0 + blotch)
        c += nails * 0.06
        out[i] = c
    if y < 7.6:
        return
    cheek = math.exp(-((abs(x) - 0.52) ** 2 + (y - 8.78) ** 2) / 0.07) if z > 0.9 else 0.0
    out[1] *= 1.0 - 0.09 * cheek
    out[2] *= 1.0 - 0.09 * cheek
    beard = m[11]
    if beard > 0.0 and z > 0.35:
        jaw = smoothstep(8.85, 8.5, y) * smoothstep(7.85, 8.1, y)
        jaw = max(jaw, smoothstep(0.42, 0.6, abs(x)) * smoothstep(9.0, 8.7, y) * (z < 1.3))
        grain = 0.7 + 0.6 * value_noise(x * 18.0, y * 18.0, z * 18.0, 9)
        w = min(1.0, 0.85 * beard * jaw * grain) * (1.0 - lips)
        for i in range(3):
            out[i] += w * (m[4 + i] - out[i])
    if z > 0.9:
        for i in range(3):
            out[i] += 0.85 * lips * (m[7 + i] - out[i])
        if abs(x) < 0.25 and abs(y - 8.455) < 0.018 and z > 1.3:
            for i in range(3):
                out[i] *= 0.55
        shade = lids * (0.30 if m[12] > 0.0 else 0.12)
        w = min(1.0, (0.55 + 0.4 * m[10]) * _brow(m, x, y))
        for i in range(3):
            out[i] *= 1.0 - shade
            out[i] += w * (0.75 * m[4 + i] - out[i])


@njit(cache=True)
def _eye_colour(m: Floats, q: Floats, centre: Floats, out: Floats) -> None:
    dx = abs(q[0]) - centre[0]
    dy = q[1] - centre[1]
    d = math.sqrt(dx * dx + dy * dy)
    if q[2] < centre[2] or d > 0.092:
        out[0], out[1], out[2] = 0.80, 0.77, 0.74
    elif d < 0.040:
        out[0], out[1], out[2] = 0.03, 0.03, 0.03
    else:
        for i in range(3):
            out[i] = m[4 + i]
    if dy > 0.075:
        for i in range(3):
            out[i] *= 0.35


@njit(cache=True)
def _hair_colour(m: Floats, q: Floats, out: Floats) -> None:
    x, y, z = q[0], q[1], q[2]
    seed = int(m[12])
    turn = math.atan2(x, 0.35 - z)
    fine = value_noise(turn * 16.0, y * 1.3, 3.0, seed)
    coarse = value_noise(turn * 5.0, y * 0.6, 7.0, seed + 3)
    if m[11] > 0.5:
        fine = value_noise(x * 9.0, y * 9.0, z * 9.0, seed)
        coarse = value_noise(x * 4.0, y * 4.0, z * 4.0, seed + 3)
    for i in range(3):
        out[i] = m[1 + i] * (0.62 + 0.42 * fine + 0.36 * coarse) + 0.012


@njit(cache=True)
def _shoe_colour(m: Floats, q: Floats, out: Floats) -> None:
    k = 0
    style = int(m[11])
    if q[1] < -7.93 or (style == 1 and q[2] > 1.9):
        k = 1
    elif style == 2 and 0.8 < q[2] < 1.4 and q[1] > -7.75:
        k = 2
    for i in range(3):
        out[i] = m[1 + 3 * k + i]


@njit(cache=True)
def _base_colour(
    kind: int, m: Floats, q: Floats, c: Floats, eyes: Floats, words: Bytes, out: Floats
) -> None:
    if kind == SKIN:
        _skin_colour(m, q, out)
    elif kind == EYE:
        _eye_colour(m, q, eyes, out)
    elif kind == HAIR:
        _hair_colour(m, q, out)
    elif kind == FABRIC:
        fabric_colour(m, q[0], q[1], q[2], q[3], words, out)
        if c[0] == 0.0:
            edge = keep(c, q[0], q[1], q[2], q[3])
            if m[17] > 0.0 and edge < 0.16:
                for i in range(3):
                    out[i] = m[7 + i]
            if edge < 0.05:
                for i in range(3):
                    out[i] *= 0.82
    elif kind == FOOTWEAR:
        _shoe_colour(m, q, out)
    else:
        for i in range(3):
            out[i] = m[1 + i]


@njit(cache=True)
def _bend_normal(m: Floats, q: Floats, kind: int, n: Floats) -> None:
    depth = m[14]
    if depth <= 0.0:
        return
    sx, sy = 1.6, 1.0
    if kind == HAIR:
        sx, sy = 6.0, 0.8
    for i in range(3):
        n[i] += depth * (value_noise(q[0] * sx, q[1] * sy, q[2] * sx, 11 + 13 * i) - 0.5)
    length = math.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2)
    for i in range(3):
        n[i] /= length


@njit(cache=True)
def _lit_share(
    shadow: Floats, to_shadow: Floats, px: float, py: float, pz: float, bias: float
) -> float:
    """Share of the 3x3 shadow-map samples around a camera-space place that see the light."""
    u = to_shadow[0, 0] * px + to_shadow[0, 1] * py + to_shadow[0, 2] * pz + to_shadow[0, 3]
    v = to_shadow[1, 0] * px + to_shadow[1, 1] * py + to_shadow[1, 2] * pz + to_shadow[1, 3]
    w = to_shadow[2, 0] * px + to_shadow[2, 1] * py + to_shadow[2, 2] * pz + to_shadow[2, 3]
    iu = math.floor(u)
    iv = math.floor(v)
    dark = 0
    seen = 0
    for j in range(iv - 1, iv + 2):
        for i in range(iu - 1, iu + 2):
            if 0 <= i < shadow.shape[1] and 0 <= j < shadow.shape[0]:
                seen += 1
                if shadow[j, i] > 0.0 and 1.0 / shadow[j, i] < w - bias:
                    dark += 1
    return 1.0 - dark / seen if seen else 1.0


@njit(cache=True)
def _lit_colour(
    kind: int,
    colour: Floats,
    gloss: float,
    n: Floats,
    light: Floats,
    half: Floats,
    ambient: float,
    visible: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Write the colour under sky light and a key light of which a share is ``visible``."""
    wrap = 0.4 if kind == SKIN else 0.25
    slope = n[0] * light[0] + n[1] * light[1] + n[2] * light[2]
    # Near the terminator a shadow map only finds the surface itself: fade it out there.
    cast = 0.75 * smoothstep(0.02, 0.35, slope)
    lit = 1.0 - cast * (1.0 - visible)
    diffuse = max(0.0, (slope + wrap) / (1.0 + wrap)) * lit
    sky = 0.5 - 0.5 * n[1]
    graze = 1.0 + n[2]
    dim = ambient * (0.6 + 0.4 * sky) * (1.0 - 0.35 * graze * graze)
    facing = max(0.0, n[0] * half[0] + n[1] * half[1] + n[2] * half[2])
    shine = facing**24 * gloss * lit
    for k in range(3):
        value = colour[k] * (dim + (1.0 - ambient) * 1.35 * diffuse) + shine
        if kind == SKIN and k == 0:
            value += 0.03 * (1.0 - diffuse)
        out[k] = value


@njit(cache=True)
def shade(
    depth: Floats,
    face_at: Ints,
    weights: Floats,
    faces: Ints,
    layer_of: Ints,
    label_of: Ints,
    attributes: Floats,
    normals: Floats,
    kinds: Ints,
    materials: Floats,
    cuts: Floats,
    edge_of: Ints,
    eyes: Floats,
    words: Bytes,
    light: Floats,
    ambient: float,
    shadow: Floats,
    to_shadow: Floats,
    lens: Floats,
) -> tuple[npt.NDArray[np.float32], Bytes]:
    """Colour (H, W, 3) and LIP label (H, W) of every covered sample.

    Camera space: x right, y down, z away. ``light`` is the unit vector toward the light; ``lens``
    holds focal length and principal point in samples.
    """
    height, width = face_at.shape
    rgb = np.zeros((height, width, 3), np.float32)
    labels = np.zeros((height, width), np.uint8)
    q = np.zeros(ATTRIBUTES)
    colour = np.zeros(3)
    n = np.zeros(3)
    half = np.zeros(3)
    for i in range(3):
        half[i] = light[i] - (1.0 if i == 2 else 0.0)
    half /= math.sqrt(half[0] ** 2 + half[1] ** 2 + half[2] ** 2) + 1e-9
    for row in range(height):
        for column in range(width):
            f = face_at[row, column]
            if f < 0:
                continue
            a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
            wa = weights[row, column, 0]
            wb = weights[row, column, 1]
            wc = 1.0 - wa - wb
            layer = layer_of[f]
            kind = kinds[layer]
            m = materials[layer]
            for k in range(ATTRIBUTES):
                q[k] = wa * attributes[a, k] + wb * attributes[b, k] + wc * attributes[c, k]
            for k in range(3):
                n[k] = wa * normals[a, k] + wb * normals[b, k] + wc * normals[c, k]
            if n[2] > 0.0:
                for k in range(3):
                    n[k] = -n[k]
            labels[row, column] = skin_label(q[0], q[1]) if kind == SKIN else label_of[layer]
            _base_colour(kind, m, q, cuts[edge_of[layer]], eyes, words, colour)
            _bend_normal(m, q, kind, n)
            z = 1.0 / depth[row, column]
            px = (column + 0.5 - lens[1]) * z / lens[0]
            py = (row + 0.5 - lens[2]) * z / lens[0]
            bias = 0.35 if kind != SKIN else 0.22
            visible = _lit_share(shadow, to_shadow, px, py, z, bias)
            out = rgb[row, column]
            _lit_colour(kind, colour, m[13], n, light, half, ambient, visible, out)
    return rgb, labels
