"""What users of the public code fell into: it cannot happen here, or it is said.

One class a trap. What the command line does about lossy files and about pairs by name is tested
with `recapbench score`.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import structural_similarity

from recapbench.data.pose import pose_mask
from recapbench.errors import DataError
from recapbench.evaluation.base import NetworkMetric
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import read_png
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pairs import Pair, PairSet
from recapbench.evaluation.structural.padding import pad_white
from recapbench.evaluation.structural.ssim import DEF_GAN, ssim

SKIMAGE = {
    "channel_axis": -1,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
}


def photograph(rows=256, columns=176, top=0, left=120):
    return np.ascontiguousarray(astronaut()[top : top + rows, left : left + columns])


def noisy(image, sigma=12.0, seed=0):
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(np.round(image + noise), 0, 255).astype(np.uint8)


def value(name, generated, targets, store=None, **given):
    pairs = PairSet(generated=generated, targets=targets, **given)
    (score,) = evaluate(pairs, metrics=[name], store=store)
    assert score.value is not None, score.reason
    return score.value


def saved(folder: Path, images, names=None):
    paths = [folder / (names[i] if names else f"{i:03d}.png") for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


class TestPadding:
    """PATN pads 40 white columns on each side of 256x176 before SSIM: 0.68 becomes 0.77."""

    def test_it_is_done_in_its_own_column_only(self):
        target = photograph()
        made = noisy(target)
        plain, padded = (
            value("ssim.def_gan", [made], [target]),
            value("ssim.patn", [made], [target]),
        )
        assert 0.6 < plain < 0.75
        assert 0.05 < padded - plain < 0.15
        both = pad_white(made, 40), pad_white(target, 40)
        assert value("ssim.def_gan", [both[0]], [both[1]]) == padded  # what is saved is scored

    def test_it_is_not_done_to_other_sizes(self):
        image = photograph(128, 64)
        for name in ("ssim.patn", "is.patn"):
            (score,) = evaluate(PairSet(generated=[image], targets=[image]), metrics=[name])
            assert score.value is None
            assert "256x176" in score.reason

    def test_one_image_padded_and_the_other_not(self):
        target = photograph()
        with pytest.raises(DataError, match="256x256 pixels, its target 176x256"):
            value("ssim.def_gan", [pad_white(target, 40)], [target])


class TestLossyFiles:
    """Outputs saved as JPEG of default quality before scoring."""

    @pytest.mark.parametrize("name", ["made.jpg", "made.png"])
    def test_they_are_refused_whatever_they_are_called(self, tmp_path, name):
        path, target = tmp_path / name, photograph()
        Image.fromarray(noisy(target)).save(path, format="JPEG")
        with pytest.raises(DataError, match=rf"{name}: expected a PNG"):
            read_png(path)
        with pytest.raises(DataError, match=rf"{name}: expected a PNG"):
            value("ssim.def_gan", [path], [target])

    def test_only_who_says_so_scores_them_and_the_figure_is_another(self, tmp_path):
        target = photograph()
        made = noisy(target)
        path = tmp_path / "made.jpg"
        Image.fromarray(made).save(path)
        assert value("ssim.def_gan", [path], [target], lossy=True) > 0.01 + ssim(made, target)


class TestLastBatch:
    """The last batch, which is not full, was dropped."""

    @pytest.mark.parametrize("n", [1, 7, 8, 9, 13, 17])
    def test_every_pair_counts_once(self, monkeypatch, n):
        sizes = []

        def batch(pairs):
            sizes.append(len(pairs))
            return [float(pair.generated[0, 0, 0]) for pair in pairs]

        toy = NetworkMetric(
            **{
                field: getattr(METRICS["l1"], field) for field in ("title", "description", "papers")
            },
            name="toy",
            traps=(),
            comparable="",
            higher_is_better=True,
            extractor="toy",
            weights=(),
            open=lambda networks: batch,
        )
        monkeypatch.setitem(METRICS, "toy", toy)
        images = [np.full((8, 8, 3), i + 1, np.uint8) for i in range(n)]
        pairs = PairSet(generated=images, targets=images)
        (score,) = evaluate(pairs, metrics=["toy"])
        assert (score.value, score.n) == ((n + 1) / 2, n)
        assert sum(sizes) == n

    def test_figures_of_sets_count_every_image(self, store):
        images = [noisy(photograph(16, 16), seed=i) for i in range(13)]
        targets = [photograph(16, 16, left=i) for i in range(13)]
        whole = value("fid.effnet_lite0", images, targets, store)
        dropped = value("fid.effnet_lite0", images[:8], targets[:8], store)
        other = value("fid.effnet_lite0", [*images[:-1], images[0]], targets, store)
        assert len({whole, dropped, other}) == 3


class TestMasks:
    """Masks taken from the source, or transposed."""

    @pytest.fixture
    def joints(self):
        generator = np.random.default_rng(0)
        joints = np.full((2, 18, 3), 2.0, np.float32)
        joints[..., :2] = generator.uniform([10, 10], [40, 118], (2, 18, 2))
        return joints

    def test_they_are_drawn_from_the_joints_of_the_target(self, joints):
        target = photograph(128, 64)
        made = noisy(target)
        of_target, of_source = joints
        got = value("mask_ssim.def_gan", [made], [target], target_keypoints=[of_target])

        def with_mask(keypoints):
            cut = pose_mask(keypoints, (128, 64))[..., None]
            return ssim(made * cut, target * cut, DEF_GAN)

        assert got == pytest.approx(with_mask(of_target), abs=1e-12)
        assert abs(got - with_mask(of_source)) > 0.01
        assert abs(got - with_mask(of_target[:, [1, 0, 2]])) > 0.01

    def test_a_transposed_mask_is_refused(self, joints):
        target = photograph(128, 64)
        mask = pose_mask(joints[0], (128, 64))
        for transposed in (mask.T, lambda: mask.T):
            with pytest.raises(DataError, match=r"mask of the target .*\(128, 64\).*\(64, 128\)"):
                value("mask_ssim.def_gan", [target], [target], masks={"def_gan": [transposed]})

    def test_a_pair_set_has_no_place_for_the_source_s_joints(self):
        fields = set(PairSet.__dataclass_fields__)
        assert {name for name in fields if "keypoints" in name or "mask" in name} == {
            "target_keypoints",
            "generated_keypoints",
            "masks",
        }
        assert "generated_keypoints" not in METRICS["mask_ssim.def_gan"].needs


class TestStaleStatistics:
    """Statistics kept inside the image folder, and used again for other images."""

    def test_an_image_changed_in_place_changes_the_figure(self, tmp_path, monkeypatch):
        monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
        folder = tmp_path / "made"
        folder.mkdir()
        targets = [photograph(32, 32, left=100 + i) for i in range(10)]
        paths = saved(folder, [noisy(target) for target in targets])
        names = sorted(path.name for path in folder.iterdir())
        before = value("fid.effnet_lite0", paths, targets, FeatureStore())
        assert value("fid.effnet_lite0", paths, targets, FeatureStore()) == before

        stat = paths[3].stat()
        other = noisy(targets[3], seed=1)
        Image.fromarray(other).save(paths[3])
        os.utime(paths[3], ns=(stat.st_atime_ns, stat.st_mtime_ns))
        after = value("fid.effnet_lite0", paths, targets, FeatureStore())
        assert after != before
        assert after == value("fid.effnet_lite0", [read_png(p) for p in paths], targets)
        assert sorted(path.name for path in folder.iterdir()) == names


class TestDataRange:
    """SSIM on the wrong data range; an all-black image has range 0."""

    def test_it_is_that_of_the_generated_image(self):
        target = photograph()
        made = (noisy(target) // 2 + 20).astype(np.uint8)
        got = value("ssim.def_gan", [made], [target])

        def with_range(of):
            return structural_similarity(made, target, data_range=float(of), **SKIMAGE)

        assert got == pytest.approx(with_range(np.ptp(made)), abs=1e-12)
        assert abs(got - with_range(255)) > 0.002
        assert abs(got - with_range(np.ptp(target))) > 0.002
        standard = value("ssim.standard", [made], [target])
        assert standard == pytest.approx(with_range(255), abs=1e-12)

    def test_an_image_of_one_value_has_a_figure(self):
        black, target = np.zeros((32, 32, 3), np.uint8), photograph(32, 32)
        assert value("ssim.def_gan", [black], [target]) == 0.0
        assert value("ssim.def_gan", [black], [black]) == 1.0

    def test_figures_of_protocols_have_columns_of_their_own(self):
        target = photograph()
        made = (noisy(target) // 2 + 20).astype(np.uint8)
        names = [name for name in METRICS if name.startswith("ssim.")]
        figures = {value(name, [made], [target]) for name in names}
        assert len(figures) == len(names) >= 5


class TestOrder:
    """Images in the order of the directory; the Inception score depends on it."""

    def test_the_order_of_the_manifest_decides(self, tmp_path, store):
        images = [noisy(photograph(24, 24, left=10 * i), seed=i) for i in range(20)]
        shuffled = [images[i] for i in np.random.default_rng(0).permutation(20)]
        expected = value("is.effnet_lite0", images, images, store)
        assert value("is.effnet_lite0", shuffled, images, store) != expected
        backwards = [f"{99 - i}.png" for i in range(20)]
        paths = saved(tmp_path, images, backwards)
        assert sorted(paths) != paths
        assert value("is.effnet_lite0", paths, images, store) == expected

    def test_pairs_are_what_the_manifest_says(self, tmp_path):
        images = [photograph(24, 24, left=10 * i) for i in range(4)]
        paths = saved(tmp_path, images, ["d.png", "c.png", "b.png", "a.png"])
        assert value("l1", paths, images) == 0.0
        assert value("l1", sorted(paths), images) > 0.0


class TestInception:
    """torchvision's Inception in place of TensorFlow's."""

    def test_its_file_is_refused(self, torchvision_s):
        from recapbench.evaluation.networks import Networks

        images = [photograph(24, 24, left=i) for i in range(10)]
        store = FeatureStore(Networks(weight_files={"inception_tf": torchvision_s}))
        pairs = PairSet(generated=images, targets=images)
        for score in evaluate(pairs, metrics=["is.def_gan", "fid.test_targets"], store=store):
            assert score.value is None
            assert score.failed
            assert "expected weights 'inception_tf' with sha256 6726825d" in score.reason

    def test_its_state_dict_is_refused_under_any_name(self, torchvision_s):
        from recapbench.evaluation.features.extractors import INCEPTION_TF

        with pytest.raises(DataError, match=r"inception_v3_google\.pth: expected"):
            INCEPTION_TF.load(torchvision_s, "cpu")


def test_a_pair_of_two_sizes_is_refused():
    """PATN's 256x176 against Def-GAN's 256x256: nothing is resized."""
    image = photograph()
    with pytest.raises(DataError, match="176x256 pixels, its target 256x256; expected one size"):
        Pair(image, photograph(columns=256))


@pytest.fixture(scope="module")
def store():
    """Features by the network that needs no download."""
    return FeatureStore()


@pytest.fixture(scope="module")
def torchvision_s(tmp_path_factory):
    """A file with the state dict of torchvision's InceptionV3, weights of chance."""
    import torch
    from torchvision.models import inception_v3

    path = tmp_path_factory.mktemp("weights") / "inception_v3_google.pth"
    torch.save(inception_v3(weights=None, init_weights=False).state_dict(), path)
    yield path
    path.unlink()
