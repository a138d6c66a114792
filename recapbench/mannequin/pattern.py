"""Fabrics: rows of material parameters and the compiled patterns drawn from them.

Patterns live on the garment, not on the image: they are functions of canonical coordinates, laid
out like the cloth panels of a real garment. The two halves (front, back) of a torso panel mirror at
the side seam, sleeves start at the armhole seam, trouser legs unroll around the leg.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from recapbench.mannequin.cuts import ARM_LENGTH, arm_side
from recapbench.mannequin.noise import smoothstep, value_noise

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

PATTERNS: tuple[str, ...] = (
    "solid",
    "hoops",
    "stripes",
    "plaid",
    "dots",
    "camouflage",
    "denim",
    "block",
    "checks",
    "argyle",
    "triple_hoops",
    "diagonal",
    "chevron",
    "triangles",
)
HELD_OUT_PATTERNS: tuple[str, ...] = ("diagonal", "chevron", "triangles")
"""Patterns that only the test split wears."""

TORSO, LEGS, WRAP, FLAT = range(4)
MATERIAL_SIZE = 24

WORDS = ("NOVA", "PULP", "LUXE", "KITE", "ZERO", "MINT", "ROMA", "ECHO")
_FONT = {
    "A": "01110100011000111111100011000110001",
    "C": "01111100001000010000100001000001111",
    "E": "11111100001000011110100001000011111",
    "H": "10001100011000111111100011000110001",
    "I": "01110001000010000100001000010001110",
    "K": "10001100101010011000101001001010001",
    "L": "10000100001000010000100001000011111",
    "M": "10001110111010110001100011000110001",
    "N": "10001110011010110011100011000110001",
    "O": "01110100011000110001100011000101110",
    "P": "11110100011000111110100001000010000",
    "R": "11110100011000111110101001001010001",
    "T": "11111001000010000100001000010000100",
    "U": "10001100011000110001100011000101110",
    "V": "10001100011000110001100010101000100",
    "X": "10001100010101000100010101000110001",
    "Z": "11111000010001000100010001000011111",
}


def glyphs() -> Bytes:
    """Bitmaps (8, 4, 7, 5) uint8 0/1 of the words printed on chests."""
    letters = [[np.array(list(_FONT[c]), np.uint8).reshape(7, 5) for c in w] for w in WORDS]
    return np.array(letters)


def material(
    pattern: str = "solid",
    colours: tuple[tuple[float, float, float], ...] = ((0.5, 0.5, 0.5),),
    period: float = 1.0,
    duty: float = 0.5,
    seed: int = 0,
    specular: float = 0.0,
    bump: float = 0.0,
    word: int = -1,
    mapping: int = TORSO,
    trim: float = 0.0,
) -> Floats:
    """A material row.

    Args:
        colours: one to three RGB triples in 0..1 (missing ones repeat the last).
        period: size of the pattern's repeat in dm.
        duty: share of the second colour.
        seed: of noise patterns; specular: strength of the highlight; bump: depth of folds.
        word: index into ``WORDS`` printed on the chest, or -1.
        mapping: TORSO (with sleeves), LEGS, WRAP (around a skirt) or FLAT (x and y as they are).
        trim: 1 paints necklines and cuffs in the third colour.
    """
    row = np.zeros(MATERIAL_SIZE)
    row[0] = PATTERNS.index(pattern)
    for i in range(3):
        row[1 + 3 * i : 4 + 3 * i] = colours[min(i, len(colours) - 1)]
    row[10:16] = period, duty, seed, specular, bump, word
    row[16:18] = mapping, trim
    return row


@njit(cache=True)
def _unroll_torso(x: float, y: float, z: float) -> float:
    around = 1.35 * math.atan2(x / 1.65, abs(z - 0.42) / 1.05 + 1e-9)
    s = smoothstep(5.2, 6.6, y)
    return around + s * (x - around)


@njit(cache=True)
def panel_coordinates(mapping: int, x: float, y: float, z: float, t: float) -> tuple[float, float]:
    """Cloth coordinates (u around, v up) in dm of a canonical place."""
    if mapping == FLAT:
        return x, y
    if mapping == WRAP:
        return 1.75 * math.atan2(x, abs(z - 0.3) * 1.4 + 1e-9), y
    if mapping == LEGS:
        torso = 1.35 * math.atan2(x / 1.7, abs(z - 0.3) / 1.1 + 1e-9)
        centre = 1.05 + 0.11 * (1.0 - y)
        leg = 1.3 + 0.75 * math.atan2(abs(x) - centre, abs(z - 0.3) + 1e-9)
        s = smoothstep(-0.4, 1.6, y)
        return leg + s * (abs(torso) - leg), y
    if arm_side(x, y) > 0.0 and y < 7.3:
        outward = 0.75 * (abs(x) - 1.89) + 0.66 * (y - 6.69)
        forward = z - 0.25 - max(0.0, t - 0.53) * 3.4
        return 0.75 * math.atan2(forward, abs(outward) + 0.12), 6.75 - t * ARM_LENGTH
    return _unroll_torso(x, y, z), y


@njit(cache=True)
def _phase(value: float) -> float:
    return value - math.floor(value)


@njit(cache=True)
def _colour_index(
    m: Floats, kind: int, u: float, v: float, x: float, y: float, z: float, arm: bool
) -> int:
    p = m[10]
    duty = m[11]
    k = 0
    if kind == 1:
        k = 1 if _phase(v / p) < duty else 0
    elif kind == 2:
        k = 1 if _phase(u / p + 0.5 * duty) < duty else 0
    elif kind == 3:
        a = _phase(v / p) < duty
        b = _phase(u / p + 0.5 * duty) < duty
        k = 2 if (a and b) else (1 if (a or b) else 0)
    elif kind == 4:
        r = math.floor(v / p)
        du = _phase(u / p + 0.5 + 0.5 * (r % 2.0)) - 0.5
        dv = _phase(v / p) - 0.5
        k = 1 if du * du + dv * dv < 0.25 * duty * duty else 0
    elif kind == 5:
        s = 1.0 / p
        seed = int(m[12])
        n = value_noise(x * s, y * s, z * s, seed)
        n += 0.5 * value_noise(2.0 * x * s, 2.0 * y * s, 2.0 * z * s, seed + 7)
        k = 0 if n < 0.65 else (1 if n < 0.88 else 2)
    elif kind == 7:
        k = 2 if arm else (1 if abs(v - 4.4) < p else 0)
    elif kind == 8:
        k = 1 if (math.floor(v / p) + math.floor(u / p + 0.5)) % 2.0 == 0.0 else 0
    elif kind == 9:
        a = _phase((u + 0.6 * v) / p)
        b = _phase((u - 0.6 * v) / p)
        k = 1 if (a < 0.5) == (b < 0.5) else 0
        if a < 0.07 or b < 0.07:
            k = 2
    elif kind == 10:
        k = int(3.0 * _phase(v / (1.5 * p)))
    elif kind == 11:
        k = 1 if _phase((u + v) / (1.4 * p)) < duty else 0
    elif kind == 12:
        zigzag = abs(_phase(u / (1.6 * p)) - 0.5) * 1.6 * p
        k = int(3.0 * _phase((v + zigzag) / (1.7 * p)))
    elif kind == 13:
        row = _phase(v / p)
        column = _phase(u / p + 0.5 * (math.floor(v / p) % 2.0))
        k = 1 if abs(column - 0.5) < 0.5 * (1.0 - row) * 0.95 else 0
    return k


@njit(cache=True)
def fabric_colour(
    m: Floats, x: float, y: float, z: float, t: float, words: Bytes, out: Floats
) -> None:
    """Write the RGB of material ``m`` at a canonical place into ``out`` (3,)."""
    mapping = int(m[16])
    u, v = panel_coordinates(mapping, x, y, z, t)
    arm = mapping == TORSO and arm_side(x, y) > 0.0
    kind = int(m[0])
    if kind == 6:
        weave = 0.10 * (value_noise(x * 9.0, y * 9.0, z * 9.0, int(m[12])) - 0.5)
        fade = 0.14 * math.exp(-(((y + 1.2) / 2.2) ** 2)) * (1.0 if z > 0.3 else 0.4)
        for i in range(3):
            out[i] = m[1 + i] * (1.0 + weave) + fade
        return
    k = _colour_index(m, kind, u, v, x, y, z, arm)
    for i in range(3):
        out[i] = m[1 + 3 * k + i]
    word = int(m[15])
    if word >= 0 and not arm and z > 0.4 and mapping == TORSO:
        column = math.floor((x + 1.2) / 2.4 * 23.0)
        row = math.floor((5.75 - y) / 0.85 * 7.0)
        inside = 0 <= column < 23 and 0 <= row < 7 and column % 6 < 5
        if inside and words[word, column // 6, row, column % 6] > 0:
            for i in range(3):
                out[i] = m[7 + i]
