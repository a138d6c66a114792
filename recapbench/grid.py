"""The picture of a run: source, wanted pose, layout, output and target, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from recapbench.data.datasets import Split
from recapbench.data.manifest import Manifest
from recapbench.data.parsing import colourise
from recapbench.data.pictures import Picture, draw_skeleton, png_bytes, read_picture, sheet

ROWS = 8
"""Pairs shown in a grid."""


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


def run_grid(
    split: Split,
    manifest: Manifest,
    images: Sequence[Path],
    layouts: Sequence[Path] | None,
) -> bytes:
    """PNG of up to eight pairs of a run.

    Args:
        split: the images of the dataset.
        manifest: the pairs.
        images: the saved outputs, in the manifest's order.
        layouts: the saved layouts, in the same order; None where the method has none.
    """
    titles = ["source", "target pose"] + ["layout"] * (layouts is not None) + ["output", "target"]
    rows: list[list[Picture]] = []
    for index in spread(manifest, split):
        source, target = manifest[index]
        pose = draw_skeleton(split.keypoints[split.position(target)], split.record.image_size)
        row = [split.image(source), pose]
        if layouts is not None:
            row.append(_painted(layouts[index], split.record.parts))
        rows.append([*row, read_picture(images[index]), split.image(target)])
    if split.record.image_size[1] < 128:  # small images, enlarged so that a person can see them
        rows = [[np.repeat(np.repeat(tile, 2, 0), 2, 1) for tile in row] for row in rows]
    return png_bytes(sheet(rows, titles))


def _painted(path: Path, parts: int) -> Picture:
    with Image.open(path) as image:
        return colourise(np.asarray(image), parts)
