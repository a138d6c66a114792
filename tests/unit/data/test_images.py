"""Users' photographs: what is read, and that nothing else is."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recapbench.data.images import MAX_PIXELS, decode_image, decode_photograph
from recapbench.data.parsing import decode_label_map, decode_labels
from recapbench.errors import DataError

PICTURE = np.random.RandomState(0).randint(0, 256, (48, 40, 3)).astype(np.uint8)


def encoded(mode: str, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).convert(mode).save(buffer, format=form, **options)
    return buffer.getvalue()


JPEG = encoded("RGB", "JPEG", quality=95)


def huge_png(side: int, mode: int = 2) -> bytes:
    """The head of a PNG of ``side`` x ``side`` pixels, and almost nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, mode, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


def test_a_jpeg_is_its_pixels() -> None:
    with Image.open(io.BytesIO(JPEG)) as image:
        np.testing.assert_array_equal(decode_photograph(JPEG, "a.jpg"), np.asarray(image))


def test_a_png_is_its_pixels_whatever_it_is_called() -> None:
    np.testing.assert_array_equal(decode_photograph(encoded("RGB", "PNG"), "a.jpg"), PICTURE)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_grey_is_three_equal_channels(form: str) -> None:
    data = encoded("L", form)
    found = decode_photograph(data, "a.jpg")
    with Image.open(io.BytesIO(data)) as image:
        grey = np.asarray(image)
    np.testing.assert_array_equal(found, np.stack([grey] * 3, axis=2))


def test_an_orientation_tag_is_not_followed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("RGB", "JPEG", quality=95, exif=exif)
    assert decode_photograph(data, "a.jpg").shape == PICTURE.shape


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (encoded("CMYK", "JPEG"), "RGB or grey picture, got mode CMYK"),
        (encoded("P", "PNG"), "mode P"),
        (encoded("RGBA", "PNG"), "mode RGBA"),
        (encoded("LA", "PNG"), "mode LA"),
        (encoded("1", "PNG"), "mode 1"),
        (encoded("RGB", "PNG", transparency=(1, 2, 3)), "transparency"),
        (encoded("RGB", "GIF"), "JPEG or PNG picture, got GIF"),
        (encoded("RGB", "BMP"), "got BMP"),
        (encoded("RGB", "PNG")[:-30], "not a readable image"),
        (b"", "not a readable image"),
        (b"<html>404</html>", "not a readable image"),
    ],
)
def test_what_is_no_photograph_is_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decode_photograph(data, "x/bad.jpg")
    assert "x/bad.jpg" in str(caught.value)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(JPEG) - 1))
def test_a_jpeg_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(DataError, match=r"bad\.jpg: not a readable image"):
        decode_photograph(JPEG[:length], "bad.jpg")


def test_a_cut_jpeg_with_a_whole_thumbnail_is_refused() -> None:
    thumbnail = b"Exif\0\0" + JPEG[:2000] + b"\xff\xd9"
    tagged = JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + JPEG[2:]
    np.testing.assert_array_equal(decode_photograph(tagged, "a"), decode_photograph(JPEG, "a"))
    with pytest.raises(DataError, match="not a readable image"):
        decode_photograph(tagged[:-2], "bad.jpg")


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(JPEG) - 1), st.integers(0, 255))
def test_a_damaged_jpeg_gives_pixels_or_a_data_error(place: int, value: int) -> None:
    data = bytearray(JPEG)
    data[place] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = decode_photograph(bytes(data), "bad.jpg")
        except DataError as error:
            message = str(error)
        else:
            message = f"bad.jpg: {found.dtype} in {found.ndim} axes"
    assert message.startswith("bad.jpg: ")
    assert message == "bad.jpg: uint8 in 3 axes" or "expected" in message or "not a" in message


@pytest.mark.parametrize("side", [5000, 11000, 20000, 2**31 - 1])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_huge_pictures_are_refused_by_their_head(side: int) -> None:
    assert side * side > MAX_PIXELS
    readers = (
        lambda: decode_photograph(huge_png(side), "bad.jpg"),
        lambda: decode_image(huge_png(side), (256, 256), "bad.jpg"),
        lambda: decode_labels(huge_png(side, 0), 20, (256, 256), "bad.jpg"),
        lambda: decode_label_map(huge_png(side, 0), 20, (), "bad.jpg"),
    )
    for read in readers:
        with pytest.raises(DataError, match=r"bad\.jpg: .*(pixels|bomb)"):
            read()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=r"bad\.jpg"):
            decode_photograph(huge_png(side), "bad.jpg")
