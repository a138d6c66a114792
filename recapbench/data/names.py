"""Names of images: whom an image shows, and where it lies in the official layout.

DeepFashion's in-shop pictures go by three names. Raw, the path in the official download::

    WOMEN/Tees_Tanks/id_00007838/05_7_additional.jpg

Def-GAN's name drops the ``_`` of category and item id (and begins with ``fasion``, sic); PATN's
begins with ``fashion`` and keeps the ``_`` of the category::

    fasionWOMENTeesTanksid0000783805_7additional.jpg
    fashionWOMENTees_Tanksid0000783805_7additional.jpg

A person of DeepFashion is one outfit: gender, category, item id and colour (the two digits before
the view). Cutting PATN's names at the first ``_`` would merge all ``MENTees_Tanks``. A person of
Market-1501 is the part before the first ``_``; ``-1`` and ``0000`` are distractors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recapbench.errors import DataError

CATEGORIES: Final[Mapping[str, tuple[str, ...]]] = {
    "MEN": (
        "Denim",
        "Jackets_Vests",
        "Pants",
        "Shirts_Polos",
        "Shorts",
        "Suiting",
        "Sweaters",
        "Sweatshirts_Hoodies",
        "Tees_Tanks",
    ),
    "WOMEN": (
        "Blouses_Shirts",
        "Cardigans",
        "Denim",
        "Dresses",
        "Graphic_Tees",
        "Jackets_Coats",
        "Leggings",
        "Pants",
        "Rompers_Jumpsuits",
        "Shorts",
        "Skirts",
        "Sweaters",
        "Sweatshirts_Hoodies",
        "Tees_Tanks",
    ),
}
"""Categories of DeepFashion's in-shop benchmark, by gender, as its folders are called."""

DISTRACTORS: Final = ("-1", "0000")
"""What the names of Market-1501's distractors start with: no person whom one could name."""


@dataclass(frozen=True)
class ImageName:
    """What an image's name says.

    Attributes:
        name: as given.
        raw: path in the official layout, POSIX and relative, as
            ``WOMEN/Dresses/id_00000001/02_1_front.jpg``; the file's name where folders say nothing.
        person: within whom pairs are made. DeepFashion: gender, category, item id and colour, that
            is, an outfit; Market-1501: the part before the first ``_``.
        item: DeepFashion: gender, category and item id, its colour left out; else the person.
    """

    name: str
    raw: str
    person: str
    item: str


_BAD_CHARACTER: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\\,"]')

_VIEW: Final = r"(?P<view>[0-9])%s(?P<side>[a-z]+)\.jpg"
_RAW: Final = re.compile(
    r"(?:img/|img_highres/)?(?P<gender>WOMEN|MEN)/(?P<category>[A-Za-z_]+)/"
    r"id_(?P<item>[0-9]{8})/(?P<colour>[0-9]{2})_" + _VIEW % "_"
)
_FAMILY: Final = re.compile(
    r"(?P<prefix>fasion|fashion)(?P<gender>WOMEN|MEN)(?P<category>[A-Za-z_]+)"
    r"id(?P<item>[0-9]{8})(?P<colour>[0-9]{2})_" + _VIEW % ""
)
_MARKET: Final = re.compile(r"(?P<person>-1|[0-9]{4})_c[0-9]s[0-9]_[0-9]{6}_[0-9]{2}(?:\.jpg){1,2}")
_MANNEQUIN: Final = re.compile(
    r"(?P<person>(?:street_)?(?:train|test|figure|outfit)_[0-9]{4})"
    r"_(?:[0-9]{2}|before|after)\.png"
)

_SPELLINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "fasion": {
        gender + category.replace("_", ""): category
        for gender, categories in CATEGORIES.items()
        for category in categories
    },
    "fashion": {
        gender + category: category
        for gender, categories in CATEGORIES.items()
        for category in categories
    },
}
"""The category's folder by gender and category as a family's names spell them."""


def check_name(name: str) -> None:
    """Make sure that a name can stand in a file of names and below a folder.

    Raises:
        DataError: if it is empty, starts or ends with a space, is an absolute path, has an empty,
            ``.`` or ``..`` part, or holds a backslash, a comma, a quote or a control character.
    """
    problem = _problem(name)
    if problem:
        raise DataError(f"{name[:200]!r} cannot be the name of an image: {problem}")


def _problem(name: str) -> str:
    if not name or name != name.strip():
        return "it is empty or has a space at an end"
    found = _BAD_CHARACTER.search(name)
    if found:
        return f"it holds {found[0]!r}"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "it is an absolute path"
    if "/" in name or name in (".", ".."):
        parts = name.split("/")
        if not {"", ".", ".."}.isdisjoint(parts):
            return "a part of it is empty, '.' or '..'"
    return ""


def parse_name(dataset: str, name: str) -> ImageName:
    """What an image's name says.

    Args:
        dataset: ``deepfashion`` (Def-GAN's, PATN's and raw names, these with or without ``img/`` or
            ``img_highres/`` before them), ``market1501``, ``mannequin`` or ``mannequin_street``.
        name: of the image.

    Raises:
        DataError: if the dataset has no such names, or the datasets' names are not known here.
    """
    check_name(name)
    return _parser(dataset)(name)


def parse_names(dataset: str, names: Sequence[str], where: str = "") -> tuple[ImageName, ...]:
    """What the names of a list say, in order; ``where`` (a file) leads the messages.

    Raises:
        DataError: as ``parse_name``, naming the row, counted from 1.
    """
    parser = _parser(dataset)
    found = []
    for row, name in enumerate(names, start=1):
        try:
            check_name(name)
            found.append(parser(name))
        except DataError as error:
            raise DataError(f"{where}{': ' if where else ''}row {row}: {error}") from error
    return tuple(found)


def item_of(dataset: str, person: str) -> str:
    """The item of a person as ``parse_name`` gives it: DeepFashion's outfit, colour left out."""
    return person.rpartition("/")[0] if dataset == "deepfashion" else person


def knows_names(dataset: str) -> bool:
    """Whether ``parse_name`` knows how a dataset names its images."""
    return dataset in _PARSERS


def is_distractor(name: str) -> bool:
    """Whether a name of Market-1501 is that of a distractor: it starts with ``-1`` or ``0000``."""
    return name.startswith(DISTRACTORS)


def defgan_name(raw: str) -> str:
    """Def-GAN's name of a raw path, as ``fasionWOMENTeesTanksid0000783805_7additional.jpg``.

    Raises:
        DataError: if it is no raw path.
    """
    gender, category, item, colour, view, side = _raw_parts(raw)
    return f"fasion{gender}{category.replace('_', '')}id{item}{colour}_{view}{side}.jpg"


def patn_name(raw: str) -> str:
    """PATN's name of a raw path, as ``fashionWOMENTees_Tanksid0000783805_7additional.jpg``.

    Raises:
        DataError: if it is no raw path.
    """
    gender, category, item, colour, view, side = _raw_parts(raw)
    return f"fashion{gender}{category}id{item}{colour}_{view}{side}.jpg"


def _raw_parts(raw: str) -> tuple[str, ...]:
    """Gender, category, item id, colour, number and name of the view."""
    match = _RAW.fullmatch(raw)
    if match is None or match["category"] not in CATEGORIES[match["gender"]]:
        raise DataError(
            f"expected a path like WOMEN/Dresses/id_00000001/02_1_front.jpg, got {raw!r}"
        )
    return match.group("gender", "category", "item", "colour", "view", "side")


def _deepfashion(name: str) -> ImageName:
    match = _RAW.fullmatch(name)
    if match is not None:
        category = match["category"] if match["category"] in CATEGORIES[match["gender"]] else None
    else:
        match = _FAMILY.fullmatch(name)
        if match is None:
            raise _unexpected(
                "DeepFashion",
                "fasionWOMENDressesid0000000102_1front.jpg",
                name,
            )
        category = _SPELLINGS[match["prefix"]].get(match["gender"] + match["category"])
    if category is None:
        raise DataError(
            f"{name!r}: {match['gender']} has no category {match['category']!r} in names of this "
            f"form; known: {', '.join(CATEGORIES[match['gender']])}"
        )
    item = f"{match['gender']}/{category}/id_{match['item']}"
    person = f"{item}/{match['colour']}"
    return ImageName(name, f"{person}_{match['view']}_{match['side']}.jpg", person, item)


def _market(name: str) -> ImageName:
    match = _MARKET.fullmatch(name)
    if match is None:
        raise _unexpected("Market-1501", "0002_c1s1_000451_03.jpg", name)
    return ImageName(name, name, match["person"], match["person"])


def _mannequin(name: str) -> ImageName:
    match = _MANNEQUIN.fullmatch(name)
    if match is None:
        raise _unexpected("the built-in sets", "test_0017_04.png", name)
    return ImageName(name, name, match["person"], match["person"])


def _unexpected(title: str, example: str, name: str) -> DataError:
    return DataError(f"expected a name of {title} such as {example}, got {name[:200]!r}")


_PARSERS: Final[Mapping[str, Callable[[str], ImageName]]] = {
    "deepfashion": _deepfashion,
    "market1501": _market,
    "mannequin": _mannequin,
    "mannequin_street": _mannequin,
}


DATASETS_WITH_NAMES: Final = tuple(_PARSERS)
"""Datasets whose names ``parse_name`` reads."""


def _parser(dataset: str) -> Callable[[str], ImageName]:
    if dataset not in _PARSERS:
        raise DataError(
            f"how {dataset!r} names its images is not known here; known: {', '.join(_PARSERS)}"
        )
    return _PARSERS[dataset]


def first_duplicate(names: Iterable[str]) -> tuple[int, int, str] | None:
    """The first name that comes twice, as (earlier row, later row, name), rows from 1; or None."""
    seen: dict[str, int] = {}
    for row, name in enumerate(names, start=1):
        earlier = seen.setdefault(name, row)
        if earlier != row:
            return earlier, row, name
    return None
