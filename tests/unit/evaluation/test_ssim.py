"""SSIM against skimage, and what skimage leaves undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from recapbench.errors import DataError
from recapbench.evaluation.ssim import DEF_GAN, SsimProtocol, mask_ssim, ssim


def oracle(generated, target):
    return structural_similarity(
        generated,
        target,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=int(generated.max()) - int(generated.min()),
    )


def noise(seed, height, width, low=0, high=256):
    generator = np.random.default_rng(seed)
    return generator.integers(low, high, (height, width, 3), dtype=np.uint8)


def near(image, seed, spread):
    shift = np.random.default_rng(seed).integers(-spread, spread + 1, image.shape)
    return np.clip(image.astype(int) + shift, 0, 255).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(11, 40),
    st.integers(11, 40),
    st.integers(0, 254),
    st.integers(1, 255),
    st.integers(0, 60),
)
def test_equals_skimage(seed, height, width, low, spread, shift):
    generated = noise(seed, height, width, low, min(low + spread, 255) + 1)
    target = near(generated, seed + 1, shift)
    if generated.max() == generated.min():
        return
    assert abs(ssim(generated, target) - oracle(generated, target)) <= 1e-12


def one_pixel(level, other, size=(24, 20)):
    image = np.full((*size, 3), level, np.uint8)
    image[12, 10] = other
    return image


@pytest.mark.parametrize(
    ("generated", "target"),
    [
        pytest.param(one_pixel(254, 255), one_pixel(250, 10), id="range 1, bright"),
        pytest.param(one_pixel(254, 255), one_pixel(254, 255), id="equal, range 1"),
        pytest.param(one_pixel(0, 255), np.zeros((24, 20, 3), np.uint8), id="target black"),
        pytest.param(noise(1, 24, 20), np.full((24, 20, 3), 255, np.uint8), id="target white"),
        pytest.param(noise(2, 11, 11), noise(3, 11, 11), id="one window"),
        pytest.param(noise(4, 11, 64), noise(5, 11, 64), id="one row of windows"),
        pytest.param(noise(6, 37, 53), near(noise(6, 37, 53), 7, 1), id="odd sides"),
        pytest.param(noise(8, 128, 64), near(noise(8, 128, 64), 9, 30), id="Market"),
        pytest.param(noise(10, 256, 176), near(noise(10, 256, 176), 11, 30), id="fashion"),
        pytest.param(noise(12, 30, 30, 254, 256), one_pixel(255, 0, (30, 30)), id="bad condition"),
    ],
)
def test_equals_skimage_by_hand(generated, target):
    assert abs(ssim(generated, target) - oracle(generated, target)) <= 1e-12


def test_layout_does_not_matter():
    generated, target = noise(0, 30, 40), noise(1, 30, 40)
    expected = ssim(generated, target)
    assert ssim(np.asfortranarray(generated), target) == expected
    wide = np.concatenate([generated, generated], axis=1)
    assert ssim(wide[:, :40], target) == expected


def test_range_is_that_of_the_generated_image():
    generated, target = noise(0, 30, 30, 100, 131), noise(1, 30, 30)
    assert ssim(generated, target) != pytest.approx(ssim(target, generated), abs=1e-3)


class TestRangeZero:
    """The generated image has one value: the limit of the formula."""

    @staticmethod
    def flat(level, size=(24, 20)):
        return np.full((*size, 3), level, np.uint8)

    @pytest.mark.parametrize("level", [0, 1, 128, 255])
    def test_equal_images_have_one(self, level):
        assert ssim(self.flat(level), self.flat(level)) == 1.0

    def test_two_levels(self):
        expected = 2 * 100 * 50 / (100**2 + 50**2)
        assert ssim(self.flat(100), self.flat(50)) == pytest.approx(expected, abs=1e-15)

    def test_black_on_a_textured_target_has_none(self):
        assert ssim(self.flat(0), noise(0, 24, 20)) == 0.0

    def test_black_on_grey_has_none(self):
        assert ssim(self.flat(0), self.flat(90)) == 0.0

    def test_black_counts_where_the_target_is_black_too(self):
        target = noise(0, 24, 40)
        target[:, :25] = 0
        value = ssim(self.flat(0, (24, 40)), target)
        assert value == pytest.approx(15 / 30)  # windows whose 11 columns end before column 25

    @pytest.mark.parametrize("target", [noise(0, 24, 20), one_pixel(7, 200), one_pixel(90, 90)])
    def test_range_one_comes_close(self, target):
        nearly = self.flat(90)
        nearly[0, 0, 0] = 91
        assert ssim(self.flat(90), target) == pytest.approx(ssim(nearly, target), abs=2e-3)

    def test_empty_mask(self):
        nothing = np.zeros((24, 20), bool)
        assert mask_ssim(noise(0, 24, 20), noise(1, 24, 20), nothing) == 1.0


def test_mask_ssim_is_ssim_of_masked_images_over_the_full_image():
    generated, target = noise(0, 40, 30), noise(1, 40, 30)
    mask = np.zeros((40, 30), bool)
    mask[10:30, 8:20] = True
    expected = oracle(generated * mask[..., None], target * mask[..., None])
    assert mask_ssim(generated, target, mask) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 7])
def test_another_protocol_is_one_record(radius):
    """skimage's default is a uniform window with sample covariance (PG2: 7x7, range 255)."""
    side = 2 * radius + 1
    protocol = SsimProtocol("uniform", (1 / side,) * (radius + 1), True, lambda g, t: 255.0)
    generated, target = noise(0, 33, 29), near(noise(0, 33, 29), 1, 40)
    expected = structural_similarity(
        generated, target, win_size=side, channel_axis=2, data_range=255
    )
    assert ssim(generated, target, protocol) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("generated", "target", "message"),
    [
        (noise(0, 20, 20), noise(0, 20, 21), "one size"),
        (noise(0, 10, 20), noise(0, 10, 20), "at least 11x11"),
        (noise(0, 20, 20)[..., 0], noise(0, 20, 20)[..., 0], "uint8 RGB"),
        (noise(0, 20, 20).astype(float), noise(0, 20, 20), "uint8 RGB"),
        (np.zeros((20, 20, 4), np.uint8), noise(0, 20, 20), "uint8 RGB"),
    ],
)
def test_bad_input(generated, target, message):
    with pytest.raises(DataError, match=message):
        ssim(generated, target)


def test_window_of_def_gan():
    assert DEF_GAN.side == 11
    assert 2 * sum(DEF_GAN.half_window[:-1]) + DEF_GAN.half_window[-1] == pytest.approx(
        1, abs=1e-15
    )
