"""What a method makes of pairs that it is not trained on, while it trains: L1, and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from recapbench.data.examples import loader
from recapbench.data.manifest import Manifest, Pair
from recapbench.data.pictures import Picture, pair_tiles, png_bytes, sheet, to_uint8
from recapbench.data.query import Query
from recapbench.data.split import Split
from recapbench.methods.base import LayoutMethod, Method

PAIRS: Final = 48
"""Pairs that are measured."""
DRAWN: Final = 6
"""Pairs on a sheet; divides the number of those measured."""
EARLY: Final = (10, 50, 100, 200)
"""Steps of the first looks, at which a mistake shows that would cost hours."""

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Validation:
    """Pairs of another split, the same all through a training.

    Attributes:
        split: the images.
        pairs: those that are measured; evenly spread ones of them are drawn.
    """

    split: Split
    pairs: Sequence[Pair]

    @staticmethod
    def of(split: Split) -> Validation:
        """Pairs spread evenly over a split's manifest."""
        manifest: Manifest = split.manifest()
        count = min(PAIRS, len(manifest))
        return Validation(split, [manifest[i * len(manifest) // count] for i in range(count)])

    def look(self, method: Method[Any], device: torch.device) -> tuple[float, bytes]:
        """L1 over all pairs, and a PNG with a line for each of a few: source, wanted pose,
        predicted layout if any, output, target.

        Args:
            method: in evaluation mode, on the device.
            device: where queries go.
        """
        every = max(1, len(self.pairs) // DRAWN)
        total, rows = 0.0, list[list[Picture]]()
        for index, (pair, image, layout) in enumerate(self._outputs(method, device)):
            target = self.split.image(pair.target)
            total += float(np.abs(image.astype(np.int16) - target).mean()) * 2 / 255
            if index % every == 0 and len(rows) < DRAWN:
                rows.append(pair_tiles(self.split, pair, image, layout))
        return total / len(self.pairs), png_bytes(sheet(rows))

    def _outputs(
        self, method: Method[Any], device: torch.device
    ) -> Iterator[tuple[Pair, Image, Picture | None]]:
        for query in loader(self.split, self.pairs, method.inputs, batch_size=DRAWN):
            images, layouts = _generate(method, query.to(device))
            names = zip(query.source_names, query.target_names, strict=True)
            yield from zip((Pair(*name) for name in names), images, layouts, strict=True)


@torch.no_grad()
def _generate(method: Method[Any], query: Query) -> tuple[Image, Sequence[Picture | None]]:
    """Images (B,H,W,3) and layouts (B,H,W), uint8."""
    if isinstance(method, LayoutMethod):
        images, labels = method.generate_with_layout(query)
        return to_uint8(images), list(labels.to(torch.uint8).cpu().numpy())
    return to_uint8(method.generate(query)), [None] * len(query)


def is_due(step: int, every: int, last: int) -> bool:
    """Whether to look after a step: every so often, early, and at the end; never if ``every`` is 0.

    Args:
        step: steps taken.
        every: steps between looks.
        last: number of steps of the training.
    """
    if not every:
        return False
    return step % every == 0 or step == last or (step in EARLY and step < every)
