from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from recapbench.data.ingest.geometry import GEOMETRIES, find_geometry, geometries_of
from recapbench.errors import DataError, UsageError


def noise(size: tuple[int, int]) -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, (*size, 3)).astype(np.uint8)


def one_joint(x: float, y: float) -> np.ndarray:
    joints = np.zeros((18, 3), np.float32)
    joints[3] = x, y, 2
    return joints


def test_a_square_of_256_stays_as_it_is() -> None:
    placement = GEOMETRIES["square_256"].placement((256, 256))
    image = noise((256, 256))
    np.testing.assert_array_equal(placement.image(image), image)
    np.testing.assert_array_equal(placement.labels(image[..., 0]), image[..., 0])
    np.testing.assert_array_equal(placement.joints(one_joint(3, 255)), one_joint(3, 255))


def test_the_crop_is_columns_40_to_215() -> None:
    placement = GEOMETRIES["crop_176"].placement((256, 256))
    image = noise((256, 256))
    np.testing.assert_array_equal(placement.image(image), image[:, 40:216])
    np.testing.assert_array_equal(placement.labels(image[..., 0]), image[:, 40:216, 0])
    np.testing.assert_array_equal(placement.joints(one_joint(40, 7)), one_joint(0, 7))
    np.testing.assert_array_equal(placement.joints(one_joint(215, 7)), one_joint(175, 7))
    for x in (39, 216):
        assert not placement.joints(one_joint(x, 7)).any()


def test_pictures_that_are_cropped_already_stay_so() -> None:
    image = noise((256, 176))
    np.testing.assert_array_equal(GEOMETRIES["crop_176"].placement((256, 176)).image(image), image)
    padded = GEOMETRIES["square_256"].placement((256, 176)).image(image)
    np.testing.assert_array_equal(padded[:, 40:216], image)
    assert (padded[:, :40] == 255).all()
    assert (padded[:, 216:] == 255).all()


def test_a_tall_picture_is_padded_with_white_and_resized() -> None:
    placement = GEOMETRIES["square_256"].placement((1024, 768))
    image = np.zeros((1024, 768, 3), np.uint8)
    small = placement.image(image)
    assert small.shape == (256, 256, 3)
    assert (small[:, :31] == 255).all()
    assert (small[:, 34:222] == 0).all()
    labels = placement.labels(np.full((1024, 768), 7, np.uint8))
    np.testing.assert_array_equal(labels[5], [0] * 32 + [7] * 192 + [0] * 32)
    moved = placement.joints(one_joint(0, 0))[3]
    np.testing.assert_allclose(moved, [(128.5 * 0.25) - 0.5, -0.375, 2])


def test_a_high_resolution_picture_goes_straight_to_256x176() -> None:
    placement = GEOMETRIES["resize_176"].placement((1101, 750))
    image = noise((1101, 750))
    expected = np.asarray(Image.fromarray(image).resize((176, 256), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(placement.image(image), expected)
    moved = placement.joints(one_joint(749, 1100))[3]
    np.testing.assert_allclose(moved, [749.5 * 176 / 750 - 0.5, 1100.5 * 256 / 1101 - 0.5, 2], 1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["square_256", "crop_176", "resize_176"]),
    st.integers(256, 700),
    st.integers(256, 700),
    st.data(),
)
def test_joints_go_where_the_pixels_go(
    name: str, height: int, width: int, data: st.DataObject
) -> None:
    """A block of a label is found around the moved joint at its middle, to a pixel."""
    placement = GEOMETRIES[name].placement((height, width))
    x, y = data.draw(st.integers(20, width - 21)), data.draw(st.integers(20, height - 21))
    labels = np.zeros((height, width), np.uint8)
    labels[y - 16 : y + 17, x - 16 : x + 17] = 1
    moved_labels = placement.labels(labels)
    moved = placement.joints(one_joint(x, y))[3]
    assert moved_labels.shape == placement.size == GEOMETRIES[name].size
    rows, columns = np.nonzero(moved_labels)
    touches_border = rows.size and (columns.min() == 0 or columns.max() == placement.size[1] - 1)
    if moved[2] and not touches_border:
        middle = ((columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2)
        np.testing.assert_allclose(moved[:2], middle, atol=1.0)
    if not moved[2]:
        assert name == "crop_176"


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("square_256", (255, 200)),
        ("crop_176", (128, 64)),
        ("resize_176", (300, 175)),
        ("resize_176", (255, 300)),
        ("market_128x64", (64, 128)),
        ("market_128x64", (256, 128)),
    ],
)
def test_pictures_of_a_wrong_size(name: str, size: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=rf"expected a picture of .*, got \({size[0]}, {size[1]}\)"):
        GEOMETRIES[name].placement(size)


def test_geometries_are_found_by_name_and_dataset() -> None:
    assert find_geometry("deepfashion").name == "square_256"
    assert find_geometry("market1501").name == "market_128x64"
    assert find_geometry("deepfashion", "crop_176").size == (256, 176)
    assert len(geometries_of("deepfashion")) == 3
    with pytest.raises(UsageError, match="Did you mean 'crop_176'"):
        find_geometry("deepfashion", "crop_167")
    with pytest.raises(UsageError, match="geometry of market1501"):
        find_geometry("market1501", "crop_176")
