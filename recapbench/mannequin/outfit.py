"""What a person wears: garments with label, cut, fabric; drawn by quota so that none is rare."""

from __future__ import annotations

import dataclasses

from recapbench.mannequin.identity import Identity, Jsonable, Rgb, Weights, colour
from recapbench.mannequin.pattern import HELD_OUT_PATTERNS, WORDS
from recapbench.mannequin.streams import Stream

LABELS: dict[str, int] = {
    "hat": 1,
    "gloves": 3,
    "glasses": 4,
    "top": 5,
    "dress": 6,
    "coat": 7,
    "socks": 8,
    "pants": 9,
    "jumpsuit": 10,
    "scarf": 11,
    "skirt": 12,
    "shoes": 18,
}
"""LIP label of each kind of garment (shoes: 18 left, 19 right)."""

PERSON_BLOCK = 6
"""Of this many consecutive identities three are women; they share the six clothing styles."""
EXTRA_BLOCK = 5
HELD_OUT_BLOCK = 3
"""One of this many consecutive test persons wears a held-out pattern as main garment."""
EXTRAS: dict[str, int] = {"hat": 1, "glasses": 1, "gloves": 1, "scarf": 1, "coat": 1, "socks": 2}
"""How many of ``EXTRA_BLOCK`` consecutive identities wear each extra."""

_STUDIO_PATTERNS = {
    "solid": 3.0,
    "hoops": 2.0,
    "stripes": 1.5,
    "plaid": 1.2,
    "dots": 1.3,
    "camouflage": 0.8,
    "block": 1.2,
    "checks": 1.0,
    "argyle": 1.0,
    "triple_hoops": 1.2,
}
_PERIODS = {
    "hoops": (0.65, 1.3),
    "stripes": (0.6, 1.0),
    "plaid": (0.8, 1.3),
    "dots": (0.65, 1.0),
    "camouflage": (0.7, 1.2),
    "block": (0.55, 0.9),
    "checks": (0.55, 0.9),
    "argyle": (1.0, 1.5),
    "triple_hoops": (0.7, 1.1),
    "diagonal": (0.7, 1.1),
    "chevron": (0.7, 1.0),
    "triangles": (0.8, 1.1),
}
_DUTY = {"plaid": 0.3, "dots": 0.62}


@dataclasses.dataclass(frozen=True)
class Garment(Jsonable):
    """One garment: ``kind`` (a key of ``LABELS``), LIP ``label``, fabric and cut.

    ``period`` is the pattern's repeat in dm, ``duty`` the share of the second colour, ``word`` an
    index into the printed words or -1, ``trim`` 1 for edges in the third colour. ``cut`` holds the
    measures that the kind needs (heights are canonical, dm; see ``cuts``).
    """

    kind: str
    label: int
    colours: tuple[Rgb, ...]
    pattern: str
    period: float
    duty: float
    seed: int
    word: int
    trim: float
    cut: Weights

    def measure(self, name: str, default: float = 0.0) -> float:
        """One measure of the cut."""
        return dict(self.cut).get(name, default)


@dataclasses.dataclass(frozen=True)
class Outfit(Jsonable):
    """The garments of a picture, at most one of a kind."""

    garments: tuple[Garment, ...]

    def find(self, kind: str) -> Garment | None:
        """The garment of a kind, if worn."""
        return next((g for g in self.garments if g.kind == kind), None)

    def replaced(self, garment: Garment) -> Outfit:
        """The outfit with another garment of the same kind."""
        return Outfit(tuple(garment if g.kind == garment.kind else g for g in self.garments))


def rank_in_block(set_name: str, split: str, item: str, number: int, block: int) -> int:
    """A random place 0..block-1 that every number of an aligned block has to itself."""
    order = Stream(set_name, split, "quota", item, number // block).shuffled(range(block))
    return order[number % block]


def is_woman(set_name: str, split: str, number: int) -> bool:
    """Whether this number is a woman: three of every six."""
    return rank_in_block(set_name, split, "style", number, PERSON_BLOCK) < 3


def clothing_style(set_name: str, split: str, number: int) -> str:
    """dress, skirt, pants, shorts or jumpsuit."""
    rank = rank_in_block(set_name, split, "style", number, PERSON_BLOCK)
    odd = (number // PERSON_BLOCK) % 2
    styles = (
        "dress",
        "skirt",
        "jumpsuit" if odd else "pants",
        "pants",
        "shorts",
        "pants" if odd else "jumpsuit",
    )
    return styles[rank]


def wears(set_name: str, split: str, item: str, number: int) -> bool:
    """Whether the quota gives this number an extra."""
    return rank_in_block(set_name, split, item, number, EXTRA_BLOCK) < EXTRAS[item]


def _luminance(c: Rgb) -> float:
    return 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]


def draw_colours(stream: Stream) -> tuple[Rgb, Rgb, Rgb]:
    """Main, second and third colour of a fabric: saturated, the second in clear contrast."""
    hue = stream.uniform()
    if stream.chance(0.16):
        main = colour(hue, 0.06, stream.choice((0.13, 0.9, 0.45)))
    else:
        main = colour(hue, stream.uniform(0.5, 0.95), stream.uniform(0.4, 0.95))
    second = main
    while abs(_luminance(second) - _luminance(main)) < 0.28:
        if stream.chance(0.35):
            second = stream.choice(((0.95, 0.94, 0.92), (0.10, 0.10, 0.12)))
        else:
            turn = hue + stream.choice((0.12, 0.33, 0.5, 0.6))
            second = colour(turn, stream.uniform(0.4, 0.95), stream.uniform(0.25, 1.0))
    dark = _luminance(main) < 0.45
    accent = colour(hue + 0.5, stream.uniform(0.2, 0.9), 0.95 if dark else 0.2)
    return main, second, accent


def draw_pattern(stream: Stream, split: str) -> str:
    """Name of a pattern; a third of the test split's are held out from training."""
    held_out = stream.chance(0.33)
    later = stream.choice(HELD_OUT_PATTERNS)
    usual = stream.choice(tuple(_STUDIO_PATTERNS), tuple(_STUDIO_PATTERNS.values()))
    return later if split == "test" and held_out else usual


def draw_garment(
    kind: str, stream: Stream, split: str, coarse: float, pattern: str | None, **cut: float
) -> Garment:
    """A garment with a fabric from ``stream``; ``pattern`` None draws one.

    ``coarse`` scales the pattern's period (street pictures are smaller).
    """
    name = draw_pattern(stream, split) if pattern is None else pattern
    low, high = _PERIODS.get(name, (1.0, 1.0))
    plain = name in ("solid", "block") and kind in ("top", "dress", "jumpsuit")
    return Garment(
        kind=kind,
        label=LABELS[kind],
        colours=draw_colours(stream),
        pattern=name,
        period=round(stream.uniform(low, high) * coarse, 4),
        duty=_DUTY.get(name, 0.5),
        seed=stream.integers(0, 1000),
        word=stream.integers(0, len(WORDS)) if plain and stream.chance(0.4) else -1,
        trim=1.0 if stream.chance(0.35) else 0.0,
        cut=tuple((k, round(v, 4)) for k, v in cut.items()),
    )


class Tailor:
    """Draws the garments of one person; each kind has a stream of its own."""

    def __init__(self, person: Identity) -> None:
        self.person = person
        self.key = (person.set_name, person.split)
        self.coarse = 1.6 if person.set_name.endswith("street") else 1.0

    def stream(self, kind: str, variant: int = 0) -> Stream:
        """The stream of one kind of garment; ``variant`` > 0 for alternative garments."""
        return Stream(*self.key, "garment", kind, self.person.number, variant)

    def has(self, item: str) -> bool:
        """Whether the person wears an extra."""
        return wears(*self.key, item, self.person.number)

    def _make(self, kind: str, stream: Stream, pattern: str | None, **cut: float) -> Garment:
        return draw_garment(kind, stream, self.person.split, self.coarse, pattern, **cut)

    def _main_pattern(self, stream: Stream, variant: int) -> str | None:
        """Pattern of the main garment: in the test split every third person's is held out."""
        if self.person.split != "test" or variant > 0:
            return None
        usual = draw_pattern(stream, "train")
        number = self.person.number
        if rank_in_block(*self.key, "held-out pattern", number, HELD_OUT_BLOCK) > 0:
            return usual
        return HELD_OUT_PATTERNS[(number // HELD_OUT_BLOCK) % len(HELD_OUT_PATTERNS)]

    def _neck(self, stream: Stream) -> float:
        weights = (3, 3, 2.5, 1.2) if self.person.woman else (4, 2.5, 0, 1)
        return float(stream.choice((0, 1, 2, 3), weights))

    def _sleeve(self, stream: Stream) -> float:
        if self.person.woman and stream.chance(0.18):
            return 0.0
        return stream.choice(
            (stream.uniform(0.2, 0.4), stream.uniform(0.55, 0.7), stream.uniform(0.9, 1.0)),
            (3.5, 1, 2.5),
        )

    def top(self, tucked: bool, variant: int = 0) -> Garment:
        """A shirt; ``tucked`` ends it at the waist."""
        s = self.stream("top", variant)
        hem = 1.9 if tucked else s.uniform(0.1, 1.1)
        return self._make(
            "top",
            s,
            self._main_pattern(s, variant),
            hem=hem,
            tucked=float(tucked),
            sleeve=self._sleeve(s),
            neck=self._neck(s),
            loose=s.uniform(0.10, 0.24),
        )

    def dress(self, variant: int = 0) -> Garment:
        """A dress with skirt."""
        s = self.stream("dress", variant)
        return self._make(
            "dress",
            s,
            self._main_pattern(s, variant),
            hem=s.uniform(-4.6, -1.6),
            sleeve=self._sleeve(s),
            neck=self._neck(s),
            loose=0.12,
            flare=s.uniform(0.05, 0.55),
        )

    def skirt(self, variant: int = 0) -> Garment:
        """A skirt."""
        s = self.stream("skirt", variant)
        return self._make("skirt", s, None, hem=s.uniform(-4.2, -1.0), flare=s.uniform(0.0, 0.7))

    def pants(self, short: bool, socks: bool, variant: int = 0) -> Garment:
        """Trousers or shorts; with socks the trousers end above the ankle."""
        s = self.stream("pants", variant)
        hem = s.uniform(-7.35, -6.9)
        if short:
            hem = s.uniform(-2.9, -1.3)
        elif socks:
            hem = s.uniform(-5.6, -4.9)
        pattern = s.choice(("denim", "solid", "stripes", "plaid", "camouflage"), (3, 4, 1, 1, 0.8))
        made = self._make("pants", s, pattern, hem=hem, loose=s.uniform(0.03, 0.2))
        if pattern == "denim":
            blue = colour(s.uniform(0.57, 0.64), s.uniform(0.45, 0.75), s.uniform(0.25, 0.65))
            made = dataclasses.replace(made, colours=(blue, blue, blue))
        return dataclasses.replace(made, trim=0.0)

    def jumpsuit(self, variant: int = 0) -> Garment:
        """A one-piece with legs."""
        s = self.stream("jumpsuit", variant)
        long = s.uniform(-7.2, -6.6)
        return self._make(
            "jumpsuit",
            s,
            self._main_pattern(s, variant),
            hem=-5.3 if self.has("socks") else long,
            sleeve=self._sleeve(s),
            neck=self._neck(s),
            loose=s.uniform(0.1, 0.18),
        )

    def coat(self, variant: int = 0) -> Garment:
        """An open coat."""
        s = self.stream("coat", variant)
        pattern = s.choice(("solid", "plaid", "camouflage", "argyle"), (5, 2, 1, 0.5))
        return self._make(
            "coat",
            s,
            pattern,
            hem=s.uniform(-3.6, 1.0),
            gap=s.uniform(0.35, 0.75),
            flare=s.uniform(0.0, 0.08),
            sleeve=0.98,
        )

    def extras(self, pants_hem: float) -> list[Garment]:
        """Shoes, socks, hat, glasses, gloves and scarf as the quotas say."""
        worn = []
        s = self.stream("shoes")
        boots = s.chance(0.3) and not self.has("socks")
        top = s.uniform(-5.6, -4.8) if boots and pants_hem > -5 else s.uniform(-7.05, -6.85)
        shoes = self._make("shoes", s, "solid", top=top, style=float(s.integers(0, 3)))
        sole = s.choice(((0.95, 0.95, 0.93), (0.2, 0.16, 0.14)))
        shoe_colours = (shoes.colours[0], sole, shoes.colours[1])
        worn.append(dataclasses.replace(shoes, colours=shoe_colours))
        if self.has("socks"):
            s = self.stream("socks")
            pattern = s.choice(("solid", "hoops"), (2, 1))
            top = s.choice((s.uniform(-5.2, -4.6), s.uniform(-3.9, -3.5)), (2, 1))
            worn.append(self._make("socks", s, pattern, top=top))
        if self.has("hat"):
            s = self.stream("hat")
            style = float(s.choice((0, 1, 2, 3), (3, 3, 1.5, 2)))
            pattern = s.choice(("solid", "hoops"), (3, 1)) if style == 0 else "solid"
            worn.append(self._make("hat", s, pattern, style=style))
        if self.has("glasses"):
            s = self.stream("glasses")
            worn.append(self._make("glasses", s, "solid", style=s.uniform()))
        if self.has("gloves"):
            s = self.stream("gloves")
            worn.append(self._make("gloves", s, "solid", cuff=s.uniform(0.86, 0.95)))
        if self.has("scarf"):
            s = self.stream("scarf")
            pattern = s.choice(("solid", "stripes", "plaid", "hoops"), (2, 1, 1, 1))
            worn.append(self._make("scarf", s, pattern, tail=float(s.chance(0.6))))
        return worn


def draw_outfit(person: Identity) -> Outfit:
    """The person's own outfit."""
    tailor = Tailor(person)
    style = clothing_style(person.set_name, person.split, person.number)
    socks = tailor.has("socks")
    worn: list[Garment] = []
    hem = 0.0
    if style == "dress":
        worn.append(tailor.dress())
    elif style == "jumpsuit":
        worn.append(tailor.jumpsuit())
        hem = worn[0].measure("hem")
    else:
        worn.append(tailor.top(tucked=style == "skirt"))
        if style == "skirt":
            worn.append(tailor.skirt())
        else:
            worn.append(tailor.pants(short=style == "shorts", socks=socks))
            hem = worn[1].measure("hem")
    if tailor.has("coat"):
        worn.append(tailor.coat())
    return Outfit((*worn, *tailor.extras(hem)))
