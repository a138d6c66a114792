"""The picture of a run: source, wanted pose, layout, output and target, side by side."""

from __future__ import annotations

import numpy as np

from recapbench.data.manifest import Manifest
from recapbench.data.pictures import Picture, pair_tiles, png_bytes, sheet
from recapbench.data.split import Split
from recapbench.outputs import OutputFolder

ROWS = 8
"""Pairs shown in a grid."""
_SMALL = 128
"""Images narrower than this are shown twice as large."""


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
    if outputs.split.record.image_size[1] < _SMALL:
        rows = [[np.repeat(np.repeat(tile, 2, 0), 2, 1) for tile in row] for row in rows]
    return png_bytes(sheet(rows, titles))
