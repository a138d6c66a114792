"""Scoring saved images, from files to scores."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from recapbench.errors import DataError, UsageError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features import FeatureStore
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pixels import l1
from recapbench.evaluation.ssim import mask_ssim, ssim

PAIRED = ["ssim.def_gan", "mask_ssim.def_gan", "l1", "psnr"]
N = 13


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
    got = by_name(evaluate(paths, targets, masks=masks, metrics=PAIRED))
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
    assert evaluate(paths, targets, threads=threads, **keywords) == evaluate(
        paths, targets, **keywords
    )


def test_sources_do_not_matter(case, tmp_path):
    paths, _, targets, masks = case
    files = [tmp_path / f"target{i}.png" for i in range(N)]
    for path, image in zip(files, targets, strict=True):
        Image.fromarray(image).save(path)
    functions = [lambda image=image: image for image in targets]
    mask_functions = [lambda mask=mask: mask for mask in masks]
    expected = evaluate(paths, targets, masks=masks, metrics=PAIRED)
    assert evaluate(paths, files, masks=masks, metrics=PAIRED) == expected
    assert evaluate(paths, functions, masks=mask_functions, metrics=PAIRED) == expected


def test_reference_rows_need_no_files(case, store):
    paths, pixels, targets, masks = case
    keywords = {"masks": masks, "store": store}
    expected = evaluate(paths, targets, **keywords)
    assert evaluate(pixels, targets, **keywords) == expected
    assert evaluate([lambda p=p: p for p in pixels], targets, **keywords) == expected
    with pytest.raises(DataError, match=r"generated image 3: .*one size"):
        evaluate([*pixels[:3], pixels[3][:-1], *pixels[4:]], targets, metrics=["l1"])


def test_every_metric_by_default(case, store):
    paths, _, targets, masks = case
    scores = evaluate(paths, targets, masks=masks, store=store)
    assert [score.name for score in scores] == list(METRICS)
    assert all(score.value is not None for score in scores)


def test_the_order_asked_for_is_kept(case):
    paths, _, targets, _ = case
    names = ["psnr", "ssim.def_gan", "l1"]
    assert [score.name for score in evaluate(paths, targets, metrics=names)] == names


def test_missing_weights_are_a_reason_and_never_a_stand_in(case):
    paths, _, targets, _ = case
    l1_score, fid = evaluate(paths, targets, metrics=["l1", "fid.test_targets"])
    assert l1_score.value is not None
    assert fid.value is None
    assert "inception_tf" in fid.reason
    assert "\n" not in fid.reason
    assert fid.n == N


def test_without_masks_masked_metrics_have_a_reason(case, store):
    paths, _, targets, _ = case
    scores = by_name(evaluate(paths, targets, store=store))
    for name in ("mask_ssim.def_gan", "mask_is.effnet_lite0"):
        assert scores[name].value is None
        assert "masks" in scores[name].reason
    assert scores["ssim.def_gan"].value is not None


def test_order_of_images_changes_the_inception_score_and_not_the_rest(case, store):
    paths, _, targets, _ = case
    names = ["is.effnet_lite0", "fid.effnet_lite0", "l1"]
    forward = by_name(evaluate(paths, targets, metrics=names, store=store))
    back = by_name(evaluate(paths[::-1], targets[::-1], metrics=names, store=store))
    assert forward["is.effnet_lite0"].value != back["is.effnet_lite0"].value
    assert forward["l1"].value == back["l1"].value
    assert forward["fid.effnet_lite0"].value == pytest.approx(back["fid.effnet_lite0"].value)


def test_masked_inception_score_is_that_of_masked_pixels(case, store):
    paths, pixels, targets, masks = case
    (masked,) = evaluate(paths, targets, masks=masks, metrics=["mask_is.effnet_lite0"], store=store)
    cut = [image * mask[..., None] for image, mask in zip(pixels, masks, strict=True)]
    (expected,) = evaluate(cut, targets, metrics=["is.effnet_lite0"], store=store)
    assert masked.value == expected.value


def test_blocks_do_not_matter(case, monkeypatch):
    paths, _, targets, masks = case
    expected = evaluate(paths, targets, masks=masks, metrics=PAIRED)
    for block in (1, 5, N):
        monkeypatch.setattr("recapbench.evaluation.evaluate._BLOCK", block)
        assert evaluate(paths, targets, masks=masks, metrics=PAIRED) == expected


def test_targets_are_shared_between_methods(case, store):
    paths, _, targets, _ = case
    evaluate(paths, targets, metrics=["fid.effnet_lite0", "is.effnet_lite0"], store=store)
    first = store.toy.passes
    assert first == 2 * 2  # generated and targets, 13 images in batches of 8
    evaluate(paths, targets, metrics=["fid.effnet_lite0"], store=store)
    assert store.toy.passes == first + 2


def test_the_last_pair_counts(case, store):
    paths, _, targets, masks = case
    before = by_name(evaluate(paths, targets, masks=masks, store=store))
    Image.fromarray(np.zeros((20, 16, 3), np.uint8)).save(paths[-1])
    after = by_name(evaluate(paths, targets, masks=masks, store=store))
    assert all(before[name].value != after[name].value for name in METRICS)


def test_all_black_images_have_scores(case, store):
    paths, _, targets, masks = case
    for path in paths:
        Image.fromarray(np.zeros((20, 16, 3), np.uint8)).save(path)
    scores = by_name(evaluate(paths, targets, masks=masks, store=store))
    assert scores["ssim.def_gan"].value == 0.0
    assert all(score.value is not None for score in scores.values())


def test_perfect_images(case, store):
    paths, pixels, _, masks = case
    scores = by_name(evaluate(paths, pixels, masks=masks, store=store))
    assert scores["ssim.def_gan"].value == 1.0
    assert scores["mask_ssim.def_gan"].value == 1.0
    assert scores["l1"].value == 0.0
    assert scores["psnr"].value is None
    assert "identical" in scores["psnr"].reason
    assert scores["fid.effnet_lite0"].value == pytest.approx(0, abs=1e-6)


def test_people_widen_the_interval(case):
    paths, _, targets, _ = case
    (alone,) = evaluate(paths, targets, metrics=["l1"])
    (one,) = evaluate(paths, targets, metrics=["l1"], identities=["a"] * N)
    assert alone.low < alone.value < alone.high
    assert (one.low, one.high) == (None, None)
    assert one.value == alone.value


def test_progress_counts_every_pair(case, store):
    paths, _, targets, masks = case
    seen = []
    evaluate(paths, targets, masks=masks, store=store, progress=lambda *step: seen.append(step))
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

    evaluate(paths, [source(image) for image in targets], metrics=["l1"], threads=2)
    assert most[0] <= 2


class TestBadInput:
    def test_sizes_differ(self, case):
        paths, _, targets, _ = case
        targets[4] = targets[4][:-1]
        with pytest.raises(DataError, match=r"4\.png: .*16x20 pixels, its target 16x19"):
            evaluate(paths, targets, metrics=["l1"])

    def test_mask_of_another_size(self, case):
        paths, _, targets, masks = case
        masks[5] = masks[5].T
        with pytest.raises(DataError, match=r"mask of the target of .*5\.png"):
            evaluate(paths, targets, masks=masks, metrics=["mask_ssim.def_gan"])

    @pytest.mark.parametrize("metric", ["l1", "is.effnet_lite0"])
    @pytest.mark.parametrize("mode", ["L", "RGBA"])
    def test_other_kinds_of_image(self, case, store, mode, metric):
        paths, _, targets, _ = case
        Image.open(paths[6]).convert(mode).save(paths[6])
        with pytest.raises(DataError, match=r"6\.png: expected an 8-bit RGB PNG"):
            evaluate(paths, targets, metrics=[metric], store=store)

    def test_missing(self, case):
        paths, _, targets, _ = case
        paths[7].unlink()
        with pytest.raises(DataError, match=r"7\.png"):
            evaluate(paths, targets, metrics=["l1"])

    def test_truncated(self, case):
        paths, _, targets, _ = case
        paths[8].write_bytes(paths[8].read_bytes()[:-30])
        with pytest.raises(DataError, match=r"8\.png"):
            evaluate(paths, targets, metrics=["l1"])

    def test_lengths_differ(self, case):
        paths, _, targets, masks = case
        with pytest.raises(DataError, match="expected 13 targets, one for each image, got 12"):
            evaluate(paths, targets[:-1])
        with pytest.raises(DataError, match="expected 13 masks"):
            evaluate(paths, targets, masks=masks[:-1])
        with pytest.raises(DataError, match="expected 13 identities"):
            evaluate(paths, targets, identities=["a"])

    def test_nothing(self):
        with pytest.raises(DataError, match="no generated images"):
            evaluate([], [])

    def test_unknown_metric(self, case):
        paths, _, targets, _ = case
        with pytest.raises(UsageError, match=r"unknown metric 'ssim'"):
            evaluate(paths, targets, metrics=["ssim"])
