"""Sample sheets: what the method makes of a few fixed pairs while it trains."""

from __future__ import annotations

from typing import Any

import torch

from recapbench.data.manifest import Pair
from recapbench.data.pictures import pair_tiles, png_bytes, sheet, to_uint8
from recapbench.data.query import Query
from recapbench.data.split import Split
from recapbench.methods.base import LayoutMethod, Method


@torch.no_grad()
def sample_sheet(method: Method[Any], query: Query, split: Split) -> bytes:
    """PNG with a row per pair: source, wanted pose, predicted layout if any, output, target."""
    layouts = None
    if isinstance(method, LayoutMethod):
        images, labels = method.generate_with_layout(query)
        layouts = labels.to(torch.uint8).cpu().numpy()
    else:
        images = method.generate(query)
    names = zip(query.source_names, query.target_names, strict=True)
    rows = [
        pair_tiles(split, Pair(*pair), image, None if layouts is None else layouts[row])
        for row, (pair, image) in enumerate(zip(names, to_uint8(images), strict=True))
    ]
    return png_bytes(sheet(rows))
