"""The page that lays two images of one pair over each other, with a slider between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recapbench.leaderboard.board import Measured
from recapbench.leaderboard.tables.measured import label
from recapbench.page.links import compare_page, measured_slug
from recapbench.page.samples import Sample, Samples


@dataclass(frozen=True)
class Pair:
    """A pair to look at.

    Attributes:
        row: of the manifest.
        caption: what it is.
        images: key of what can be shown -> path from the site's root.
    """

    row: int
    caption: str
    images: Mapping[str, str]


@dataclass(frozen=True)
class ComparisonPage:
    """A page.

    Attributes:
        path: from the site's root.
        dataset: name.
        choices: key of what can be shown -> what it is called; at least two.
        pairs: in the order of their rows; each has at least two images.
        left: key of the image on the left at first.
        right: key of that on the right.
        size: width and height of the images in pixels.
    """

    path: str
    dataset: str
    choices: Mapping[str, str]
    pairs: tuple[Pair, ...]
    left: str
    right: str
    size: tuple[int, int]


def comparison_pages(
    datasets: Iterable[str], samples: Samples, sizes: Mapping[str, tuple[int, int]]
) -> dict[str, ComparisonPage]:
    """By dataset, where there are two images to compare.

    Args:
        datasets: names.
        samples: their pictures.
        sizes: width and height of every picture, by its path from the site's root.
    """
    pages = {dataset: _page(dataset, samples, sizes) for dataset in datasets}
    return {dataset: page for dataset, page in pages.items() if page is not None}


def _page(
    dataset: str, samples: Samples, sizes: Mapping[str, tuple[int, int]]
) -> ComparisonPage | None:
    records = samples.records(dataset)
    images: dict[int, dict[str, str]] = {}
    captions: dict[int, str] = {}
    for record in records:
        for sample in samples.of(record):
            captions[sample.row] = sample.caption
            images.setdefault(sample.row, {}).update(_images(sample))
    pairs = tuple(
        Pair(row, captions[row], found) for row, found in sorted(images.items()) if len(found) > 1
    )
    if not pairs:
        return None
    there = {key for pair in pairs for key in pair.images}
    choices = {key: text for key, text in _choices(records).items() if key in there}
    keys = [key for key in choices if key in pairs[0].images]
    left = next((key for key in keys if key not in ("source", "target")), keys[0])
    right = "target" if "target" in keys else next(key for key in keys if key != left)
    size = sizes[pairs[0].images[left]]
    return ComparisonPage(compare_page(dataset), dataset, choices, pairs, left, right, size)


def _images(sample: Sample) -> dict[str, str]:
    own = {sample.method: sample.output, "source": sample.source, "target": sample.target}
    return {key: path for key, path in own.items() if path is not None}


def _choices(records: Iterable[Measured]) -> dict[str, str]:
    methods = {measured_slug(record): label(record) for record in records}
    return {"source": "source", **methods, "target": "target"}
