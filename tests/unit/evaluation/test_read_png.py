"""Saved images come back pixel by pixel, or an error names the file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from recapbench.errors import DataError
from recapbench.evaluation.images import load_image, lossy_format, read_png, read_rgb


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (33, 21, 3), dtype=np.uint8)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sixteen_bit(path):
    """A 16-bit RGB PNG, which Pillow would quietly cut to 8 bits."""
    rows = b"".join(b"\0" + bytes(12) for _ in range(2))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_exact(tmp_path, pixels):
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(read_png(path), pixels)
    np.testing.assert_array_equal(load_image(path), pixels)


def test_arrays_and_functions(pixels):
    assert load_image(pixels) is pixels
    assert load_image(lambda: pixels) is pixels
    with pytest.raises(DataError, match="target of x: expected uint8 RGB"):
        load_image(pixels / 255, "target of x")


def test_a_target_may_be_a_jpeg_and_a_generated_image_may_not(tmp_path, pixels):
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels).save(path)
    assert load_image(path).shape == pixels.shape
    with pytest.raises(DataError, match=r"a\.jpg: expected a PNG"):
        read_png(path)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16"])
def test_other_modes(tmp_path, pixels, mode):
    path = tmp_path / "other.png"
    image = Image.fromarray(pixels).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16))
    image.save(path)
    with pytest.raises(DataError, match=r"other\.png: expected an 8-bit RGB PNG"):
        read_png(path)


def test_sixteen_bits(tmp_path):
    sixteen_bit(tmp_path / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png: .* got 16-bit RGB"):
        load_image(tmp_path / "deep.png")


def test_transparent_colour(tmp_path, pixels):
    path = tmp_path / "clear.png"
    Image.fromarray(pixels).save(path, transparency=(0, 0, 0))
    with pytest.raises(DataError, match=r"clear\.png: .*transparency"):
        read_png(path)


def test_animated(tmp_path, pixels):
    path = tmp_path / "moving.png"
    other = Image.fromarray(255 - pixels)
    Image.fromarray(pixels).save(path, save_all=True, append_images=[other])
    with pytest.raises(DataError, match=r"moving\.png: expected one image, got 2 frames"):
        read_png(path)


@pytest.mark.parametrize("keep", [0, 10, 40, 200, -20])
def test_truncated(tmp_path, pixels, keep):
    path = tmp_path / "cut.png"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.png"):
        read_png(path)


def test_damaged(tmp_path, pixels):
    path = tmp_path / "damaged.png"
    Image.fromarray(pixels).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"damaged\.png"):
        read_png(path)


@pytest.mark.parametrize("read", [read_png, read_rgb])
def test_missing_or_a_folder(tmp_path, read):
    with pytest.raises(DataError, match=r"none\.png"):
        read(tmp_path / "none.png")
    with pytest.raises(DataError, match=tmp_path.name):
        read(tmp_path)


def test_lossless_formats_are_exact(tmp_path, pixels):
    for name, options in {"a.bmp": {}, "a.webp": {"lossless": True}, "a.png": {}}.items():
        Image.fromarray(pixels).save(tmp_path / name, **options)
        np.testing.assert_array_equal(read_rgb(tmp_path / name), pixels)
        assert lossy_format(tmp_path / name) is None


@pytest.mark.parametrize(("saved_as", "name"), [("JPEG", "JPEG"), ("WEBP", "WebP")])
def test_lossy_formats_are_told_by_content(tmp_path, pixels, saved_as, name):
    path = tmp_path / "looks_like_a.png"
    Image.fromarray(pixels).save(path, format=saved_as)
    assert lossy_format(path) == name
    assert read_rgb(path).shape == pixels.shape
    with pytest.raises(DataError, match="expected a PNG"):
        load_image(path)


def test_a_png_is_held_to_its_rules_whatever_its_name(tmp_path):
    sixteen_bit(tmp_path / "deep.png")
    (tmp_path / "deep.png").rename(tmp_path / "deep.jpg")
    with pytest.raises(DataError, match=r"deep\.jpg: .* got 16-bit RGB"):
        read_rgb(tmp_path / "deep.jpg")


@pytest.mark.parametrize("saved_as", ["TIFF", "PPM"])
def test_formats_that_may_hide_more_than_8_bits(tmp_path, pixels, saved_as):
    path = tmp_path / "a.img"
    Image.fromarray(pixels).save(path, format=saved_as)
    with pytest.raises(DataError, match=f"expected PNG, JPEG, BMP or WebP, got {saved_as}"):
        read_rgb(path)


@pytest.mark.parametrize("saved_as", ["WEBP", "GIF"])
def test_animations(tmp_path, pixels, saved_as):
    path = tmp_path / "moving"
    other = Image.fromarray(255 - pixels)
    Image.fromarray(pixels).save(path, format=saved_as, save_all=True, append_images=[other])
    with pytest.raises(DataError, match="expected one image, got 2 frames"):
        read_rgb(path)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_modes_of_a_jpeg(tmp_path, pixels, mode):
    path = tmp_path / "a.jpg"
    Image.fromarray(pixels).convert(mode).save(path)
    with pytest.raises(DataError, match=f"expected 8-bit RGB, got mode {mode}"):
        read_rgb(path)


@pytest.mark.parametrize("lost", [2, 20, 400])
def test_a_jpeg_that_is_cut_off(tmp_path, pixels, lost):
    path = tmp_path / "cut.jpg"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(DataError, match=r"cut\.jpg: not a readable image"):
        read_rgb(path)


def test_a_bmp_of_fewer_bits(tmp_path, pixels):
    path = tmp_path / "a.bmp"
    Image.fromarray(pixels).save(path)
    data = bytearray(path.read_bytes())
    data[28] = 16
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="got a BMP of 16 bits a pixel"):
        read_rgb(path)
