"""Who a person is: body, face, hair, skin and the backdrop of the shoot; and how heavy they are."""

from __future__ import annotations

import colorsys
import dataclasses
import json
from typing import Any

from recapbench.mannequin.streams import Stream

Rgb = tuple[float, float, float]
"""Red, green, blue in 0..1."""
Weights = tuple[tuple[str, float], ...]
"""Pairs of name and value: a mapping that can be hashed."""

SKIN_TONES: tuple[Rgb, ...] = (
    (0.95, 0.79, 0.70),
    (0.88, 0.69, 0.57),
    (0.79, 0.59, 0.45),
    (0.63, 0.44, 0.32),
    (0.47, 0.31, 0.22),
    (0.35, 0.23, 0.17),
)
HAIR_COLOURS: tuple[Rgb, ...] = (
    (0.07, 0.06, 0.06),
    (0.15, 0.10, 0.07),
    (0.28, 0.17, 0.10),
    (0.48, 0.30, 0.15),
    (0.76, 0.60, 0.34),
    (0.50, 0.18, 0.08),
    (0.55, 0.54, 0.53),
)
WOMEN_HAIR = ("long", "bob", "ponytail", "bun", "long", "afro", "short", "bob")
MEN_HAIR = ("short", "short", "crop", "buzz", "short", "quiff", "bald", "afro")


class Jsonable:
    """Mixin of the frozen dataclasses that describe a picture."""

    def attributes(self) -> dict[str, Any]:
        """All fields, nested, as plain Python values."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    def to_json(self) -> str:
        """The fields as JSON with sorted keys: equal objects give equal text."""
        return json.dumps(self.attributes(), sort_keys=True)


@dataclasses.dataclass(frozen=True)
class Hair(Jsonable):
    """Hair: ``style``, ``colour``, ``volume`` and ``length`` in 0..1 and the grain's ``seed``."""

    style: str
    colour: Rgb
    volume: float
    length: float
    seed: int


@dataclasses.dataclass(frozen=True)
class Backdrop(Jsonable):
    """Studio of one shoot: wall colour and light, the same in all pictures of a person.

    ``light_azimuth`` (degrees, positive to the viewer's right) and ``light_elevation`` (degrees)
    are relative to the camera; ``ambient`` is the share of undirected light.
    """

    colour: Rgb
    light_azimuth: float
    light_elevation: float
    ambient: float


@dataclasses.dataclass(frozen=True)
class Identity(Jsonable):
    """A person: macro parameters of the body (see ``body.Body.shape``), face targets and looks."""

    set_name: str
    split: str
    number: int
    woman: bool
    body: Weights
    face: Weights
    hair: Hair
    skin: Rgb
    lips: Rgb
    eyes: Rgb
    brow: float
    beard: float
    backdrop: Backdrop


@dataclasses.dataclass(frozen=True)
class Figure(Jsonable):
    """Changes of the figure in -1 (thinner) .. 1 (fatter) per region; all 0 is the person's own."""

    weight: float = 0.0
    torso: float = 0.0
    hip: float = 0.0
    stomach: float = 0.0
    limbs: float = 0.0

    def targets(self) -> dict[str, float]:
        """Signed weights of the asset's local shape targets."""
        limbs = {
            f"{part}-fat": 0.75 * self.limbs
            for part in (
                "arms/l-upperarm",
                "arms/r-upperarm",
                "arms/l-lowerarm",
                "arms/r-lowerarm",
                "legs/l-upperleg",
                "legs/r-upperleg",
                "legs/l-lowerleg",
                "legs/r-lowerleg",
            )
        }
        return {
            "torso/torso-scale-horiz": 0.55 * self.torso,
            "torso/torso-scale-depth": 0.7 * self.torso,
            "torso/measure-waist-circ": 0.5 * self.stomach,
            "hip/hip-scale-horiz": 0.6 * self.hip,
            "hip/hip-scale-depth": 0.6 * self.hip,
            "stomach/stomach-pregnant": 0.45 * max(self.stomach, 0.0),
            "head/head-fat": 0.5 * self.weight,
            "neck/neck-double": 0.5 * max(self.weight, 0.0),
            **limbs,
        }


NEUTRAL = Figure()
THINNER = Figure(weight=-1.0, torso=-0.9, hip=-0.9, stomach=-0.9, limbs=-1.1)
FATTER = Figure(weight=0.8, torso=0.8, hip=0.8, stomach=0.9, limbs=0.9)


def colour(hue: float, saturation: float, value: float) -> Rgb:
    """RGB of a hue (any real, period 1), saturation and value in 0..1."""
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def _body(stream: Stream, woman: bool) -> Weights:
    shares = [stream.uniform(0.02, 1.0) ** 3 for _ in range(3)]
    total = sum(shares)
    return (
        ("gender", 0.95 if woman else 0.05),
        ("age", stream.uniform(0.06, 0.6)),
        ("muscle", stream.uniform(0.35, 0.7) if woman else stream.uniform(0.45, 0.9)),
        ("weight", min(max(0.48 + 0.18 * stream.normal(), 0.1), 0.95)),
        ("height", stream.uniform(0.3, 0.7)),
        ("proportions", stream.uniform(0.15, 0.85)),
        ("cup", stream.uniform(0.25, 0.65)),
        ("african", shares[0] / total),
        ("asian", shares[1] / total),
        ("caucasian", shares[2] / total),
    )


def _face(stream: Stream) -> Weights:
    shapes = ("oval", "round", "square", "triangular", "invertedtriangular")
    cheek, eye = 0.5 * stream.normal(), 0.2 * stream.normal()
    signed = (
        ("head/head-scale-horiz", 0.25),
        ("head/head-scale-vert", 0.25),
        ("nose/nose-scale-horiz", 0.45),
        ("nose/nose-scale-vert", 0.35),
        ("nose/nose-scale-depth", 0.35),
        ("nose/nose-hump", 0.35),
        ("mouth/mouth-scale-horiz", 0.4),
        ("mouth/mouth-lowerlip-volume", 0.4),
        ("mouth/mouth-upperlip-volume", 0.4),
        ("chin/chin-width", 0.4),
        ("chin/chin-height", 0.3),
        ("chin/chin-prominent", 0.3),
    )
    drawn = [(name, max(-1.0, min(1.0, s * stream.normal()))) for name, s in signed]
    return (
        *drawn,
        (f"head/head-{stream.choice(shapes)}", stream.uniform(0.05, 0.45)),
        ("eyebrows/eyebrows-angle-up", stream.uniform(0.2, 0.8)),
        ("mouth/mouth-angles-up", stream.uniform(0.1, 0.7)),
        ("cheek/l-cheek-volume", cheek),
        ("cheek/r-cheek-volume", cheek),
        ("eyes/l-eye-scale", eye),
        ("eyes/r-eye-scale", eye),
    )


def _skin(stream: Stream, body: dict[str, float]) -> Rgb:
    middle = 0.9 * body["african"] + 0.38 * body["asian"] + 0.15 * body["caucasian"]
    mark = min(max(middle + 0.09 * stream.normal(), 0.0), 0.999) * (len(SKIN_TONES) - 1)
    low = int(mark)
    pair = zip(SKIN_TONES[low], SKIN_TONES[low + 1], strict=True)
    red, green, blue = (a + (mark - low) * (b - a) for a, b in pair)
    return red, green, blue


def _hair(stream: Stream, woman: bool, dark: bool) -> Hair:
    weights = (4, 4, 2, 1, 0.2, 0.2, 0.3) if dark else (2, 3, 3, 3, 2.5, 1.5, 1)
    return Hair(
        style=stream.choice(WOMEN_HAIR if woman else MEN_HAIR),
        colour=stream.choice(HAIR_COLOURS, weights),
        volume=stream.uniform(),
        length=stream.uniform(),
        seed=stream.integers(0, 1000),
    )


def _backdrop(stream: Stream) -> Backdrop:
    tinted = stream.chance(0.4)
    saturation = stream.uniform(0.08, 0.28) if tinted else stream.uniform(0.0, 0.05)
    return Backdrop(
        colour=colour(stream.uniform(), saturation, stream.uniform(0.72, 0.96)),
        light_azimuth=stream.uniform(-55.0, 55.0),
        light_elevation=stream.uniform(32.0, 58.0),
        ambient=stream.uniform(0.46, 0.58),
    )


def draw_identity(set_name: str, split: str, number: int, woman: bool) -> Identity:
    """The person with this number; every part of the looks has a stream of its own."""

    def stream(part: str) -> Stream:
        return Stream(set_name, split, part, number)

    body = _body(stream("body"), woman)
    shares = dict(body)
    look = stream("skin")
    skin = _skin(look, shares)
    rosy = look.uniform(0.0, 0.14) if woman else 0.0
    lips = (skin[0] * 0.86 + rosy, skin[1] * 0.58, skin[2] * 0.60)
    iris = look.choice(((0.08, 0.6, 0.22), (0.08, 0.5, 0.32), (0.58, 0.5, 0.5), (0.3, 0.3, 0.4)))
    bearded = not woman and look.chance(0.4)
    return Identity(
        set_name=set_name,
        split=split,
        number=number,
        woman=woman,
        body=body,
        face=_face(stream("face")),
        hair=_hair(stream("hair"), woman, skin[0] < 0.7),
        skin=skin,
        lips=lips,
        eyes=colour(*iris),
        brow=look.uniform(0.3, 0.6) if woman else look.uniform(0.6, 1.0),
        beard=look.uniform(0.25, 0.8) if bearded else 0.0,
        backdrop=_backdrop(stream("backdrop")),
    )
