"""Hats, sunglasses and scarves: generated shapes carried by the head, neck and chest."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.body import BODY_VERTICES, Body
from recapbench.mannequin.hair import HAT_PLANE
from recapbench.mannequin.layers import Layer, Shape, grid_faces, rigid
from recapbench.mannequin.outfit import Garment
from recapbench.mannequin.pattern import FLAT, material
from recapbench.mannequin.shading import FABRIC, PLAIN

Floats = npt.NDArray[np.float64]
COLUMNS = 40
BEANIE, CAP, WIDE_HAT, BUCKET = range(4)


def _profile(style: int, top: float) -> Floats:
    """(radius scale, height above the rim in dm) from rim to crown for a crown height ``top``."""
    dome = [(math.cos(a) ** 0.55, math.sin(a) ** 0.9) for a in np.linspace(0.0, 0.5 * math.pi, 9)]
    if style == BEANIE:
        band = [(1.0, -0.10), (1.07, -0.06), (1.09, 0.08), (1.08, 0.26), (1.01, 0.33)]
        return np.array(band + [(r, 0.33 + (top - 0.13) * h) for r, h in dome])
    if style == CAP:
        return np.array([(1.0, -0.05), *((r, (top + 0.04) * h) for r, h in dome)])
    crown = [(1.02, 0.04), (1.0, 0.2), (0.97, 0.55), (0.92, 0.75 * top), (0.82, top - 0.02)]
    crown += [(0.55, top + 0.05), (0.25, top + 0.04), (0.0, top + 0.03)]
    if style == WIDE_HAT:
        brim = [(1.86, -0.14), (1.7, -0.07), (1.4, 0.0), (1.15, 0.02)]
    else:
        brim = [(1.36, -0.40), (1.28, -0.26), (1.15, -0.06)]
    return np.array(brim + crown)


def _rim(body: Body, rest: Floats) -> tuple[Floats, float, float, float, float]:
    """Ellipse of the head at the hat's rim: centre (3,), half axes, slope toward the front, top."""
    place = body.canonical[:BODY_VERTICES]
    level = HAT_PLANE[0] + HAT_PLANE[1] * place[:, 2]
    ring = rest[:BODY_VERTICES][(np.abs(place[:, 1] - level) < 0.14) & (place[:, 1] > 9.0)]
    back, front = ring[np.argmin(ring[:, 2])], ring[np.argmax(ring[:, 2])]
    depth = 0.5 * float(front[2] - back[2])
    slope = float(front[1] - back[1]) / (2.0 * depth)
    centre = np.array([0.0, 0.5 * float(front[1] + back[1]), 0.5 * float(front[2] + back[2])])
    crown = float(rest[:BODY_VERTICES, 1].max()) - float(centre[1])
    return centre, float(np.abs(ring[:, 0]).max()), depth, slope, crown


def hat_layers(body: Body, rest: Floats, hat: Garment) -> list[Layer]:
    """A beanie, a cap with a peak, a wide-brimmed hat or a bucket hat."""
    style = int(hat.measure("style"))
    centre, wide, deep, slope, crown = _rim(body, rest)
    wide, deep = wide + 0.09, deep + 0.09
    profile = _profile(style, crown + 0.10)
    turn = 2.0 * np.pi * np.arange(COLUMNS) / COLUMNS
    x = profile[:, :1] * wide * np.sin(turn)
    z = profile[:, :1] * deep * np.cos(turn)
    y = profile[:, 1:] + slope * z
    places = centre + np.stack([x, y, z], axis=-1).reshape(-1, 3)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(profile, axis=0).T))])
    u = np.repeat((turn * 1.0)[None, :], len(profile), axis=0)
    v = np.repeat(along[:, None], COLUMNS, axis=1)
    canonical = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    row = material(
        hat.pattern, hat.colours, 0.34, 0.5, hat.seed, mapping=FLAT, bump=0.15, specular=0.02
    )
    faces = grid_faces(len(profile), COLUMNS, closed=True)
    layers = [Layer(FABRIC, row, hat.label, faces, shape=rigid(places, canonical, "head"))]
    if style in (WIDE_HAT, BUCKET):
        band = material("solid", (hat.colours[1],), mapping=FLAT)
        first = 4 if style == WIDE_HAT else 3
        ring = grid_faces(3, COLUMNS, closed=True) + first * COLUMNS
        scale = np.array([1.03, 1.0, 1.03])
        outer = centre + (places - centre) * scale
        layers.append(Layer(FABRIC, band, hat.label, ring, shape=rigid(outer, canonical, "head")))
    if style == CAP:
        layers.append(_peak(hat, centre, wide, deep, slope))
    return layers


def _peak(hat: Garment, centre: Floats, wide: float, deep: float, slope: float) -> Layer:
    """The peak of a cap: a crescent in front of the rim, curved down at the sides."""
    turns = np.linspace(-1.0, 1.0, 19)
    places = []
    for lift, thick in ((0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.0, -0.05)):
        for t in turns:
            reach = 0.85 * lift * max(0.0, math.cos(t * 1.57)) ** 0.6
            x = wide * math.sin(t) * (1.0 + 0.05 * lift)
            z = deep * math.cos(t) + reach
            droop = -0.22 * lift * (1.0 - math.cos(t)) - 0.10 * lift * lift
            y = 0.02 + slope * deep * math.cos(t) + droop + thick
            places.append(centre + np.array([x, y, z]))
    shape = rigid(np.array(places), np.array(places), "head")
    row = material("solid", (hat.colours[1],), mapping=FLAT)
    return Layer(PLAIN, row, hat.label, grid_faces(4, len(turns), closed=False), shape=shape)


def glasses_layers(body: Body, rest: Floats, glasses: Garment) -> list[Layer]:
    """Sunglasses: two dark lenses, a bridge and temples."""
    heads = body.bone_heads(rest)
    left, right = (heads[body.bone_index[f"eye.{s}"]] for s in "LR")
    middle = 0.5 * (left + right)
    span = float(left[0] - right[0])
    tall = 0.33 + 0.10 * glasses.measure("style")
    square = 0.55 + 0.4 * glasses.measure("style")
    places: list[Floats] = []
    faces: list[list[int]] = []

    def quad(a: Floats, b: Floats, height: float) -> None:
        first = len(places)
        rise = np.array([0.0, 0.5 * height, 0.0])
        places.extend([a + rise, a - rise, b + rise, b - rise])
        faces.extend([[first, first + 1, first + 2], [first + 1, first + 3, first + 2]])

    for sign in (1.0, -1.0):
        centre = middle + np.array([sign * span * 0.52, -0.03, 0.42])
        first = len(places)
        places.append(centre)
        for i in range(20):
            c, s = math.cos(math.pi * i / 10.0), math.sin(math.pi * i / 10.0)
            outer = max(0.0, c * sign)
            places.append(
                centre
                + np.array(
                    [
                        0.48 * span * math.copysign(abs(c) ** square, c),
                        tall * span * math.copysign(abs(s) ** square, s),
                        -0.16 * outer,
                    ]
                )
            )
        faces.extend([first, first + 1 + i, first + 1 + (i + 1) % 20] for i in range(20))
        hinge = middle + np.array([sign * span * 0.98, 0.06, 0.28])
        over_ear = middle + np.array([sign * (span * 0.5 + 0.60), 0.04, -0.75])
        quad(hinge, over_ear, 0.10)
    bridge = np.array([0.10, 0.0, 0.0])
    nose = middle + np.array([0.0, 0.05, 0.46])
    quad(nose - bridge, nose + bridge, 0.09)
    shape = rigid(np.array(places), np.array(places), "head")
    row = material(colours=((0.06, 0.06, 0.07),), specular=0.6)
    return [Layer(PLAIN, row, glasses.label, np.array(faces), shape=shape)]


def scarf_layers(body: Body, rest: Floats, scarf: Garment, thickness: float) -> list[Layer]:
    """A scarf around the neck, perhaps with an end hanging on the chest.

    ``thickness`` is how far the clothes under it stand off the body, dm.
    """
    heads = body.bone_heads(rest)
    neck = heads[body.bone_index["neck01"]] + [0.0, 0.02, 0.16]
    rows, columns = 14, 36
    ring = 2.0 * np.pi * np.arange(columns) / columns
    around = 2.0 * np.pi * np.arange(rows + 1) / rows
    c, s = np.cos(around)[:, None], np.sin(around)[:, None]
    folds = 0.055 * np.sin(2.0 * around[:, None] + 3.0 * ring) * (c > -0.3)
    folds = folds + 0.03 * np.sin(5.0 * ring + 1.3) * c
    radius = 0.80 + 0.27 * c - 0.20 * s + folds
    x = radius * np.sin(ring) * 1.06
    z = radius * np.cos(ring) * 0.98
    y = 0.36 * s - 0.06 * c - 0.24 * np.cos(ring)
    places = neck + np.stack([x, y, z], axis=-1).reshape(-1, 3)
    u = np.repeat(ring[None, :], rows + 1, axis=0)
    v = np.repeat((around * 0.36)[:, None], columns, axis=1)
    canonical = np.stack([u, v, 0 * u], axis=-1).reshape(-1, 3)
    row = material(
        scarf.pattern, scarf.colours, 0.45, scarf.duty, scarf.seed, mapping=FLAT, bump=0.5
    )
    shape = rigid(places, canonical, "neck01")
    layers = [Layer(FABRIC, row, scarf.label, grid_faces(rows + 1, columns, True), shape=shape)]
    if scarf.measure("tail"):
        layers.append(_scarf_end(body, rest, scarf, row, neck, thickness))
    return layers


def _scarf_end(
    body: Body, rest: Floats, scarf: Garment, row: Floats, neck: Floats, thickness: float
) -> Layer:
    chest = rest[:BODY_VERTICES]
    chest = chest[(body.arm_weight[:BODY_VERTICES] < 0.3) & (chest[:, 2] > 0.3)]
    steps = np.linspace(0.0, 1.0, 16)
    middle = 0.30
    places, canonical = [], []
    depth = 0.0
    for s in steps:
        y = float(neck[1]) - 0.45 - 2.3 * s
        near = chest[(np.abs(chest[:, 1] - y) < 0.35) & (np.abs(chest[:, 0] - middle) < 0.5)]
        surface = float(near[:, 2].max()) + thickness + 0.10
        depth = max(surface, depth - 0.06)
        for c in np.linspace(-1.0, 1.0, 7):
            places.append([middle + 0.30 * c * (0.8 + 0.3 * s), y, depth - 0.05 * c * c])
            canonical.append([0.36 * c, 2.5 * s, 0.0])
    fall = np.array(places)
    on_neck = np.clip(1.0 - 3.0 * np.repeat(steps, 7), 0.0, 1.0)
    shape = Shape(fall, np.array(canonical), [("neck01", on_neck), ("spine01", 1.0 - on_neck)])
    return Layer(FABRIC, row, scarf.label, grid_faces(len(steps), 7, closed=False), shape=shape)
