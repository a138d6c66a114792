from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from recapbench.data.images import decode_image, encode_image, to_network
from recapbench.data.parsing import (
    LIP_PALETTE,
    check_labels,
    decode_labels,
    encode_labels,
    one_hot,
    to_market,
)
from recapbench.errors import DataError

SIZE = (8, 6)
LABELS = (np.arange(48).reshape(SIZE) % 20).astype(np.uint8)


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def test_labels_survive_a_palette_png() -> None:
    data = encode_labels(LABELS, 20)
    np.testing.assert_array_equal(decode_labels(data, 20, SIZE, "a.png"), LABELS)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), LIP_PALETTE[LABELS])


def test_labels_in_grey_are_read() -> None:
    np.testing.assert_array_equal(decode_labels(png(LABELS), 20, SIZE, "a.png"), LABELS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(np.zeros((8, 6, 3), np.uint8)), "mode RGB"),
        (png(np.zeros((6, 8), np.uint8)), r"\(6, 8\)"),
        (png(np.full(SIZE, 20, np.uint8)), "labels 0..19, got 20"),
        (png(LABELS)[:50], "not a readable image"),
        (b"", "not a readable image"),
    ],
    ids=["colour", "size", "label", "cut", "empty"],
)
def test_bad_label_files_are_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decode_labels(data, 20, SIZE, "x/bad.png")
    assert "x/bad.png" in str(caught.value)


@pytest.mark.parametrize(
    "labels", [np.zeros(SIZE), np.zeros((1, *SIZE), int), np.full(SIZE, -1), np.full(SIZE, 7)]
)
def test_bad_label_arrays(labels: np.ndarray) -> None:
    with pytest.raises(DataError, match="here"):
        check_labels(labels, 7, SIZE, "here")


def test_one_hot_spreads_and_gathers() -> None:
    labels = torch.from_numpy(LABELS).long()[None].repeat(2, 1, 1)
    spread = one_hot(labels, 20)
    assert spread.shape == (2, 20, *SIZE)
    assert spread.dtype == torch.float32
    assert torch.equal(spread.argmax(1), labels)
    assert torch.equal(spread.sum(1), torch.ones(2, *SIZE))


def test_twenty_parts_merge_into_seven() -> None:
    merged = to_market(np.arange(20, dtype=np.uint8))
    assert merged.tolist() == [0, 1, 1, 5, 2, 3, 3, 3, 6, 4, 3, 3, 4, 2, 5, 5, 6, 6, 6, 6]


def test_images_survive_a_png_and_reach_the_network() -> None:
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    np.testing.assert_array_equal(decode_image(encode_image(image), SIZE, "a.png"), image)
    tensor = to_network(image[None])
    assert tensor.shape == (1, 3, *SIZE)
    assert tensor.is_contiguous()
    expected = image.astype(np.float32).transpose(2, 0, 1) / np.float32(127.5) - 1
    np.testing.assert_allclose(tensor[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(np.zeros(SIZE, np.uint8)), "mode L"),
        (png(np.zeros((4, 4, 3), np.uint8)), r"got \(4, 4\)"),
        (png(np.zeros((*SIZE, 3), np.uint8))[:45], "not a readable image"),
    ],
    ids=["grey", "size", "cut"],
)
def test_bad_images_are_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decode_image(data, SIZE, "x/bad.png")
    assert "x/bad.png" in str(caught.value)
