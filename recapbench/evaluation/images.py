"""Read images exactly: the pixels of the file, or an error that names it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, require_image

ImageSource: TypeAlias = Path | Image | Callable[[], Image]
"""An image file, an image, or a function that makes one."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, zlib.error)  # what Pillow may raise
_HEAD = 26  # the signature, and IHDR up to the colour type
_PNG_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


def read_png(path: Path) -> Image:
    """Pixels uint8 (H,W,3) of a saved PNG.

    Only 8-bit RGB without alpha or animation is taken: anything else would have to be converted,
    and a lossy file is not what the method made.

    Raises:
        DataError: if the file is missing, damaged, or another kind of image; it is named.
    """
    data = _read(path)
    if data[:8] != _PNG_SIGNATURE or len(data) < _HEAD:
        raise DataError(f"{path}: expected a PNG, got another kind of file")
    depth, kind = data[_HEAD - 2], data[_HEAD - 1]
    if (depth, kind) != (8, 2):
        what = _PNG_KINDS.get(kind, f"colour type {kind}")
        raise DataError(f"{path}: expected an 8-bit RGB PNG, got {depth}-bit {what}")
    if not data.endswith(_PNG_END):
        raise DataError(f"{path}: not a readable image: it does not end as a PNG does")
    return _decode(path, data)


def read_rgb(path: Path) -> Image:
    """Pixels uint8 (H,W,3) of an 8-bit RGB image of any format, as it stands.

    Raises:
        DataError: if the file is missing, damaged, or another kind of image; it is named.
    """
    return _decode(path, _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decode(path: Path, data: bytes) -> Image:
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    try:
        with pil.open(BytesIO(data)) as image:
            frames = getattr(image, "n_frames", 1)
            if frames != 1:
                raise DataError(f"{path}: expected one image, got {frames} frames")
            if image.mode != "RGB" or "transparency" in image.info:
                transparent = " with transparency" if "transparency" in image.info else ""
                raise DataError(f"{path}: expected 8-bit RGB, got mode {image.mode}{transparent}")
            image.load()
            return np.array(image, dtype=np.uint8)
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: not a readable image") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        zlib.error,
        pil.DecompressionBombError,
    ) as e:
        raise DataError(f"{path}: not a readable image: {e}") from e


def load_image(source: ImageSource, what: str = "image") -> Image:
    """Pixels uint8 (H,W,3) of a source; a PNG file is held to `read_png`'s rules."""
    if isinstance(source, Path):
        return read_png(source) if source.suffix.lower() == ".png" else read_rgb(source)
    image = source() if callable(source) else source
    require_image(image, what)
    return image
