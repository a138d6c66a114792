"""RGB images as files: PNG in, PNG out, and what the networks want of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from recapbench.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


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
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.size != (size[1], size[0]):
                raise DataError(
                    f"{where}: expected an image of {size} pixels, "
                    f"got {(image.height, image.width)}"
                )
            if image.mode != "RGB":
                raise DataError(f"{where}: expected an RGB image, got mode {image.mode}")
            return np.asarray(image)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{where}: not a readable image: {error}") from error


def to_network(images: npt.NDArray[np.uint8]) -> Tensor:
    """Images uint8 (B, H, W, 3) as float32 (B, 3, H, W) in [-1, 1]: ``value / 127.5 - 1``."""
    import torch

    stacked = torch.from_numpy(images).permute(0, 3, 1, 2)
    return stacked.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)
