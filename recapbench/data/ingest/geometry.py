"""How a picture gets the size that a benchmark works at: named geometries.

Every geometry is the same three steps, some of which do nothing: pad, resize, crop. Image, labels
and joints take them together:

* padding is white in an image and background in a label map;
* an image is resized with Pillow's bicubic filter (widened when it shrinks, so that nothing
  aliases), a label map by nearest neighbour;
* joints move with the centres of pixels, ``x' = (x + 0.5) * scale - 0.5``; a joint that the crop
  leaves outside is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from recapbench.errors import DataError, unknown

Size = tuple[int, int]
"""Height and width in pixels."""

WHITE: Final = 255
BACKGROUND: Final = 0


class Placement(NamedTuple):
    """What a geometry does to pictures of one size.

    Attributes:
        raw: size that it starts from.
        corner: row and column of the picture in the padded one.
        padded: size after padding.
        scaled: size after resizing.
        cut: row and column of the crop.
        size: size after the crop.
    """

    raw: Size
    corner: tuple[int, int]
    padded: Size
    scaled: Size
    cut: tuple[int, int]
    size: Size

    def image(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """An image uint8 (H, W, 3) of size ``raw`` as one of size ``size``."""
        return self._apply(image, WHITE, Image.Resampling.BICUBIC)

    def labels(self, labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A label map uint8 (H, W) of size ``raw`` as one of size ``size``."""
        return self._apply(labels, BACKGROUND, Image.Resampling.NEAREST)

    def joints(self, joints: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Joints float32 (18, 3) in pixels of ``raw`` as pixels of ``size``.

        A joint whose nearest pixel is outside becomes missing: 0, 0, 0.
        """
        scale = np.divide(self.scaled, self.padded)[::-1]
        moved = joints.astype(np.float64)
        moved[:, :2] = (moved[:, :2] + self.corner[::-1] + 0.5) * scale - 0.5 - self.cut[::-1]
        moved[outside(moved, self.size) | (joints[:, 2] == 0)] = 0.0
        return moved.astype(np.float32)

    def _apply(
        self, array: npt.NDArray[np.uint8], fill: int, filter_: Image.Resampling
    ) -> npt.NDArray[np.uint8]:
        if self.padded != self.raw:
            canvas = np.full((*self.padded, *array.shape[2:]), fill, np.uint8)
            top, left = self.corner
            canvas[top : top + self.raw[0], left : left + self.raw[1]] = array
            array = canvas
        if self.scaled != self.padded:
            array = np.asarray(Image.fromarray(array).resize(self.scaled[::-1], filter_))
        (top, left), (height, width) = self.cut, self.size
        return np.ascontiguousarray(array[top : top + height, left : left + width])


def outside(joints: npt.NDArray[np.floating], size: Size) -> npt.NDArray[np.bool_]:
    """Which joints (18, 3) have their nearest pixel outside an image, bool (18,)."""
    place = np.floor(joints[:, :2] + 0.5)
    return np.asarray(((place < 0) | (place >= size[::-1])).any(axis=1))


def _squared(raw: Size) -> Placement:
    """In the middle of a white square, resized to 256x256; 256x256 stays as it is."""
    side = max(raw)
    if side < 256:
        raise DataError(f"expected a picture of at least 256 pixels a side, got {raw}")
    corner = ((side - raw[0]) // 2, (side - raw[1]) // 2)
    return Placement(raw, corner, (side, side), (256, 256), (0, 0), (256, 256))


def _cropped(raw: Size) -> Placement:
    """The columns 40 to 215 of the square."""
    return _squared(raw)._replace(cut=(0, 40), size=(256, 176))


def _stretched(raw: Size) -> Placement:
    """Straight to 256x176."""
    if raw[0] < 256 or raw[1] < 176:
        raise DataError(f"expected a picture of at least (256, 176) pixels, got {raw}")
    return Placement(raw, (0, 0), raw, (256, 176), (0, 0), (256, 176))


def _market(raw: Size) -> Placement:
    """As it is, and nothing but 128x64."""
    if raw != (128, 64):
        raise DataError(f"expected a picture of (128, 64) pixels, got {raw}")
    return Placement(raw, (0, 0), raw, raw, (0, 0), raw)


@dataclass(frozen=True)
class Geometry:
    """A named way from a raw picture to the benchmark's size.

    Attributes:
        name: as in ``--geometry``.
        dataset: which dataset's pictures it is for.
        size: height and width that every picture gets.
        title: one line for people.
        folder: the official folder that it is meant for, where there are several.
        placement: what it does to a picture of a size; DataError if that size will not do.
    """

    name: str
    dataset: str
    size: Size
    title: str
    folder: str
    placement: Callable[[Size], Placement]


GEOMETRIES: Final[Mapping[str, Geometry]] = {
    geometry.name: geometry
    for geometry in (
        Geometry(
            name="square_256",
            dataset="deepfashion",
            size=(256, 256),
            title="256x256 as it is; anything larger in the middle of a white square, resized",
            folder="img",
            placement=_squared,
        ),
        Geometry(
            name="crop_176",
            dataset="deepfashion",
            size=(256, 176),
            title="columns 40 to 215 of square_256 (PATN's crop)",
            folder="img",
            placement=_cropped,
        ),
        Geometry(
            name="resize_176",
            dataset="deepfashion",
            size=(256, 176),
            title="a high-resolution picture straight to 256x176, its sides scaled apart",
            folder="img_highres",
            placement=_stretched,
        ),
        Geometry(
            name="market_128x64",
            dataset="market1501",
            size=(128, 64),
            title="128x64 as it is; any other size is refused",
            folder="",
            placement=_market,
        ),
    )
}
"""Every geometry, by name; the first of a dataset is its default."""


def geometries_of(dataset: str) -> tuple[Geometry, ...]:
    """The geometries of a dataset, its default first."""
    return tuple(one for one in GEOMETRIES.values() if one.dataset == dataset)


def find_geometry(dataset: str, name: str | None = None) -> Geometry:
    """A geometry of a dataset by name; its default if none is asked for.

    Raises:
        UsageError: if the dataset has no geometry of that name.
    """
    known = {geometry.name: geometry for geometry in geometries_of(dataset)}
    if name is None and known:
        return next(iter(known.values()))
    if name is None or name not in known:
        raise unknown(f"geometry of {dataset}", str(name), known)
    return known[name]
