"""A folder of generated images whose pairs are known: the image of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from recapbench.data.manifest import Pair
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.images import ReadImage, read_rgb
from recapbench.scoring.folder import ImageFolder, NameTemplate, match_pairs
from recapbench.scoring.strips import StripLayout, StripReader


def image_finder(
    root: Path, template: str | None = None, strips: str | None = None
) -> Callable[[Sequence[Pair]], list[ReadImage]]:
    """Finds the image of each of some pairs in a folder, which may hold others too.

    Args:
        root: the folder.
        template: how its files are named; by default the known ways are tried.
        strips: the panels of a file.

    Returns:
        What gives, for pairs, a function each that reads the image, uint8 (H,W,3). It raises a
        DataError if a pair's file is missing, or the names fit no known way or several.

    Raises:
        UsageError: for a template or a layout that makes no sense.
        DataError: if there is no such folder, or it holds no images.
    """
    named = None if template is None else NameTemplate(template)
    read: Callable[[Path], Image] = read_rgb
    if strips is not None:
        read = partial(StripReader(StripLayout.parse(strips)).panel, panel="generated")
    folder = ImageFolder.open(root)

    def find(pairs: Sequence[Pair]) -> list[ReadImage]:
        files = match_pairs(folder, pairs, named, others=True).files
        return [partial(read, path) for path in files]

    return find
