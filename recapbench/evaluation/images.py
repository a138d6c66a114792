"""Read images exactly: the pixels of the file, or an error that names it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, require_image

if TYPE_CHECKING:
    from PIL.Image import Image as Opened

ReadImage: TypeAlias = Callable[[], Image]
"""A function that gives an image, uint8 (H,W,3)."""

ImageSource: TypeAlias = Path | Image | ReadImage
"""An image file, an image, or a function that makes one."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_KINDS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_HEAD = 32  # enough of a file to tell its format, and of a PNG its depth and colour type
_JPEG_START = b"\xff\xd8\xff"
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_FORMATS: Final = ("PNG", "JPEG", "BMP", "WEBP")
_BMP_BITS = (24, 32)


def read_png(path: Path) -> Image:
    """Pixels uint8 (H,W,3) of a saved PNG.

    Only 8-bit RGB without alpha or animation is taken: anything else would have to be converted,
    and a lossy file is not what the method made.

    Raises:
        DataError: if the file is missing, damaged, or another kind of image; it is named.
    """
    data = _read(path)
    if not data.startswith(_PNG_SIGNATURE):
        raise DataError(f"{path}: expected a PNG, got another kind of file")
    return _decode(path, data)


def read_rgb(path: Path) -> Image:
    """Pixels uint8 (H,W,3) of an 8-bit RGB image in PNG, JPEG, BMP or WebP, as it stands.

    The content tells the format, whatever the file's name; a PNG is held to `read_png`'s rules.
    An orientation tag is not followed.

    Raises:
        DataError: if the file is missing, damaged, or another kind of image; it is named.
    """
    return _decode(path, _read(path))


def load_image(source: ImageSource, what: str = "image") -> Image:
    """Pixels uint8 (H,W,3) of a source; a file whose name says PNG must be one."""
    if isinstance(source, Path):
        return read_png(source) if source.suffix.lower() == ".png" else read_rgb(source)
    image = source() if callable(source) else source
    require_image(image, what)
    return image


def lossy_format(path: Path) -> str | None:
    """The name of the format if it loses what was drawn: JPEG, or WebP that is not lossless.

    Raises:
        DataError: if the file cannot be read.
    """
    head = _read(path, _HEAD)
    if head.startswith(_JPEG_START):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and head[12:16] != b"VP8L":
        return "WebP"
    return None


def _read(path: Path, count: int = -1) -> bytes:
    """The file's bytes, or the first ``count``."""
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _decode(path: Path, data: bytes) -> Image:
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    _check_bytes(path, data)
    try:
        with pil.open(BytesIO(data)) as image:
            _check_kind(path, image)
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


def _check_bytes(path: Path, data: bytes) -> None:
    """Refuse what Pillow would quietly mend or convert."""
    if data.startswith(_PNG_SIGNATURE):
        _check_png(path, data)
    elif data.startswith(_JPEG_START) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise DataError(f"{path}: not a readable image: the JPEG is cut off")
    elif data.startswith(b"BM") and int.from_bytes(data[28:30], "little") not in _BMP_BITS:
        bits = int.from_bytes(data[28:30], "little")
        raise DataError(f"{path}: expected 8-bit RGB, got a BMP of {bits} bits a pixel")


def _check_png(path: Path, data: bytes) -> None:
    if len(data) < _HEAD:
        raise DataError(f"{path}: not a readable image: the PNG is cut off")
    depth, kind = data[24], data[25]
    if (depth, kind) != (8, 2):
        what = _PNG_KINDS.get(kind, f"colour type {kind}")
        raise DataError(f"{path}: expected an 8-bit RGB PNG, got {depth}-bit {what}")
    if not data.endswith(_PNG_END):
        raise DataError(f"{path}: not a readable image: it does not end as a PNG does")


def _check_kind(path: Path, image: Opened) -> None:
    """Make sure that an opened file is one 8-bit RGB picture in a format that is read exactly."""
    frames = getattr(image, "n_frames", 1)
    if frames != 1:
        raise DataError(f"{path}: expected one image, got {frames} frames")
    if image.mode != "RGB" or "transparency" in image.info:
        transparent = " with transparency" if "transparency" in image.info else ""
        raise DataError(f"{path}: expected 8-bit RGB, got mode {image.mode}{transparent}")
    if image.format not in _FORMATS:
        raise DataError(f"{path}: expected PNG, JPEG, BMP or WebP, got {image.format}")
