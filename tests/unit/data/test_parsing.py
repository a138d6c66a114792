"""Label maps as users have them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recapbench.data.images import encode_image
from recapbench.data.parsing import decode_label_map, encode_labels
from recapbench.errors import DataError

SIZE = (8, 6)
LABELS = (np.arange(48).reshape(SIZE) % 20).astype(np.uint8)


def npy(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def grey(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        encode_labels(LABELS, 20),
        grey(LABELS),
        npy(LABELS),
        npy(LABELS.astype(np.int64)),
        npy(np.asfortranarray(LABELS)),
        npy(LABELS.astype(">u2")),
    ],
    ids=["palette", "grey", "npy", "int64", "fortran", "big-endian"],
)
def test_every_form_gives_the_labels(data: bytes) -> None:
    for sizes in ((), (SIZE,), ((1, 1), SIZE)):
        found = decode_label_map(data, 20, sizes, "a")
        np.testing.assert_array_equal(found, LABELS)
        assert found.dtype == np.uint8
        assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (encode_image(np.zeros((*SIZE, 3), np.uint8)), "got mode RGB"),
        (grey(np.full(SIZE, 20, np.uint8)), "labels 0..19, got 20"),
        (npy(np.full(SIZE, 20)), "labels 0..19, got 20"),
        (npy(np.full(SIZE, -1)), "labels 0..19, got -1"),
        (npy(np.full(SIZE, 2**40)), "got 1099511627776"),
        (npy(LABELS.astype(float)), "whole numbers, got float64"),
        (npy(LABELS.astype(bool)), "whole numbers, got bool"),
        (npy(LABELS[..., None]), r"\(8, 6, 1\)"),
        (npy(LABELS.T), r"expected a label map of \(8, 6\) pixels, got \(6, 8\)"),
        (grey(LABELS.T.copy()), r"got \(6, 8\)"),
        (npy(np.array([[object()]]), allow_pickle=True), "whole numbers, got object"),
        (npy(LABELS)[:-1], "not a readable array"),
        (npy(LABELS)[:9], "not a readable array"),
        (b"\x93NUMPY\x07\x00" + npy(LABELS)[8:], "version 1 or 2|not a readable array"),
        (b"", "not a readable image"),
    ],
)
def test_bad_label_maps_are_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        decode_label_map(data, 20, (SIZE,), "x/bad.png")
    assert "x/bad.png" in str(caught.value)


def test_labels_of_seven_parts_end_at_six() -> None:
    with pytest.raises(DataError, match=r"labels 0\.\.6, got 7"):
        decode_label_map(grey(np.full(SIZE, 7, np.uint8)), 7, (SIZE,), "a.png")


def test_an_array_that_claims_to_be_huge_takes_no_memory() -> None:
    head = npy(LABELS).replace(b"'shape': (8, 6), }          ", b"'shape': (900000, 900000), }")
    assert head != npy(LABELS)
    assert len(head) == len(npy(LABELS))
    for sizes in ((), (SIZE,)):
        with pytest.raises(DataError, match=r"bad\.npy: expected"):
            decode_label_map(head, 20, sizes, "bad.npy")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: npy(LABELS)[:70] + b))
def test_any_bytes_give_labels_or_a_data_error(data: bytes) -> None:
    assert outcome(data) in ("labels", "named")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 127), st.integers(0, 255))
def test_a_damaged_array_head_gives_labels_or_a_data_error(place: int, value: int) -> None:
    data = bytearray(npy(LABELS))
    data[place] = value
    assert outcome(bytes(data)) in ("labels", "named")


def outcome(data: bytes) -> str:
    """What comes of reading a label map: sound labels, or an error that names the file."""
    try:
        found = decode_label_map(data, 20, (SIZE,), "bad.png")
    except DataError as error:
        return "named" if "bad.png: " in str(error) else str(error)
    return "labels" if found.shape == SIZE and found.max() < 20 else str(found)
