"""Pictures for people: skeletons, painted layouts, sheets of tiles, PNG bytes."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from recapbench.data.manifest import Pair
from recapbench.data.parsing import colourise
from recapbench.data.skeleton import LIMBS, MISSING, SEEN
from recapbench.data.split import Split

if TYPE_CHECKING:
    from torch import Tensor

Picture = npt.NDArray[np.uint8]
"""RGB uint8 (H, W, 3)."""

_PAPER = (255, 255, 255)
_INK = (20, 20, 20)


def _hue(number: int, count: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number / count, 1.0, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


_HUES = {limb: _hue(number, len(LIMBS)) for number, limb in enumerate(LIMBS)}


def to_uint8(images_BCHW: Tensor) -> npt.NDArray[np.uint8]:
    """Images in [-1, 1] as bytes: clamped, rounded to the nearest level once.

    Args:
        images_BCHW: RGB (B,3,H,W) float.

    Returns:
        RGB (B,H,W,3) uint8.
    """
    import torch  # what only draws does without

    levels = torch.round((images_BCHW.float().clamp(-1.0, 1.0) + 1.0) * 127.5)
    return levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def draw_skeleton(
    keypoints: npt.NDArray[np.float32],
    size: tuple[int, int],
    scale: int = 1,
    over: Picture | None = None,
) -> Picture:
    """The limbs of a pose, each in a hue of its own; hidden joints are rings, missing ones absent.

    Args:
        keypoints: float32 (18,3) of x, y, visibility.
        size: height and width in pixels.
        scale: how many times larger to draw.
        over: picture (H*scale, W*scale, 3) to draw on, with dark edges so that limbs stand out from
            it; black by default.
    """
    if over is None:
        canvas = Image.new("RGB", (size[1] * scale, size[0] * scale))
    else:
        canvas = Image.fromarray(over)
    draw = ImageDraw.Draw(canvas)
    width = max(2, canvas.height // 85)
    points = [(float(x) * scale, float(y) * scale) for x, y, _ in keypoints]
    limbs = [limb for limb in LIMBS if (keypoints[list(limb), 2] != MISSING).all()]
    if over is not None:
        for start, end in limbs:
            draw.line([points[start], points[end]], fill=_INK, width=width + 2)
    for start, end in limbs:
        draw.line([points[start], points[end]], fill=_HUES[(start, end)], width=width)
    for (x, y), visibility in zip(points, keypoints[:, 2], strict=True):
        if visibility != MISSING:
            if over is not None:
                draw.ellipse(_around(x, y, width + 1), outline=_INK)
            fill = _PAPER if visibility == SEEN else None
            draw.ellipse(_around(x, y, width), fill=fill, outline=_PAPER)
    return np.asarray(canvas)


def _around(x: float, y: float, radius: int) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def enlarge(picture: Picture, scale: int) -> Picture:
    """Every pixel as a square of ``scale`` pixels."""
    return picture.repeat(scale, 0).repeat(scale, 1)


def sheet(rows: Sequence[Sequence[Picture]], titles: Sequence[str] = (), gap: int = 4) -> Picture:
    """Tiles of one size in rows on white, with a line of titles above the columns."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    head = 16 if titles else 0
    canvas = Image.new(
        "RGB",
        (columns * (width + gap) + gap, head + len(rows) * (height + gap) + gap),
        _PAPER,
    )
    draw = ImageDraw.Draw(canvas)
    for column, title in enumerate(titles):
        draw.text((gap + column * (width + gap), 3), title, fill=_INK)
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            place = (gap + column * (width + gap), head + gap + number * (height + gap))
            canvas.paste(Image.fromarray(tile), place)
    return np.asarray(canvas)


def png_bytes(picture: Picture) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def pair_tiles(
    split: Split, pair: Pair, output: Picture, layout: npt.NDArray[np.uint8] | None
) -> list[Picture]:
    """One row of a sheet: source, wanted pose, layout if there is one, output, target.

    Args:
        split: where source and target come from.
        pair: their names.
        output: RGB uint8 (H,W,3).
        layout: part labels uint8 (H,W).
    """
    keypoints = split.keypoints[split.position(pair.target)]
    tiles = [split.image(pair.source), draw_skeleton(keypoints, split.record.image_size)]
    if layout is not None:
        tiles.append(colourise(layout, split.record.parts))
    return [*tiles, output, split.image(pair.target)]
