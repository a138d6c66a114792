"""Human parsing labels: LIP's 20 classes, the 7 merged parts used at 128x64, and label maps.

A parsing map is a ``uint8`` array (H, W) of label indices; 0 is background.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from recapbench.data.images import MAX_PIXELS, opened_image
from recapbench.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

LIP_LABELS: tuple[str, ...] = (
    "background",
    "hat",
    "hair",
    "glove",
    "sunglasses",
    "upper-clothes",
    "dress",
    "coat",
    "socks",
    "pants",
    "jumpsuits",
    "scarf",
    "skirt",
    "face",
    "left-arm",
    "right-arm",
    "left-leg",
    "right-leg",
    "left-shoe",
    "right-shoe",
)
"""The 20 classes of Look Into Person, in the order of their label values."""

MARKET_LABELS: tuple[str, ...] = ("background", "hair", "face", "upper", "lower", "arms", "legs")
"""The 7 parts used for 128x64 images. The paper merges 20 classes into 7 without listing them;
this grouping is the project's choice."""

LIP_MIRROR: tuple[tuple[int, int], ...] = ((14, 15), (16, 17), (18, 19))
"""Left/right label pairs that swap when an image is flipped."""

_MARKET_GROUPS: tuple[tuple[int, ...], ...] = (
    (0,),
    (1, 2),
    (4, 13),
    (5, 6, 7, 10, 11),
    (9, 12),
    (3, 14, 15),
    (8, 16, 17, 18, 19),
)

LIP_PALETTE: npt.NDArray[np.uint8] = np.array(
    [
        [0, 0, 0],
        [128, 0, 0],
        [255, 0, 0],
        [0, 85, 0],
        [170, 0, 51],
        [255, 85, 0],
        [0, 0, 85],
        [0, 119, 221],
        [85, 85, 0],
        [0, 85, 85],
        [85, 51, 0],
        [52, 86, 128],
        [0, 128, 0],
        [0, 0, 255],
        [51, 170, 221],
        [0, 255, 255],
        [85, 255, 170],
        [170, 255, 85],
        [255, 255, 0],
        [255, 170, 0],
    ],
    dtype=np.uint8,
)
"""RGB of each LIP label, (20, 3) uint8: the palette that human parsers write."""

MARKET_PALETTE: npt.NDArray[np.uint8] = LIP_PALETTE[[0, 2, 13, 5, 9, 15, 16]]
"""RGB of each of the 7 parts, (7, 3) uint8."""


def _market_table() -> npt.NDArray[np.uint8]:
    table = np.zeros(len(LIP_LABELS), dtype=np.uint8)
    for part, labels in enumerate(_MARKET_GROUPS):
        table[list(labels)] = part
    return table


LIP_TO_MARKET: npt.NDArray[np.uint8] = _market_table()
"""Lookup from LIP label to Market part, (20,) uint8."""


def to_market(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Merge a LIP parsing map into the 7 Market parts.

    Args:
        labels: uint8 of any shape, values 0..19.

    Returns:
        uint8 of the same shape, values 0..6.

    Raises:
        ValueError: if a label is above 19.
    """
    if labels.size and int(labels.max()) >= len(LIP_LABELS):
        raise ValueError(f"expected LIP labels 0..19, got {int(labels.max())}")
    return LIP_TO_MARKET[labels]


def part_labels(parts: int) -> tuple[str, ...]:
    """Names of the part set with ``parts`` members (20 or 7)."""
    if parts == len(LIP_LABELS):
        return LIP_LABELS
    if parts == len(MARKET_LABELS):
        return MARKET_LABELS
    raise ValueError(f"expected a part set of 20 (LIP) or 7 (Market), got {parts}")


def part_palette(parts: int) -> npt.NDArray[np.uint8]:
    """RGB palette (parts, 3) uint8 of the part set with ``parts`` members (20 or 7)."""
    part_labels(parts)
    return LIP_PALETTE if parts == len(LIP_LABELS) else MARKET_PALETTE


def colourise(labels: npt.NDArray[np.uint8], parts: int) -> npt.NDArray[np.uint8]:
    """Paint a parsing map (H, W) with its palette: RGB uint8 (H, W, 3)."""
    return part_palette(parts)[labels]


def one_hot(labels: Tensor, parts: int, dtype: torch.dtype | None = None) -> Tensor:
    """Spread label maps over channels.

    Args:
        labels: int64 (B, H, W), values below ``parts``.
        parts: number N of parts.
        dtype: of the result, float32 by default.

    Returns:
        (B, N, H, W), channels last in memory: 1 in the channel of the pixel's label, else 0.
    """
    import torch

    spread = torch.zeros((*labels.shape, parts), dtype=dtype, device=labels.device)
    return spread.scatter_(3, labels[..., None], 1.0).permute(0, 3, 1, 2)


def check_labels(
    labels: npt.NDArray[np.generic], parts: int, size: tuple[int, int], where: str
) -> npt.NDArray[np.uint8]:
    """A label map that is what it should be: whole numbers below ``parts``, of the right size.

    Args:
        labels: integers (H, W).
        parts: size of the part set (20 or 7).
        size: expected height and width.
        where: file and item, for the message.

    Returns:
        The same map as contiguous uint8 (H, W).

    Raises:
        DataError: naming what was expected, what came, and where.
    """
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{where}: expected a label map (H, W) of whole numbers, "
            f"got {labels.dtype} {labels.shape}"
        )
    if labels.shape != size:
        raise DataError(f"{where}: expected a label map of {size} pixels, got {labels.shape}")
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high >= parts:
        wrong = high if high >= parts else low
        raise DataError(f"{where}: expected labels 0..{parts - 1}, got {wrong}")
    return np.ascontiguousarray(labels, dtype=np.uint8)


def encode_labels(labels: npt.NDArray[np.uint8], parts: int) -> bytes:
    """A palette PNG of a label map (H, W) uint8: any viewer shows the parts in colour."""
    image = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8))
    image.putpalette(part_palette(parts).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def decode_labels(
    data: bytes, parts: int, size: tuple[int, int], where: str
) -> npt.NDArray[np.uint8]:
    """Read a label map from a palette or grey PNG.

    Args:
        data: content of the file.
        parts: size of the part set (20 or 7).
        size: expected height and width.
        where: file, for the message.

    Returns:
        uint8 (H, W), values below ``parts``.

    Raises:
        DataError: if it is no image, has colour channels, another size or labels out of range.
    """
    return check_labels(_label_image(data, (size,), where), parts, size, where)


def decode_label_map(
    data: bytes, parts: int, sizes: Collection[tuple[int, int]], where: str
) -> npt.NDArray[np.uint8]:
    """Read a label map as a user has it: a palette or grey PNG, or a ``.npy`` of whole numbers.

    Args:
        data: content of the file; what it is, is seen from its first bytes.
        parts: size of the part set (20 or 7).
        sizes: heights and widths that will do, checked before anything is decoded; empty: any.
        where: file, for the message.

    Returns:
        uint8 (H, W), values below ``parts``.

    Raises:
        DataError: if it is no label map, has colour channels, another size or labels out of range.
    """
    read = _label_array if data.startswith(_NPY) else _label_image
    labels = read(data, sizes, where)
    return check_labels(labels, parts, labels.shape[:2], where)


_NPY: Final = b"\x93NUMPY"


def _label_image(
    data: bytes, sizes: Collection[tuple[int, int]], where: str
) -> npt.NDArray[np.uint8]:
    with opened_image(data, where) as image:
        if image.mode not in ("P", "L"):
            raise DataError(
                f"{where}: expected a palette or grey image of labels, got mode {image.mode}"
            )
        _check_size((image.height, image.width), sizes, where)
        return np.asarray(image)


def _label_array(
    data: bytes, sizes: Collection[tuple[int, int]], where: str
) -> npt.NDArray[np.generic]:
    """An array (H, W) of whole numbers; its head is checked before memory is taken for it."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise DataError(f"{where}: expected an array file of version 1 or 2, got {version}")
        shape, _, dtype = read(file)
        if len(shape) != 2 or not np.issubdtype(dtype, np.integer):
            raise DataError(
                f"{where}: expected a label map (H, W) of whole numbers, got {dtype} {shape}"
            )
        _check_size(shape, sizes, where)
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, SyntaxError, TypeError, tokenize.TokenError) as error:
        raise DataError(f"{where}: not a readable array: {error}") from error


def _check_size(size: tuple[int, int], sizes: Collection[tuple[int, int]], where: str) -> None:
    if sizes and size not in sizes:
        wanted = " or ".join(str(one) for one in sorted(set(sizes)))
        raise DataError(f"{where}: expected a label map of {wanted} pixels, got {size}")
    if size[0] * size[1] > MAX_PIXELS:
        raise DataError(f"{where}: expected at most {MAX_PIXELS} pixels, got {size}")
