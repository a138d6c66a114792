"""Pictures of runs: source, wanted pose, what was made of them, and target, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from recapbench.data.manifest import Manifest
from recapbench.data.pictures import (
    Picture,
    draw_skeleton,
    enlarge,
    pair_tiles,
    png_bytes,
    sheet,
)
from recapbench.data.split import Split
from recapbench.outputs import OutputFolder

ROWS = 8
"""Pairs shown in a grid."""
_SMALL = 128
"""Images narrower than this are shown twice as large."""
_FOOT = 18
"""Height in pixels of a line below a grid."""


def spread(manifest: Manifest, split: Split, rows: int = ROWS) -> list[int]:
    """Rows of a manifest to show: evenly spread, each of another person where there are enough."""
    chosen: list[int] = []
    seen: set[str] = set()
    count = len(manifest)
    order = [(i * count // rows + j) % count for j in range(count) for i in range(rows)]
    for index in dict.fromkeys(order):
        person = split.identity(manifest[index].source)
        if person not in seen:
            seen.add(person)
            chosen.append(index)
        if len(chosen) == rows:
            break
    return sorted(chosen)


def run_grid(outputs: OutputFolder) -> bytes:
    """PNG of up to eight pairs of a run."""
    titles = ["source", "target pose"] + ["layout"] * outputs.layouts + ["output", "target"]
    rows: list[list[Picture]] = []
    for index in spread(outputs.manifest, outputs.split):
        layout = outputs.layout(index) if outputs.layouts else None
        pair = outputs.manifest[index]
        rows.append(pair_tiles(outputs.split, pair, outputs.image(index), layout))
    return png_bytes(sheet(_legible(rows, outputs.split), titles))


def methods_grid(columns: Mapping[str, OutputFolder], left_out: Sequence[str] = ()) -> bytes:
    """PNG of up to eight pairs with a column for each method.

    Args:
        columns: outputs of one and the same manifest, by title.
        left_out: notes on methods that have no column, to stand below the tiles.
    """
    first = next(iter(columns.values()))
    rows = _legible(method_tiles(columns, spread(first.manifest, first.split)), first.split)
    width = rows[0][0].shape[1]
    titles = [_fitting(title, width) for title in method_titles(columns)]
    return png_bytes(_with_foot(sheet(rows, titles), [f"not shown: {note}" for note in left_out]))


def method_titles(columns: Iterable[str]) -> list[str]:
    """Titles of the columns of ``method_tiles``."""
    return ["source", "target pose", *columns, "target"]


def method_tiles(columns: Mapping[str, OutputFolder], rows: Iterable[int]) -> list[list[Picture]]:
    """Source, wanted pose, the output of each method and target, for rows of the manifest.

    Args:
        columns: outputs of one and the same manifest, by title.
        rows: of the manifest, from 0.
    """
    first = next(iter(columns.values()))
    split, size = first.split, first.split.record.image_size
    tiles: list[list[Picture]] = []
    for row in rows:
        source, target = first.manifest[row]
        pose = draw_skeleton(split.keypoints[split.position(target)], size)
        made = [outputs.image(row) for outputs in columns.values()]
        tiles.append([split.image(source), pose, *made, split.image(target)])
    return tiles


def _legible(rows: list[list[Picture]], split: Split) -> list[list[Picture]]:
    """Tiles twice as large where images are small."""
    if split.record.image_size[1] >= _SMALL:
        return rows
    return [[enlarge(tile, 2) for tile in row] for row in rows]


def _fitting(title: str, width: int) -> str:
    """A title, cut in its middle if it is too wide for a column of so many pixels."""
    font, kept = ImageFont.load_default(), title
    while font.getlength(kept) > width and len(title) > 2:
        half = len(title) // 2
        title = title[:half] + title[half + 1 :]
        kept = f"{title[: len(title) // 2]}...{title[len(title) // 2 :]}"
    return kept


def _with_foot(picture: Picture, lines: Sequence[str]) -> Picture:
    """A picture with lines of text below it."""
    if not lines:
        return picture
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height + _FOOT * len(lines)), (255, 255, 255))
    canvas.paste(Image.fromarray(picture))
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((4, height + _FOOT * number + 2), _fitting(line, width - 8), fill=(20, 20, 20))
    return np.asarray(canvas)
