"""SSIM against skimage, and what skimage leaves undefined."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import structural_similarity

from recapbench.errors import DataError
from recapbench.evaluation.structural.ssim import (
    DEF_GAN,
    GFLA,
    PG2,
    STANDARD,
    SsimProtocol,
    mask_ssim,
    masked_similarities,
    range_of_bytes,
    similarities,
    ssim,
    ssim_inside,
)
from recapbench.evaluation.structural.window import UniformWindow
from recapbench.mannequin import plan, render

PROTOCOLS = (DEF_GAN, STANDARD, PG2, GFLA)
GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def oracle(generated, target, protocol=DEF_GAN, **options):
    """skimage, called as each line of work calls it."""
    own = int(generated.max()) - int(generated.min())
    settings_of = {
        "def_gan": GAUSSIAN | {"data_range": own},
        "standard": GAUSSIAN | {"data_range": 255},
        "pg2": {},
        "gfla": {"win_size": 51, "data_range": 1},
    }
    if protocol is GFLA:
        generated, target = generated / 255.0, target / 255.0
    options |= settings_of[protocol.name]
    return structural_similarity(generated, target, channel_axis=2, **options)


def noise(seed, height, width, low=0, high=256):
    generator = np.random.default_rng(seed)
    return generator.integers(low, high, (height, width, 3), dtype=np.uint8)


def near(image, seed, spread):
    shift = np.random.default_rng(seed).integers(-spread, spread + 1, image.shape)
    return np.clip(image.astype(int) + shift, 0, 255).astype(np.uint8)


def one_pixel(level, other, size=(24, 20)):
    image = np.full((*size, 3), level, np.uint8)
    image[12, 10] = other
    return image


def jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG")
    return np.array(Image.open(file))


DEGRADED = {
    "blur": lambda image: gaussian_filter(image, (2, 2, 0)),
    "noise": lambda image: near(image, 0, 25),
    "jpeg": jpeg,
    "shift": lambda image: np.roll(image, (2, -3), (0, 1)),
    "dark": lambda image: image // 3,
    "equal": lambda image: image,
}


@cache
def pictures():
    """A rendered person of 256x176, a photograph of 256x256, one of odd sides."""
    shot = plan.shots("mannequin", 0, "test", 1)[0]
    person = render.render(
        shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, (256, 176)
    ).image
    astronaut = data.astronaut()
    return {
        "person": person,
        "photograph": np.ascontiguousarray(astronaut[::2, ::2]),
        "odd": np.ascontiguousarray(astronaut[3:136:2, 200:301]),
    }


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@pytest.mark.parametrize("degradation", DEGRADED)
@pytest.mark.parametrize("picture", ["person", "photograph", "odd"])
def test_pictures_equal_skimage(picture, degradation, protocol):
    target = pictures()[picture]
    generated = DEGRADED[degradation](target)
    assert abs(ssim(generated, target, protocol) - oracle(generated, target, protocol)) <= 1e-12


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(11, 40),
    st.integers(11, 40),
    st.integers(0, 254),
    st.integers(1, 255),
    st.integers(0, 60),
)
def test_noise_equals_skimage(seed, height, width, low, spread, shift):
    generated = noise(seed, height, width, low, min(low + spread, 255) + 1)
    target = near(generated, seed + 1, shift)
    for protocol in (DEF_GAN, STANDARD, PG2):
        if protocol.data_range(generated, target) > 0:
            expected = oracle(generated, target, protocol)
            assert abs(ssim(generated, target, protocol) - expected) <= 1e-12


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
        pytest.param(one_pixel(9, 9, (51, 51)), one_pixel(9, 10, (51, 51)), id="one pixel by one"),
        pytest.param(one_pixel(0, 0, (60, 70)), noise(0, 60, 70), id="black"),
        pytest.param(one_pixel(9, 9, (60, 70)), one_pixel(200, 200, (60, 70)), id="two levels"),
    ],
)
def test_edge_cases_equal_skimage(generated, target):
    """Where the range is 0 skimage divides by zero: see `TestRangeZero`."""
    compared = 0
    for protocol in PROTOCOLS:
        if protocol.fits(generated) and protocol.data_range(generated, target) > 0:
            expected = oracle(generated, target, protocol)
            assert abs(ssim(generated, target, protocol) - expected) <= 1e-12, protocol.name
            compared += 1
    assert compared >= 2


@pytest.mark.parametrize("side", [3, 5, 9, 15, 101, 127])
def test_uniform_windows_of_any_side(side):
    protocol = SsimProtocol("uniform", UniformWindow(side), True, range_of_bytes)
    generated, target = noise(0, 131, 129), near(noise(0, 131, 129), 1, 40)
    expected = structural_similarity(
        generated, target, win_size=side, channel_axis=2, data_range=255
    )
    assert ssim(generated, target, protocol) == pytest.approx(expected, abs=1e-12)


def test_the_largest_sums_of_a_uniform_window():
    """127x127 white pixels: the sums of squares come close to the end of int32."""
    protocol = SsimProtocol("uniform", UniformWindow(127), True, range_of_bytes)
    white = np.full((130, 130, 3), 255, np.uint8)
    assert ssim(white, white, protocol) == 1.0
    expected = structural_similarity(white, white // 2, win_size=127, channel_axis=2)
    assert ssim(white, white // 2, protocol) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("side", [1, 4, 129])
def test_windows_that_there_are_not(side):
    with pytest.raises(ValueError, match=f"from 3 to 127, got {side}"):
        UniformWindow(side)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
def test_layout_does_not_matter(protocol):
    generated, target = noise(0, 60, 70), noise(1, 60, 70)
    expected = ssim(generated, target, protocol)
    assert ssim(np.asfortranarray(generated), target, protocol) == expected
    wide = np.concatenate([generated, generated], axis=1)
    assert ssim(wide[:, :70], target, protocol) == expected


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

    def test_beside_a_protocol_whose_range_is_255(self):
        black, target = self.flat(0), noise(0, 24, 20)
        own, standard = similarities(black, target, (DEF_GAN, STANDARD), np.ones((24, 20), bool))
        assert (own.mean, own.inside) == (0.0, 0.0)
        assert standard.mean == ssim(black, target, STANDARD) > 0
        assert standard.inside == pytest.approx(standard.mean, abs=1e-15)

    def test_a_range_of_zero_for_an_image_that_varies(self):
        protocol = SsimProtocol("mine", UniformWindow(7), True, lambda g, t: 0.0)
        with pytest.raises(ValueError, match="of one value only"):
            ssim(noise(0, 20, 20), noise(1, 20, 20), protocol)


def test_protocols_of_one_window_share_a_filter_and_keep_their_bits():
    generated, target = noise(0, 40, 50, 10, 200), noise(1, 40, 50)
    together = similarities(generated, target, (DEF_GAN, STANDARD))
    assert [s.mean for s in together] == [
        ssim(generated, target, DEF_GAN),
        ssim(generated, target, STANDARD),
    ]
    with pytest.raises(ValueError, match="one window and one covariance, got def_gan, pg2"):
        similarities(generated, target, (DEF_GAN, PG2))


MASKS = {
    "inner": (slice(20, 50), slice(18, 40)),
    "corner": (slice(0, 1), slice(0, 1)),
    "far corner": (slice(-1, None), slice(-1, None)),
    "column": (slice(0, None), slice(60, 62)),
    "all": (slice(0, None), slice(0, None)),
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
@pytest.mark.parametrize("part", MASKS)
def test_mask_ssim_is_ssim_of_masked_images_over_the_full_image(part, protocol):
    generated, target = noise(0, 70, 64), near(noise(0, 70, 64), 1, 90)
    mask = np.zeros((70, 64), bool)
    mask[MASKS[part]] = True
    mask[25, 30] = part == "all"
    expected = oracle(generated * mask[..., None], target * mask[..., None], protocol)
    assert mask_ssim(generated, target, mask, protocol) == pytest.approx(expected, abs=1e-12)


def test_mask_ssim_of_a_person():
    target = pictures()["person"]
    generated = DEGRADED["shift"](target)
    mask = np.zeros(target.shape[:2], bool)
    mask[30:220, 60:120] = True
    masked = (generated * mask[..., None], target * mask[..., None])
    found = masked_similarities(generated, target, mask, (DEF_GAN, STANDARD))
    expected = [oracle(*masked, protocol) for protocol in (DEF_GAN, STANDARD)]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.name)
def test_inside_is_the_mean_of_skimages_map_in_the_mask(protocol):
    generated, target = noise(0, 70, 64), near(noise(0, 70, 64), 1, 90)
    mask = np.random.default_rng(0).random((70, 64)) > 0.7
    _, values = oracle(generated, target, protocol, full=True)
    border = slice(protocol.side // 2, -(protocol.side // 2))
    expected = values[border, border][mask[border, border]].mean()
    assert ssim_inside(generated, target, mask, protocol) == pytest.approx(expected, abs=1e-12)


def test_inside_a_mask_that_no_window_reaches():
    mask = np.zeros((30, 30), bool)
    assert ssim_inside(noise(0, 30, 30), noise(1, 30, 30), mask) is None
    mask[:5] = mask[:, -5:] = True
    assert ssim_inside(noise(0, 30, 30), noise(1, 30, 30), mask) is None
    mask[5, 5] = True
    assert ssim_inside(noise(0, 30, 30), noise(1, 30, 30), mask) is not None


@pytest.mark.parametrize(
    ("generated", "target", "message"),
    [
        (noise(0, 20, 20), noise(0, 20, 21), "one size"),
        (noise(0, 10, 20), noise(0, 10, 20), "at least 11x11 pixels, got 20x10"),
        (noise(0, 20, 20)[..., 0], noise(0, 20, 20)[..., 0], "uint8 RGB"),
        (noise(0, 20, 20).astype(float), noise(0, 20, 20), "uint8 RGB"),
        (np.zeros((20, 20, 4), np.uint8), noise(0, 20, 20), "uint8 RGB"),
    ],
)
def test_bad_input(generated, target, message):
    with pytest.raises(DataError, match=message):
        ssim(generated, target)
    with pytest.raises(DataError, match=message):
        mask_ssim(generated, target, np.ones(generated.shape[:2], bool))


def test_a_mask_of_another_size():
    for measure in (mask_ssim, ssim_inside):
        with pytest.raises(DataError, match="one value for each pixel"):
            measure(noise(0, 20, 24), noise(1, 20, 24), np.ones((24, 20), bool))


def test_windows():
    assert [protocol.side for protocol in PROTOCOLS] == [11, 11, 7, 51]
    half = DEF_GAN.window.half
    assert 2 * half[:-1].sum() + half[-1] == pytest.approx(1, abs=1e-15)
