"""RGB images as files: PNG in, PNG out, users' photographs, and what the networks want of them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from recapbench.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS: Final = 1 << 24
"""Pixels above which a picture is refused unread (4,096 x 4,096)."""

_FORMATS: Final = ("JPEG", "PNG")
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow may raise at a file that is no sound picture."""


@contextmanager
def opened_image(data: bytes, where: str) -> Iterator[Image.Image]:
    """A picture whose header is read and whose pixels are not.

    Args:
        data: content of the file.
        where: file, for the message.

    Raises:
        DataError: also for whatever Pillow raises within: no picture, damaged, or so large that
            decoding it would fill the memory.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{where}: expected at most {MAX_PIXELS} pixels, got {image.width} x "
                    f"{image.height}"
                )
            yield image
    except _DAMAGE as error:
        raise DataError(f"{where}: not a readable image: {error}") from error


def encode_image(image: npt.NDArray[np.uint8]) -> bytes:
    """A PNG of an RGB image uint8 (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG")
    return buffer.getvalue()


def decode_image(data: bytes, size: tuple[int, int], where: str) -> npt.NDArray[np.uint8]:
    """Read an RGB image.

    Args:
        data: content of the file.
        size: expected height and width; checked before anything is decoded.
        where: file, for the message.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: if it is no image, not RGB, damaged, or of another size.
    """
    with opened_image(data, where) as image:
        if image.size != (size[1], size[0]):
            raise DataError(
                f"{where}: expected an image of {size} pixels, got {(image.height, image.width)}"
            )
        if image.mode != "RGB":
            raise DataError(f"{where}: expected an RGB image, got mode {image.mode}")
        return np.asarray(image)


def decode_photograph(data: bytes, where: str) -> npt.NDArray[np.uint8]:
    """Read a user's photograph of whatever size.

    A JPEG or PNG of 8 bits, RGB or grey; grey becomes three equal channels, which is exact.
    Anything else would need a choice (a palette's or an alpha channel's background, the colour
    profile of CMYK) and is refused. Pixels come as they are stored: an orientation tag is not
    followed, as the field's own code does not follow it.

    Args:
        data: content of the file.
        where: file, for the message.

    Returns:
        RGB uint8 (H, W, 3).

    Raises:
        DataError: if it is no such picture, larger than ``MAX_PIXELS``, or not whole.
    """
    with opened_image(data, where) as image:
        if image.format not in _FORMATS:
            raise DataError(f"{where}: expected a JPEG or PNG picture, got {image.format}")
        if image.mode not in ("RGB", "L") or "transparency" in image.info:
            kind = f"mode {image.mode}{' and transparency' * ('transparency' in image.info)}"
            raise DataError(f"{where}: expected an RGB or grey picture, got {kind}")
        if image.format == "JPEG" and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
            raise DataError(f"{where}: not a readable image: the JPEG is cut off")
        return np.asarray(image.convert("RGB"))


_JPEG_SCAN: Final = b"\xff\xda"
_JPEG_END: Final = b"\xff\xd9"


def to_network(images: npt.NDArray[np.uint8]) -> Tensor:
    """Images uint8 (B, H, W, 3) as float32 (B, 3, H, W) in [-1, 1]: ``value / 127.5 - 1``."""
    import torch

    stacked = torch.from_numpy(images).permute(0, 3, 1, 2)
    return stacked.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)
