"""Sheets of SAT's attention, as the paper's Fig. 4: a pixel of the output, and where in the source
the model looks for it.

Letters: h x w the size of SAT's layer, H x W that of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, cast

import matplotlib
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.examples import loader
from recapbench.data.manifest import Manifest, Pair
from recapbench.data.pictures import Picture, enlarge, png_bytes, sheet, to_uint8
from recapbench.data.query import Query
from recapbench.data.split import Split
from recapbench.devices import choose_device
from recapbench.errors import DataError, MissingWeightsError, UsageError
from recapbench.generation import Progress
from recapbench.leaderboard.points import Point, find_point, regions, shared_part
from recapbench.methods.base import LayoutMethod, Method
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.weights_file import read_header

DEFAULT_METHOD: Final = "sat_lgr"
_SMALLEST_HEIGHT: Final = 256
"""Pictures are enlarged to at least so many pixels."""
_RED: Final = (220, 0, 0)
_PAPER: Final = (255, 255, 255)
_DARKENED: Final = 0.45
"""Of its light, what a source keeps under a map."""
_COLOURS: Final = "inferno"
"""A colour map whose lightness rises all the way."""


class Attentive(Protocol):
    """A method that predicts a layout and says where it looks."""

    inputs: ClassVar[frozenset[str]]
    device: torch.device

    def to(self, device: torch.device | str) -> None:
        """Move the method to a device."""

    def generate_with_layout(self, query: Query) -> tuple[Tensor, Tensor]:
        """As `LayoutMethod` has it."""
        ...

    def attention(self, query: Query, target_pixel: tuple[int, int], /) -> Tensor:
        """(B,h,w) weights over source positions for one pixel (row, column) of the target."""
        ...


@dataclass(frozen=True)
class SheetRequest:
    """What to draw.

    Attributes:
        dataset: name of a dataset.
        weights: file of weights; by default those shipped with ``sat_lgr``.
        pairs: how many pairs of the test split.
        points: how many pixels of each, in the order of ``points.REGIONS``.
        preset: size of the dataset, where it has several.
        device: where the method runs; CUDA if there is one.
    """

    dataset: str
    weights: Path | None = None
    pairs: int = 3
    points: int = 4
    preset: str | None = None
    device: str | None = None


def attention_sheet(request: SheetRequest, progress: Progress) -> bytes:
    """PNG of a sheet: two lines a pair.

    The upper line has the target and the outputs with the pixel circled, the lower one the source
    and where attention lies on it. A column is a region of the body. A map is painted over the
    darkened source in squares, one for each position of SAT's layer, from its largest weight
    (light yellow) down to none (the source alone).

    Raises:
        UsageError: for an unknown name, more points than regions, or a method without attention.
        DataError: if weights or data are damaged, or the set has no label maps.
        MissingWeightsError: if no weights are given and none shipped.
    """
    record = find_dataset(request.dataset).resolved("test")
    known = regions(record.parts)
    if request.points > len(known):
        raise UsageError(
            f"--points: expected at most {len(known)} ({', '.join(known)}), got {request.points}"
        )
    wanted = known[: request.points]
    method = open_attentive(record, request.weights)
    method.to(choose_device(request.device))
    split = record.open("test", request.preset, partial(progress, "rendering persons"))
    if not split.has_parsing:
        raise DataError(f"{record.name} 'test' has no label maps, expected those of its sources")
    pairs = choose_pairs(split, split.manifest(), request.pairs, wanted)
    annotations = open_annotations(split, partial(progress, "caching annotations"))
    rows: list[list[Picture]] = []
    queries = loader(split, pairs, method.inputs, 1, 0, annotations)
    for number, (pair, query) in enumerate(zip(pairs, queries, strict=True), start=1):
        rows += pair_rows(method, query.to(method.device), split, pair, wanted)
        progress("looking", number, len(pairs))
    return png_bytes(sheet(rows, ["target, source", *wanted]))


def open_attentive(record: DatasetRecord, weights: Path | None) -> Attentive:
    """The method of a file of weights, or ``sat_lgr`` with those shipped for a dataset.

    Raises:
        UsageError: if the method does not say where it looks.
        MissingWeightsError: if no weights are given and none shipped.
    """
    name = DEFAULT_METHOD if weights is None else read_header(weights).method
    cls: type[Method[Any]] = find_method(name)
    if not (issubclass(cls, LayoutMethod) and hasattr(cls, "attention")):
        raise UsageError(f"method {name!r} does not say where it looks: it has no attention")
    weights = weights or cls.shipped_weights(record.name)
    if weights is None:
        raise MissingWeightsError(
            f"no weights of {name} for {record.name} are shipped: pass --weights FILE"
        )
    return cast(Attentive, cls.open(record.name, image_spec(record), weights))


def choose_pairs(split: Split, manifest: Manifest, count: int, wanted: Sequence[str]) -> list[Pair]:
    """Pairs spread evenly over the manifest.

    Each is of another person and both its pictures show every region, as far as there are such.
    """
    chosen: dict[Pair, str] = {}
    whole = cache(partial(_shows, split, wanted))
    for of_others, must_show in ((True, True), (False, True), (False, False)):
        for pair in _spread(manifest, count):
            if len(chosen) == count:
                return list(chosen)
            person = split.identity(pair.source)
            taken = pair in chosen or (of_others and person in chosen.values())
            if not taken and (whole(pair) or not must_show):
                chosen[pair] = person
    return list(chosen)


def _spread(manifest: Manifest, count: int) -> list[Pair]:
    """All pairs: first ``count`` that are evenly spread, then their next neighbours, and so on."""
    n = len(manifest)
    rows = ((place * n // count + step) % n for step in range(n) for place in range(count))
    return [manifest[row] for row in dict.fromkeys(rows)]


def _shows(split: Split, wanted: Sequence[str], pair: Pair) -> bool:
    """Whether both pictures of a pair show every region."""
    target, source = split.labels(pair.target), split.labels(pair.source)
    return all(
        shared_part(region, target, source, split.record.parts) is not None for region in wanted
    )


def pair_rows(
    method: Attentive, query: Query, split: Split, pair: Pair, wanted: Sequence[str]
) -> list[list[Picture]]:
    """The two lines of one pair; a region that is not on both pictures is left white."""
    image_1CHW, layout_1HW = method.generate_with_layout(query)
    output = to_uint8(image_1CHW)[0]
    layout = layout_1HW[0].to(torch.uint8).cpu().numpy()
    source, parts = split.image(pair.source), split.record.parts
    scale = -(-_SMALLEST_HEIGHT // output.shape[0])
    stride = output.shape[0] // method.attention(query, (0, 0)).shape[1]
    upper = [enlarge(split.image(pair.target), scale)]
    lower = [enlarge(source, scale)]
    for region in wanted:
        point = find_point(region, layout, split.labels(pair.source), parts, stride)
        if point is None:
            blank = np.full_like(upper[0], 255)
            upper, lower = [*upper, blank], [*lower, blank]
            continue
        weights_hw = method.attention(query, (point.row, point.column))[0].float().cpu()
        upper.append(circled(enlarge(output, scale), point, scale))
        lower.append(enlarge(heat(source, weights_hw.numpy()), scale))
    return [upper, lower]


def heat(source: Picture, weights: npt.NDArray[np.float32]) -> Picture:
    """A source with weights painted over it.

    Args:
        source: RGB uint8 (H,W,3).
        weights: (h,w), at least 0; H and W are multiples of h and w.
    """
    height, width = weights.shape
    share = weights / weights.max() if weights.any() else weights
    share = share.repeat(source.shape[0] // height, 0).repeat(source.shape[1] // width, 1)
    colours = matplotlib.colormaps[_COLOURS](share)[..., :3] * 255.0
    cover = np.sqrt(share)[..., None]
    return np.rint((1.0 - cover) * _DARKENED * source + cover * colours).astype(np.uint8)


def circled(picture: Picture, point: Point, scale: int) -> Picture:
    """A picture, ``scale`` times as large as its image, with a red circle at one of its pixels."""
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    x, y = ((place + 0.5) * scale for place in (point.column, point.row))
    radius = picture.shape[0] / 26
    for more, colour, width in ((2, _PAPER, 6), (0, _RED, 3)):
        reach = radius + more
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour, width=width)
    return np.asarray(canvas)
