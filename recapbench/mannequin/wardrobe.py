"""Layers of a dressed person: skin, eyes, clothes, shoes, hair and accessories.

Clothes are the body's helper meshes (tights for what fits the body, skirt for what hangs), moved
out along the normals and bounded by per-pixel cuts. What a garment covers by more than a margin is
not drawn, so that nothing beneath can poke through. Sleeves belong to the garment's label; bare
skin of the neck and of the chest inside a neckline counts as face.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.accessories import glasses_layers, hat_layers, scarf_layers
from recapbench.mannequin.body import Body
from recapbench.mannequin.cuts import (
    GLOVE,
    HIGH_NECK,
    NO_NECK,
    ROUND_NECK,
    SHOE,
    V_NECK,
    cut,
)
from recapbench.mannequin.hair import hair_layers
from recapbench.mannequin.identity import Identity
from recapbench.mannequin.layers import Layer
from recapbench.mannequin.outfit import Garment, Outfit
from recapbench.mannequin.pattern import LEGS, TORSO, WRAP, material
from recapbench.mannequin.shading import EYE, FABRIC, FOOTWEAR, PLAIN, SKIN

Floats = npt.NDArray[np.float64]

WAIST = 1.9
_ROUND, _DEEP_V, _SCOOP, _HIGH = range(4)


def _neck(garment: Garment) -> dict[str, float]:
    kind = int(garment.measure("neck"))
    if kind == _DEEP_V:
        return {"neck": V_NECK, "v_bottom": 5.75, "v_slope": 0.46, "neck_y": 0.7}
    if kind == _SCOOP:
        return {"neck": ROUND_NECK, "neck_x": 1.12, "neck_y": 1.25, "neck_z": 1.05}
    if kind == _HIGH:
        return {"neck": HIGH_NECK, "neck_centre_y": 8.02}
    return {"neck": ROUND_NECK}


def _fabric(garment: Garment, mapping: int, bump: float) -> Floats:
    return material(
        garment.pattern,
        garment.colours,
        garment.period,
        garment.duty,
        garment.seed,
        word=garment.word,
        mapping=mapping,
        bump=bump,
        trim=garment.trim,
    )


def _with(row: Floats, field: int, value: float) -> Floats:
    """A copy of a cut row with one field changed."""
    changed = row.copy()
    changed[field] = value
    return changed


class _Dresser:
    """Collects layers from the inside out."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.y = body.canonical[:, 1]
        self.layers: list[Layer] = []

    def cloth(
        self,
        garment: Garment,
        row: Floats,
        offset: Floats,
        bump: float,
        mapping: int = TORSO,
        edge: Floats | None = None,
    ) -> None:
        """A garment part on the tights mesh; ``edge`` as in :class:`layers.Layer`."""
        fabric = _fabric(garment, mapping, bump)
        faces = self.body.triangles["helper-tights"]
        self.layers.append(Layer(FABRIC, fabric, garment.label, faces, offset, row, edge=edge))

    def hanging(
        self, garment: Garment, row: Floats, offset: Floats, bump: float, mapping: int = WRAP
    ) -> None:
        """A garment part on the skirt mesh; its upper end joins the part above."""
        fabric = _fabric(garment, mapping, bump)
        faces = self.body.triangles["helper-skirt"]
        edge = _with(row, 2, 99.0)
        self.layers.append(Layer(FABRIC, fabric, garment.label, faces, offset, row, edge=edge))

    def cover(self, row: Floats) -> None:
        """Hide what all layers so far have beneath a garment."""
        for layer in self.layers:
            if layer.offset is not None:
                layer.covers.append(row)

    def flare(self, amount: float, top: float = 2.0) -> Floats:
        """Extra stand-off growing downward from ``top``, dm."""
        return amount * np.clip((top - self.y) / 6.0, 0.0, 1.0)

    def gather(self, amount: float) -> Floats:
        """Stand-off of a hanging part that narrows to the waist, dm."""
        return amount - 0.08 * np.clip((self.y - 1.0) / 0.8, 0.0, 1.0)

    def loose(self, amount: float) -> Floats:
        """Stand-off of a loose top: less on the arms and near the neck."""
        near_neck = 0.45 + 0.55 * np.clip((7.6 - self.y) / 1.2, 0.0, 1.0)
        arms = 1.0 - 0.25 * self.body.arm_weight
        return 0.03 + amount * near_neck * arms


def _add_skin(d: _Dresser, person: Identity) -> None:
    red, green, blue = person.hair.colour
    skin = material(
        colours=(person.skin, (0.9 * red, 0.9 * green, 0.9 * blue), person.lips),
        period=person.brow,
        duty=person.beard,
        seed=1 if person.woman else 0,
        specular=0.05,
    )
    nothing = np.zeros(d.body.count)
    d.layers.append(Layer(SKIN, skin, 13, d.body.triangles["body"], nothing))
    eye = material(colours=((1.0, 1.0, 1.0), person.eyes), specular=0.35)
    for side in "lr":
        d.layers.append(Layer(EYE, eye, 13, d.body.triangles[f"helper-{side}-eye"], nothing))


def _add_legwear(d: _Dresser, outfit: Outfit) -> None:
    socks = outfit.find("socks")
    if socks:
        row = cut(low=-8.0, high=socks.measure("top"), arms=0.0)
        d.cover(row)
        d.cloth(socks, row, np.full(d.body.count, 0.045), 0.1, LEGS)
    pants = outfit.find("pants")
    if pants:
        row = cut(low=pants.measure("hem"), high=2.3, arms=0.0)
        loose = pants.measure("loose")
        d.cover(row)
        d.cloth(pants, row, 0.05 + loose * 0.3 + d.flare(loose), 0.45, LEGS)
    jumpsuit = outfit.find("jumpsuit")
    if jumpsuit:
        row = cut(low=jumpsuit.measure("hem"), sleeve=jumpsuit.measure("sleeve"), **_neck(jumpsuit))
        loose = jumpsuit.measure("loose")
        d.cover(row)
        upper, lower = row.copy(), row.copy()
        upper[1], lower[2], lower[5] = 1.4, 1.4, 0.0
        stand = d.loose(loose) + d.flare(0.1)
        d.cloth(jumpsuit, upper, stand, 0.4, edge=row)
        d.cloth(jumpsuit, lower, stand, 0.4, LEGS, edge=row)


def _add_shoes(d: _Dresser, outfit: Outfit) -> None:
    shoes = outfit.find("shoes")
    if not shoes:
        return
    top = shoes.measure("top")
    low = top < -6.5
    row = material(colours=shoes.colours, duty=shoes.measure("style"), specular=0.22)
    stand = np.where(d.y < -7.9, 0.16, 0.12)
    edges = [cut(SHOE, high=top, instep=0.28 if low else 0.0, side=s) for s in (1.0, -1.0)]
    for edge in edges:
        d.cover(edge)
    for edge, label in zip(edges, (18, 19), strict=True):
        faces = d.body.triangles["helper-tights"]
        d.layers.append(Layer(FOOTWEAR, row, label, faces, stand, edge, flat_sole=True))


def _add_upper(d: _Dresser, outfit: Outfit) -> float:
    """Top, skirt and dress; returns how far the outermost stands off the chest, dm."""
    thickness = 0.05
    top = outfit.find("top")
    if top:
        hem, loose = top.measure("hem"), top.measure("loose")
        row = cut(low=hem, sleeve=top.measure("sleeve"), armhole=0.12, **_neck(top))
        thickness = 0.03 + loose
        d.cover(row)
        body_part = row.copy()
        body_part[1] = max(hem, WAIST - 0.1)
        d.cloth(top, body_part, d.loose(loose), 0.5, edge=_with(row, 1, -99.0))
        if not top.measure("tucked"):
            hanging = cut(low=hem, high=WAIST + 0.25, arms=0.0)
            d.hanging(top, hanging, d.gather(0.03 + loose * 0.9) + d.flare(0.3), 0.5, TORSO)
    dress = outfit.find("dress")
    if dress:
        hem = dress.measure("hem")
        whole = cut(low=hem + 0.5, sleeve=dress.measure("sleeve"), armhole=0.12, **_neck(dress))
        d.cover(whole)
        upper = whole.copy()
        upper[1] = WAIST
        thickness = dress.measure("loose")
        d.cloth(dress, upper, d.loose(thickness), 0.4, edge=_with(whole, 1, -99.0))
        hanging = cut(low=hem, high=WAIST + 0.35, arms=0.0)
        d.hanging(dress, hanging, d.gather(0.14) + d.flare(dress.measure("flare")), 0.5)
    skirt = outfit.find("skirt")
    if skirt:
        hem = skirt.measure("hem")
        d.cover(cut(low=hem + 0.5, high=2.4, arms=0.0))
        d.hanging(
            skirt, cut(low=hem, high=2.5, arms=0.0), 0.2 + d.flare(skirt.measure("flare")), 0.4
        )
    return thickness


def _add_coat(d: _Dresser, outfit: Outfit) -> bool:
    coat = outfit.find("coat")
    if not coat:
        return False
    hem = coat.measure("hem")
    front = {"gap": coat.measure("gap"), "gap_flare": coat.measure("flare")}
    whole = cut(low=hem + 0.3, sleeve=0.98, neck=ROUND_NECK, **front)
    d.cover(whole)
    upper = whole.copy()
    upper[1] = WAIST - 0.1
    near_neck = 0.7 + 0.3 * np.clip((7.4 - d.y) / 1.2, 0.0, 1.0)
    stand = 0.40 * near_neck * (1.0 - 0.35 * d.body.arm_weight)
    d.cloth(coat, upper, stand, 0.6, edge=_with(whole, 1, -99.0))
    hanging = cut(low=hem, high=WAIST + 0.25, arms=0.0, neck=NO_NECK, **front)
    d.hanging(coat, hanging, 0.40 + d.flare(0.25), 0.6, TORSO)
    return True


def _add_gloves(d: _Dresser, outfit: Outfit) -> None:
    gloves = outfit.find("gloves")
    if gloves:
        row = cut(GLOVE, sleeve=gloves.measure("cuff"))
        fabric = _fabric(gloves, TORSO, 0.2)
        sleeves = [c for layer in d.layers[3:] for c in [layer.cut] if c[0] == 0.0 and c[5] > 0.0]
        d.layers[0].covers.append(row)
        faces = d.body.triangles["body"]
        stand = np.full(d.body.count, 0.075)
        layer = Layer(PLAIN, fabric, gloves.label, faces, stand, row, list(sleeves))
        d.layers.append(layer)


def dress_person(body: Body, person: Identity, outfit: Outfit, rest: Floats) -> list[Layer]:
    """All layers of a person with rest-pose vertices ``rest`` (N, 3) dm."""
    d = _Dresser(body)
    _add_skin(d, person)
    _add_legwear(d, outfit)
    _add_shoes(d, outfit)
    thickness = _add_upper(d, outfit)
    thickness = 0.42 if _add_coat(d, outfit) else thickness
    _add_gloves(d, outfit)
    hat, glasses, scarf = (outfit.find(k) for k in ("hat", "glasses", "scarf"))
    d.layers += hair_layers(body, person, rest, hat is not None, scarf is not None, thickness)
    if hat:
        d.layers += hat_layers(body, rest, hat)
    if glasses:
        d.layers += glasses_layers(body, rest, glasses)
    if scarf:
        d.layers += scarf_layers(body, rest, scarf, thickness)
    return d.layers
