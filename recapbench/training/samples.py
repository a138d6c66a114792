"""Sample sheets: what the method makes of a few fixed pairs while it trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from recapbench.data.datasets import Split
from recapbench.data.parsing import colourise
from recapbench.data.pictures import Picture, draw_skeleton, png_bytes, sheet, to_uint8
from recapbench.data.query import Query
from recapbench.methods.base import LayoutMethod, Method


@torch.no_grad()
def sample_sheet(method: Method[Any], query: Query, split: Split) -> bytes:
    """PNG with a row per pair: source, wanted pose, predicted layout if any, output, target."""
    layouts = None
    if isinstance(method, LayoutMethod):
        images, layouts = method.generate_with_layout(query)
    else:
        images = method.generate(query)
    generated = to_uint8(images)
    rows: list[list[Picture]] = []
    for i, (source, target) in enumerate(zip(query.source_names, query.target_names, strict=True)):
        pose = draw_skeleton(split.keypoints[split.position(target)], split.record.image_size)
        row = [split.image(source), pose]
        if layouts is not None:
            labels = layouts[i].to(torch.uint8).cpu().numpy()
            row.append(colourise(labels, split.record.parts))
        rows.append([*row, np.asarray(generated[i]), split.image(target)])
    return png_bytes(sheet(rows))
