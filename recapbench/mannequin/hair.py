"""Hair: a layer on the scalp, and for longer styles a hanging shell, a bun or a ponytail."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.body import BODY_VERTICES, Body
from recapbench.mannequin.cuts import SCALP, SHELL, cut, keep_many
from recapbench.mannequin.identity import Identity
from recapbench.mannequin.layers import Layer, Shape, grid_faces, rigid
from recapbench.mannequin.pattern import material
from recapbench.mannequin.shading import HAIR

Floats = npt.NDArray[np.float64]

HAIR_LABEL = 2
HAT_PLANE = (9.50, 0.20)
"""Height at depth 0 and slope of the plane under a hat above which no hair is drawn (canonical)."""
_AXIS_Z = 0.40
_VOLUME = {
    "buzz": (0.015, 0.03),
    "crop": (0.05, 0.09),
    "short": (0.10, 0.20),
    "quiff": (0.12, 0.18),
    "afro": (0.45, 0.70),
    "bob": (0.12, 0.20),
    "long": (0.10, 0.18),
    "ponytail": (0.07, 0.11),
    "bun": (0.07, 0.11),
}


def _hair_material(person: Identity) -> Floats:
    curly = 1.0 if person.hair.style == "afro" else 0.0
    row = material(
        colours=(person.hair.colour,), duty=curly, seed=person.hair.seed, specular=0.10, bump=0.5
    )
    if person.hair.style == "buzz":
        row[1:4] = 0.55 * row[1:4] + 0.45 * np.array(person.skin) * 0.75
        row[14] = 0.1
    return row


def _lid(hat: bool) -> dict[str, float]:
    return {"lid_y": HAT_PLANE[0], "lid_slope": HAT_PLANE[1]} if hat else {}


def _scalp(body: Body, person: Identity, hat: bool) -> Layer:
    hair = person.hair
    low, high = _VOLUME[hair.style]
    volume = low + (high - low) * hair.volume
    ears = 0.0 if hair.style in ("bob", "long", "afro") else 1.0
    fringe = hair.style in ("bob", "long") and hair.seed % 2 == 0
    drop = -0.24 if fringe else 0.10 * (hair.length - 0.5)
    row = cut(SCALP, hairline=drop, ears=ears, **_lid(hat))
    place = body.canonical
    free = cut(SCALP, hairline=drop, ears=ears)
    inside = keep_many(free, place, np.zeros(len(place)))
    rise = np.clip(inside * (1.2 if hair.style == "afro" else 2.2), 0.0, 1.0)
    offset = 0.012 + volume * rise
    if hair.style == "quiff":
        front = np.clip(place[:, 2] - 0.6, 0.0, 1.0) * np.clip((place[:, 1] - 9.7) * 2.0, 0.0, 1.0)
        offset = offset + 0.30 * front
    if hair.style == "short":
        top = np.clip((place[:, 1] - 9.6) * 1.5, 0.0, 1.0)
        offset = offset * (0.6 + 0.7 * top)
    if hat:
        offset = np.minimum(offset, 0.06)
    return Layer(HAIR, _hair_material(person), HAIR_LABEL, body.triangles["body"], offset, row)


def _support(points: Floats, height: float, turn: float) -> float:
    """Largest distance of body points from the head's axis near a height and direction."""
    near = np.abs(points[:, 1] - height) < (0.22 if height < 9.2 else 0.10)
    x, z = points[near, 0], points[near, 2] - _AXIS_Z
    along = x * np.sin(turn) - z * np.cos(turn)
    across = x * np.cos(turn) + z * np.sin(turn)
    reach = along[(np.abs(across) < 0.16) & (along > 0.0)]
    return float(reach.max()) if len(reach) else 0.0


def _shell_radius(
    points: Floats, heights: Floats, turns: Floats, volume: float, wrap: tuple[float, float, bool]
) -> Floats:
    """Radius (rows, columns) of hanging hair: the head's, then falling free outside the body.

    ``wrap``: how far clothes stand off the body (dm), least radius at the neck (over a scarf), and
    whether a hat presses the hair to the head.
    """
    stand, neck, hat = wrap
    radius = np.array([[_support(points, h, t) for t in turns] for h in heights])
    rim = int(np.argmin(np.abs(heights - 8.95)))
    widest = radius[heights > 8.9].max(axis=0)
    radius[rim] = np.maximum(radius[rim], 0.97 * widest)
    for i in range(rim + 1, len(heights)):
        h = heights[i]
        over = radius[i] + 0.06 + (stand if h < 7.9 else 0.0)
        over = np.maximum(over, neck if 6.9 < h < 8.1 else 0.0)
        fall = radius[rim] * (1.0 - 0.02 * (9.0 - h))
        radius[i] = np.minimum(np.maximum(fall, over), widest + 0.45 + stand)
    for _ in range(5):
        radius[:, 1:-1] = 0.25 * (radius[:, :-2] + 2.0 * radius[:, 1:-1] + radius[:, 2:])
        radius[1:-1] = 0.25 * (radius[:-2] + 2.0 * radius[1:-1] + radius[2:])
    if hat:
        return radius + (volume + 0.03) * np.clip((9.25 - heights) / 0.7, 0.0, 1.0)[:, None]
    return radius + volume + np.clip((9.45 - heights) * 0.14, -0.10, 0.05)[:, None]


def _shell(body: Body, person: Identity, rest: Floats, wrap: tuple[float, float, bool]) -> Layer:
    hair = person.hair
    tip = 7.95 - 0.35 * hair.length if hair.style == "bob" else 7.3 - 2.0 * hair.length
    shift = _head_shift(body, rest)
    points = rest[:BODY_VERTICES][body.arm_weight[:BODY_VERTICES] < 0.3] + shift
    points = points[points[:, 1] > tip - 0.5]
    heights = np.linspace(10.0, tip - 0.25, 30)
    turns = np.linspace(-2.6, 2.6, 53)
    low, high = _VOLUME[hair.style]
    radius = _shell_radius(points, heights, turns, low + (high - low) * hair.volume, wrap)
    x = radius * np.sin(turns)[None, :]
    z = _AXIS_Z - radius * np.cos(turns)[None, :]
    y = np.repeat(heights[:, None], len(turns), axis=1)
    canonical = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    on_head = np.clip((canonical[:, 1] - 7.2) / 1.4, 0.0, 1.0)
    shape = Shape(canonical - shift, canonical, [("head", on_head), ("spine01", 1.0 - on_head)])
    row = cut(SHELL, low=tip, ragged=0.22, front=0.50 + 0.15 * hair.volume, **_lid(wrap[2]))
    if wrap[2]:
        row[16] += 0.15
    faces = grid_faces(len(heights), len(turns), closed=False)
    return Layer(HAIR, _hair_material(person), HAIR_LABEL, faces, cut=row, shape=shape)


def _head_shift(body: Body, rest: Floats) -> Floats:
    """Vector that takes the person's head to the canonical head (middle of the eyes)."""
    eyes = [body.bone_index[f"eye.{s}"] for s in "LR"]
    heads = body.bone_heads(rest)
    shift = (body.canonical_heads[eyes] - heads[eyes]).sum(axis=0) / 2.0
    shift[0] = 0.0
    return shift


def _tube(path: Floats, radii: Floats, columns: int = 16) -> Floats:
    """Vertices (rows * columns, 3) of a tube with circles in planes across its path."""
    ahead = np.gradient(path, axis=0)
    out = []
    for centre, radius, d in zip(path, radii, ahead, strict=True):
        d = d / max(float(np.sqrt((d * d).sum())), 1e-9)
        side = np.array([1.0, 0.0, 0.0])
        up = np.array([0.0, -d[2], d[1]])
        for i in range(columns):
            a = 2.0 * np.pi * i / columns
            out.append(centre + radius * (np.cos(a) * side + np.sin(a) * up))
    return np.array(out)


def _tail(body: Body, person: Identity, rest: Floats) -> Layer:
    hair = person.hair
    s = np.linspace(0.0, 1.0, 18)
    if hair.style == "bun":
        size = 0.36 + 0.14 * hair.volume
        path = np.stack([0 * s, 9.55 + 0.7 * size * (2 * s - 1), -0.62 - 0 * s], axis=1)
        radii = size * np.sqrt(np.maximum(0.0, 1.0 - (2.0 * s - 1.0) ** 2))
    else:
        long = 1.6 + 1.4 * hair.length
        depth = -0.35 - 0.85 * np.minimum(1.0, s * 2.5) + 0.25 * s
        path = np.stack([0 * s, 9.55 + 0.25 * np.sin(s * 3.1) - long * s**1.3, depth], axis=1)
        radii = 0.11 + 0.17 * np.sin(np.pi * np.clip(0.85 * s + 0.05, 0.0, 1.0)) ** 0.7
        radii[-2:] = 0.13, 0.01
    canonical = _tube(path, radii)
    shape = rigid(canonical - _head_shift(body, rest), canonical, "head")
    faces = grid_faces(len(s), 16, closed=True)
    return Layer(HAIR, _hair_material(person), HAIR_LABEL, faces, shape=shape)


def hair_layers(
    body: Body, person: Identity, rest: Floats, hat: bool, scarf: bool, stand: float
) -> list[Layer]:
    """The layers of a person's hair on rest-pose vertices ``rest`` (N, 3) dm.

    Under a hat only the hair below the hat's rim is drawn. Long hair falls outside the clothes,
    which stand ``stand`` dm off the body, and outside a scarf.
    """
    style = person.hair.style
    if style == "bald":
        return []
    layers = [_scalp(body, person, hat)]
    if style in ("long", "bob"):
        layers.append(_shell(body, person, rest, (stand, 1.22 if scarf else 0.0, hat)))
    if style == "ponytail" or (style == "bun" and not hat):
        layers.append(_tail(body, person, rest))
    return layers
