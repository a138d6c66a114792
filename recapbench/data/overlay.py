"""Overlay sheets: pairs of images with what is said about them drawn on top.

Every image of a pair takes one band: its name and figures as text, the image, its skeleton, its
pose mask and its part labels, and a key of the parts that are present. Annotations are read from
the split itself, not from a cache, so a sheet shows what everything else is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from recapbench.data.manifest import Pair
from recapbench.data.parsing import colourise, part_labels, part_palette
from recapbench.data.pictures import Picture, draw_skeleton, enlarge
from recapbench.data.pose import pose_mask
from recapbench.data.skeleton import HIDDEN, JOINTS, MISSING, SEEN
from recapbench.data.split import Split

Colour = tuple[int, int, int]

_BACKGROUND: Final = 0

_SMALLEST_HEIGHT: Final = 256
"""Pictures are enlarged to at least so many pixels."""
_GAP: Final = 6
_LINE: Final = 17
"""Height of a line of text in pixels."""
_SWATCH: Final = 12
_FONT_SIZE: Final = 13
_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (20, 20, 20)
_FAINT: Final[Colour] = (105, 105, 105)
_ALARM: Final[Colour] = (190, 0, 0)
_MASK: Final[Colour] = (255, 0, 170)


def overlay_sheet(split: Split, pairs: Sequence[Pair]) -> Picture:
    """One sheet of pairs, the source of each above its target.

    Args:
        split: where images and annotations come from.
        pairs: what to show.

    Returns:
        RGB uint8 (height, width, 3).

    Raises:
        DataError: if the split has no such image, or a file is missing or damaged.
    """
    bands = [
        _band(split, name, f"{number} {side}")
        for number, pair in enumerate(pairs, start=1)
        for side, name in (("source", pair.source), ("target", pair.target))
    ]
    width = max(band.width for band in bands)
    canvas = Image.new("RGB", (width, sum(band.height for band in bands)), _PAPER)
    draw = ImageDraw.Draw(canvas)
    top = 0
    for number, band in enumerate(bands):
        canvas.paste(band, (0, top))
        if number % 2 == 0 and number:
            draw.line([(0, top), (width, top)], fill=_INK, width=2)
        top += band.height
    return np.asarray(canvas)


def overlay_tiles(split: Split, name: str) -> dict[str, Picture]:
    """An image, and the image under each of its annotations, by title; small ones enlarged.

    Raises:
        DataError: if the split has no such image, or a file is missing or damaged.
    """
    size = split.record.image_size
    scale = -(-_SMALLEST_HEIGHT // size[0])
    image = split.image(name)
    keypoints = split.keypoints[split.position(name)]
    large = enlarge(image, scale)
    tiles = {
        "image": large,
        "skeleton": draw_skeleton(keypoints, size, scale, over=_blend(large, _PAPER, 0.3)),
        "pose mask": enlarge(_tinted(image, pose_mask(keypoints, size)), scale),
    }
    if split.has_parsing:
        tiles["parsing"] = enlarge(_painted(image, split.labels(name), split.record.parts), scale)
    return tiles


def describe_joints(keypoints: npt.NDArray[np.float32], size: tuple[int, int]) -> str:
    """How many joints are seen, hidden and missing; those missing or outside the image by name.

    Args:
        keypoints: float32 (18,3) of x, y, visibility.
        size: height and width in pixels.
    """
    visibility = keypoints[:, 2]
    parts = [f"{np.count_nonzero(visibility == SEEN)} joints seen"]
    if hidden := int(np.count_nonzero(visibility == HIDDEN)):
        parts.append(f"{hidden} hidden (rings)")
    for what, found in (("missing", visibility == MISSING), ("outside", _outside(keypoints, size))):
        if found.any():
            names = [JOINTS[joint].replace("_", " ") for joint in np.flatnonzero(found)]
            parts.append(f"{what}: {', '.join(names)}")
    return " · ".join(parts)


def _outside(keypoints: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Joints that are said to be there and are not on the image, bool (18,)."""
    x, y, visibility = keypoints.T
    inside = (x >= -0.5) & (x < size[1] - 0.5) & (y >= -0.5) & (y < size[0] - 0.5)
    return (visibility != MISSING) & ~inside


def _band(split: Split, name: str, title: str) -> Image.Image:
    """One image: two lines of text, then its tiles with their titles and the key of parts."""
    keypoints = split.keypoints[split.position(name)]
    tiles = overlay_tiles(split, name)
    height, width = tiles["image"].shape[:2]
    joints = describe_joints(keypoints, split.record.image_size)
    heading = f"{title}: {name}"
    key = _key(split, name)
    text = max(_width(heading), _width(joints)) + 2 * _GAP
    body = (
        len(tiles) * (width + _GAP)
        + _GAP
        + max([_width(label) for label, _ in key], default=0)
        + 40
    )
    below = max(height, len(key) * _LINE)
    canvas = Image.new("RGB", (max(text, body), 3 * _LINE + below + 2 * _GAP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    alarming = _outside(keypoints, split.record.image_size).any()
    _write(draw, (_GAP, _GAP), heading, _INK)
    _write(draw, (_GAP, _GAP + _LINE), joints, _ALARM if alarming else _FAINT)
    left, top = _GAP, _GAP + 3 * _LINE
    for caption, tile in tiles.items():
        _write(draw, (left, top - _LINE), caption, _FAINT)
        canvas.paste(Image.fromarray(tile), (left, top))
        left += width + _GAP
    _draw_key(draw, key, left + _GAP, top)
    return canvas


def _key(split: Split, name: str) -> list[tuple[str, Colour | None]]:
    """The parts that are present, background aside: name and share of the image, and colour."""
    if not split.has_parsing:
        return [("no label maps", None)]
    labels = split.labels(name)
    counts = np.bincount(labels.reshape(-1), minlength=split.record.parts)
    names, palette = part_labels(split.record.parts), part_palette(split.record.parts)
    return [
        (f"{names[part]}  {_share(counts[part], labels.size)}", _colour(palette[part]))
        for part in np.flatnonzero(counts)
        if part != _BACKGROUND
    ]


def _share(pixels: int, of: int) -> str:
    """In per cent, or where there are few, in pixels: these may be a mistake."""
    return f"{100 * pixels / of:.1f} %" if 1000 * pixels >= of else f"{pixels} px"


def _draw_key(
    draw: ImageDraw.ImageDraw, key: Sequence[tuple[str, Colour | None]], left: int, top: int
) -> None:
    for label, colour in key:
        if colour is not None:
            box = (left, top + 1, left + _SWATCH, top + 1 + _SWATCH)
            draw.rectangle(box, fill=colour, outline=_INK)
        _write(draw, (left + _SWATCH + _GAP, top), label, _INK)
        top += _LINE


def _painted(image: Picture, labels: npt.NDArray[np.uint8], parts: int) -> Picture:
    """Parts in their colours over the image; the background faded."""
    painted = _blend(image, colourise(labels, parts), 0.65)
    faded = _blend(image, _PAPER, 0.55)
    return np.where((labels == _BACKGROUND)[..., None], faded, painted)


def _tinted(image: Picture, mask: npt.NDArray[np.bool_]) -> Picture:
    """What a mask covers, tinted, with a line along its edge; the rest faded."""
    tinted, faded = _blend(image, _MASK, 0.4), _blend(image, _PAPER, 0.35)
    tinted[_edge(mask)] = _MASK
    return np.where(mask[..., None], tinted, faded)


def _edge(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels of a mask that have a neighbour outside it."""
    around = np.pad(mask, 1, mode="edge")
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask & ~inner


def _blend(image: Picture, colour: Picture | Colour, share: float) -> Picture:
    """So much of another picture, or of one colour, over an image."""
    mixed = (1.0 - share) * image + share * np.asarray(colour, np.float64)
    return np.rint(mixed).astype(np.uint8)


def _colour(rgb: npt.NDArray[np.uint8]) -> Colour:
    red, green, blue = rgb.tolist()
    return red, green, blue


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FONT_SIZE)


def _width(text: str) -> int:
    return int(np.ceil(_font().getlength(text)))


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: Colour) -> None:
    draw.text(place, text, fill=colour, font=_font())
