"""Scoring saved images, from files to scores."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from recapbench.data import pose
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import MASK_KINDS, PairSet
from recapbench.evaluation.pixels import l1
from recapbench.evaluation.structural.ssim import mask_ssim, ssim

PAIRED = ["ssim.def_gan", "mask_ssim.def_gan", "mask_ssim.pg2", "l1", "psnr"]
N = 13
WITHOUT = {
    "ssim.gfla": "smaller than the window of 51x51",
    "ssim.patn": "256x176",
    "is.patn": "256x176",
    "lpips.alex": "'alexnet' are not in the cache",
    "lpips.vgg": "only if it is named",
    "pckh": "needs the joints of the targets",
    "fid.train_images": "needs the train images",
    "fid.effnet_lite0_train": "needs the train images",
}
"""Metrics that small images cannot have, without the network, joints or train images."""


def scored(generated, targets, masks=None, identities=None, **keywords):
    """The scores; the masks given serve for every kind."""
    pairs = PairSet(
        generated=generated,
        targets=targets,
        masks={} if masks is None else dict.fromkeys(MASK_KINDS, masks),
        identities=identities,
    )
    return evaluate(pairs, **keywords)


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")


@pytest.fixture
def case(tmp_path):
    generator = np.random.default_rng(0)
    pixels, targets = generator.integers(0, 256, (2, N, 20, 16, 3), dtype=np.uint8)
    masks = generator.random((N, 20, 16)) > 0.5
    paths = [tmp_path / f"{i}.png" for i in range(N)]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    return paths, list(pixels), list(targets), list(masks)


class Toy:
    """A network that needs no weights: means, and a projection for logits."""

    def __init__(self):
        self.passes = 0

    def __call__(self, batch):
        self.passes += 1
        features = batch.double().flatten(2).mean(2)
        return features.float(), (features - 127).float()


@pytest.fixture
def store(monkeypatch):
    store = FeatureStore()
    toy = Toy()
    store.toy = toy
    monkeypatch.setattr(store, "network", lambda name: toy)
    return store


def by_name(scores):
    return {score.name: score for score in scores}


def test_paired_scores_are_means_over_pairs(case):
    paths, pixels, targets, masks = case
    got = by_name(scored(paths, targets, masks=masks, metrics=PAIRED))
    expected = np.mean([ssim(*pair) for pair in zip(pixels, targets, strict=True)])
    assert got["ssim.def_gan"].value == pytest.approx(expected, rel=1e-12)
    expected = np.mean([mask_ssim(*triple) for triple in zip(pixels, targets, masks, strict=True)])
    assert got["mask_ssim.def_gan"].value == pytest.approx(expected, rel=1e-12)
    expected = np.mean([l1(*pair) for pair in zip(pixels, targets, strict=True)])
    assert got["l1"].value == pytest.approx(expected, rel=1e-12)
    assert all(score.n == N for score in got.values())


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_matter(case, threads):
    paths, _, targets, masks = case
    people = [str(i // 3) for i in range(N)]
    keywords = {"masks": masks, "identities": people, "metrics": PAIRED}
    assert scored(paths, targets, threads=threads, **keywords) == scored(paths, targets, **keywords)


def test_sources_do_not_matter(case, tmp_path):
    paths, _, targets, masks = case
    files = [tmp_path / f"target{i}.png" for i in range(N)]
    for path, image in zip(files, targets, strict=True):
        Image.fromarray(image).save(path)
    functions = [lambda image=image: image for image in targets]
    mask_functions = [lambda mask=mask: mask for mask in masks]
    expected = scored(paths, targets, masks=masks, metrics=PAIRED)
    assert scored(paths, files, masks=masks, metrics=PAIRED) == expected
    assert scored(paths, functions, masks=mask_functions, metrics=PAIRED) == expected


def test_reference_rows_need_no_files(case, store):
    paths, pixels, targets, masks = case
    keywords = {"masks": masks, "store": store}
    expected = scored(paths, targets, **keywords)
    assert scored(pixels, targets, **keywords) == expected
    assert scored([lambda p=p: p for p in pixels], targets, **keywords) == expected
    with pytest.raises(DataError, match=r"generated image 3: .*one size"):
        scored([*pixels[:3], pixels[3][:-1], *pixels[4:]], targets, metrics=["l1"])


def test_every_metric_by_default(case, store):
    paths, _, targets, masks = case
    scores = scored(paths, targets, masks, store=store)
    assert [score.name for score in scores] == list(METRICS)
    for score in scores:
        if score.name in WITHOUT:
            assert WITHOUT[score.name] in score.reason
            assert not score.failed
        else:
            assert score.reason is None
            assert score.n == N


def test_the_order_asked_for_is_kept(case):
    paths, _, targets, _ = case
    names = ["psnr", "ssim.def_gan", "l1"]
    assert [score.name for score in scored(paths, targets, metrics=names)] == names


def test_missing_weights_are_a_reason_and_never_a_stand_in(case):
    paths, _, targets, _ = case
    l1_score, fid = scored(paths, targets, metrics=["l1", "fid.test_targets"])
    assert l1_score.value is not None
    assert fid.value is None
    assert "inception_tf" in fid.reason
    assert "\n" not in fid.reason
    assert fid.n == N


def test_without_masks_masked_metrics_have_a_reason(case, store):
    paths, _, targets, _ = case
    scores = by_name(scored(paths, targets, store=store))
    for name in ("mask_ssim.def_gan", "mask_is.effnet_lite0"):
        assert scores[name].value is None
        assert "joints of the targets, for their pose masks" in scores[name].reason
    assert scores["ssim.def_gan"].value is not None


def test_order_of_images_changes_the_inception_score_and_not_the_rest(case, store):
    paths, _, targets, _ = case
    names = ["is.effnet_lite0", "fid.effnet_lite0", "l1"]
    forward = by_name(scored(paths, targets, metrics=names, store=store))
    back = by_name(scored(paths[::-1], targets[::-1], metrics=names, store=store))
    assert forward["is.effnet_lite0"].value != back["is.effnet_lite0"].value
    assert forward["l1"].value == back["l1"].value
    assert forward["fid.effnet_lite0"].value == pytest.approx(back["fid.effnet_lite0"].value)


def test_masked_inception_score_is_that_of_masked_pixels(case, store):
    paths, pixels, targets, masks = case
    (masked,) = scored(paths, targets, masks=masks, metrics=["mask_is.effnet_lite0"], store=store)
    cut = [image * mask[..., None] for image, mask in zip(pixels, masks, strict=True)]
    (expected,) = scored(cut, targets, metrics=["is.effnet_lite0"], store=store)
    assert masked.value == expected.value


def test_train_images_are_another_real_set(case, store):
    paths, _, targets, _ = case
    names = ["fid.test_targets", "fid.train_images"]
    same = by_name(scored(paths, targets, metrics=names, train_images=targets, store=store))
    assert same["fid.train_images"].value == same["fid.test_targets"].value
    train = [255 - image for image in targets[:7]]
    other = by_name(scored(paths, targets, metrics=names, train_images=train, store=store))
    assert other["fid.test_targets"].value == same["fid.test_targets"].value
    assert other["fid.train_images"].value != same["fid.train_images"].value
    assert other["fid.train_images"].n == N


def test_a_network_that_fails_takes_no_other_metric_with_it(case, monkeypatch):
    paths, _, targets, _ = case
    store = FeatureStore()

    def broken(batch):
        features = batch.float().flatten(2).mean(2)
        return features / 0.0 - features / 0.0, features

    monkeypatch.setattr(store, "network", lambda name: broken)
    l1_score, fid = scored(paths, targets, metrics=["l1", "fid.effnet_lite0"], store=store)
    assert l1_score.value is not None
    assert fid.failed
    assert (fid.value, fid.n) == (None, N)
    assert "finite" in fid.reason


def test_a_wrong_file_of_weights_fails_its_metrics_alone(case, tmp_path):
    paths, _, targets, _ = case
    path = tmp_path / "other.pth"
    path.write_bytes(b"nothing")
    store = FeatureStore(Networks(weight_files={"inception_tf": path}))
    l1_score, fid = scored(paths, targets, metrics=["l1", "fid.test_targets"], store=store)
    assert l1_score.value is not None
    assert fid.failed
    assert f"{path}: expected weights 'inception_tf'" in fid.reason


def test_masks_are_drawn_from_the_joints_of_the_targets(case):
    paths, pixels, targets, _ = case
    generator = np.random.default_rng(1)
    joints = generator.uniform(2, 14, (N, 18, 3)).astype(np.float32)
    pairs = PairSet(generated=paths, targets=targets, target_keypoints=list(joints))
    for kind, draw in (("def_gan", pose.pose_mask), ("pg2", pose.pg2_mask)):
        (score,) = evaluate(pairs, metrics=[f"mask_ssim.{kind}"])
        masks = list(draw(joints, (20, 16)))
        (expected,) = scored(pixels, targets, masks, metrics=[f"mask_ssim.{kind}"])
        assert score.value == expected.value


def test_blocks_do_not_matter(case, monkeypatch):
    paths, _, targets, masks = case
    expected = scored(paths, targets, masks=masks, metrics=PAIRED)
    for block in (1, 5, N):
        monkeypatch.setattr("recapbench.evaluation.evaluate._BLOCK", block)
        assert scored(paths, targets, masks=masks, metrics=PAIRED) == expected


def test_targets_are_shared_between_methods(case, store):
    paths, _, targets, _ = case
    scored(paths, targets, metrics=["fid.effnet_lite0", "is.effnet_lite0"], store=store)
    first = store.toy.passes
    assert first == 2 * 2  # generated and targets, 13 images in batches of 8
    others = [255 - image for image in targets]
    scored(others, targets, metrics=["fid.effnet_lite0"], store=store)
    assert store.toy.passes == first + 2


def test_the_last_pair_counts(case, store):
    paths, _, targets, masks = case
    before = by_name(scored(paths, targets, masks=masks, store=store))
    Image.fromarray(np.zeros((20, 16, 3), np.uint8)).save(paths[-1])
    after = by_name(scored(paths, targets, masks=masks, store=store))
    rank_based = {"precision", "recall", "precision.effnet_lite0", "recall.effnet_lite0"}
    for name in set(METRICS) - set(WITHOUT) - rank_based:
        assert before[name].value != after[name].value, name


def test_all_black_images_have_scores(case, store):
    paths, _, targets, masks = case
    for path in paths:
        Image.fromarray(np.zeros((20, 16, 3), np.uint8)).save(path)
    scores = by_name(scored(paths, targets, masks=masks, store=store))
    assert scores["ssim.def_gan"].value == 0.0
    assert all(score.value is not None for score in scores.values() if score.name not in WITHOUT)


def test_perfect_images(case, store):
    paths, pixels, _, masks = case
    scores = by_name(scored(paths, pixels, masks=masks, store=store))
    assert scores["ssim.def_gan"].value == 1.0
    assert scores["mask_ssim.def_gan"].value == 1.0
    assert scores["l1"].value == 0.0
    assert scores["psnr"].value is None
    assert "identical" in scores["psnr"].reason
    assert scores["fid.effnet_lite0"].value == pytest.approx(0, abs=1e-6)


def test_people_widen_the_interval(case):
    paths, _, targets, _ = case
    (alone,) = scored(paths, targets, metrics=["l1"])
    (one,) = scored(paths, targets, metrics=["l1"], identities=["a"] * N)
    assert alone.low < alone.value < alone.high
    assert (one.low, one.high) == (None, None)
    assert one.value == alone.value


def test_progress_counts_every_pair(case, store):
    paths, _, targets, masks = case
    seen = []
    scored(paths, targets, masks=masks, store=store, progress=lambda *step: seen.append(step))
    pairs = [step for step in seen if step[0] == "pairs"]
    assert pairs == [("pairs", i + 1, N) for i in range(N)]
    assert ("effnet_lite0 features of masked images", N, N) in seen


def test_no_more_pairs_at_once_than_threads(case):
    """Targets that are functions are called as they are needed, not all at the start."""
    paths, _, targets, _ = case
    lock, held, most = threading.Lock(), [0], [0]

    def source(image):
        def make():
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            copy = image.copy()
            with lock:
                held[0] -= 1
            return copy

        return make

    scored(paths, [source(image) for image in targets], metrics=["l1"], threads=2)
    assert most[0] <= 2


class TestBadInput:
    def test_sizes_differ(self, case):
        paths, _, targets, _ = case
        targets[4] = targets[4][:-1]
        with pytest.raises(DataError, match=r"4\.png: .*16x20 pixels, its target 16x19"):
            scored(paths, targets, metrics=["l1"])

    def test_mask_of_another_size(self, case):
        paths, _, targets, masks = case
        masks[5] = masks[5].T
        with pytest.raises(DataError, match=r"mask of the target of .*5\.png"):
            scored(paths, targets, masks=masks, metrics=["mask_ssim.def_gan"])

    @pytest.mark.parametrize("metric", ["l1", "is.effnet_lite0"])
    @pytest.mark.parametrize("mode", ["L", "RGBA"])
    def test_other_kinds_of_image(self, case, store, mode, metric):
        paths, _, targets, _ = case
        Image.open(paths[6]).convert(mode).save(paths[6])
        with pytest.raises(DataError, match=r"6\.png: expected an 8-bit RGB PNG"):
            scored(paths, targets, metrics=[metric], store=store)

    def test_missing(self, case):
        paths, _, targets, _ = case
        paths[7].unlink()
        with pytest.raises(DataError, match=r"7\.png"):
            scored(paths, targets, metrics=["l1"])

    def test_truncated(self, case):
        paths, _, targets, _ = case
        paths[8].write_bytes(paths[8].read_bytes()[:-30])
        with pytest.raises(DataError, match=r"8\.png"):
            scored(paths, targets, metrics=["l1"])

    def test_lengths_differ(self, case):
        paths, _, targets, masks = case
        with pytest.raises(DataError, match="expected 13 targets, one for each image, got 12"):
            scored(paths, targets[:-1])
        with pytest.raises(DataError, match="expected 13 masks of def_gan"):
            scored(paths, targets, masks=masks[:-1])
        with pytest.raises(DataError, match="expected 13 identities"):
            scored(paths, targets, identities=["a"])

    def test_nothing(self):
        with pytest.raises(DataError, match="no generated images"):
            scored([], [])

    def test_unknown_metric(self, case):
        paths, _, targets, _ = case
        with pytest.raises(UsageError, match=r"unknown metric 'ssim'"):
            scored(paths, targets, metrics=["ssim"])


def test_costly_metrics_are_measured_on_request_alone(case):
    paths, _, targets, _ = case
    joints = [np.ones((18, 3), np.float32) for _ in range(N)]
    pairs = PairSet(generated=paths, targets=targets, target_keypoints=joints)
    for name in ("lpips.vgg", "pckh"):
        assert "only if it is named" in (by_name(evaluate(pairs))[name].reason or "")
        assert "not in the cache" in (by_name(evaluate(pairs, metrics=[name]))[name].reason or "")
    given = PairSet(
        generated=paths, targets=targets, target_keypoints=joints, generated_keypoints=joints
    )
    assert by_name(evaluate(given))["pckh"].value is not None
