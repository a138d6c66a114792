"""L1 and PSNR."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from recapbench.errors import DataError
from recapbench.evaluation.pixels import l1, psnr


@pytest.fixture
def pair():
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 256, (2, 33, 21, 3), dtype=np.uint8)
    return a, b


def test_l1_is_in_the_range_of_minus_one_to_one(pair):
    a, b = (image / 127.5 - 1 for image in pair)
    assert l1(*pair) == pytest.approx(np.abs(a - b).mean(), rel=1e-12)


def test_l1_of_black_and_white_is_two():
    black = np.zeros((4, 4, 3), np.uint8)
    assert l1(black, ~black) == 2.0
    assert l1(~black, black) == 2.0
    assert l1(black, black) == 0.0


def test_psnr_equals_skimage(pair):
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), rel=1e-12)


def test_psnr_of_identical_images_is_not_a_number_one_can_have(pair):
    assert psnr(pair[0], pair[0]) is None


def test_psnr_of_black_and_white_is_zero():
    black = np.zeros((4, 4, 3), np.uint8)
    assert psnr(black, ~black) == 0.0


@pytest.mark.parametrize("measure", [l1, psnr])
def test_sizes_must_agree(measure, pair):
    with pytest.raises(DataError, match="one size"):
        measure(pair[0], pair[1][:-1])
