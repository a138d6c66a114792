"""The records of the metrics, and the streaming class."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from recapbench.errors import DataError, RecapbenchError, UsageError
from recapbench.evaluation.base import (
    NetworkMetric,
    PairedEvaluator,
    PairedMetric,
    SetMetric,
    Share,
    finite,
    score_of_set,
)
from recapbench.evaluation.features.extractors import EXTRACTORS
from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.metrics import METRICS, get_metric, list_metrics
from recapbench.evaluation.pairs import MASK_KINDS, Pair, PairSet
from recapbench.weights import WEIGHTS

CONTRACT = {
    *("ssim.def_gan", "ssim.pg2", "ssim.gfla", "ssim.patn", "ssim.standard"),
    *("mask_ssim.def_gan", "mask_ssim.pg2", "mask_ssim.inside"),
    *("l1", "psnr", "lpips.alex", "lpips.vgg", "pckh"),
    *("is.def_gan", "is.standard", "mask_is.def_gan", "mask_is.standard"),
    *("fid.test_targets", "fid.train_images", "kid", "precision", "recall"),
    *("is.effnet_lite0", "mask_is.effnet_lite0", "fid.effnet_lite0"),
}
"""Names that other programs and records may rely on."""


def pairs(n, seed=0, size=(16, 14)):
    generator = np.random.default_rng(seed)
    for i in range(n):
        a, b = generator.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        mask = generator.random(size) > 0.5
        yield Pair(a, b, dict.fromkeys(MASK_KINDS, mask)), f"p{i // 3}"


def test_names():
    assert set(METRICS) >= CONTRACT
    assert [metric.name for metric in list_metrics()] == list(METRICS)
    titles = [metric.title for metric in list_metrics()]
    assert len(set(titles)) == len(titles), "two columns of a table would have one heading"


@pytest.mark.parametrize("metric", list_metrics(), ids=lambda metric: metric.name)
def test_texts(metric):
    for text in (metric.description, metric.comparable, *metric.traps):
        assert text.endswith(".")
        assert text == " ".join(text.split())
    assert metric.traps
    assert len(set(metric.traps)) == len(metric.traps)
    assert all(text == " ".join(text.split()) for text in (metric.title, *metric.papers))


@pytest.mark.parametrize("metric", list_metrics(), ids=lambda metric: metric.name)
def test_needs(metric):
    assert metric.needs[0] == "generated"
    assert len(set(metric.needs)) == len(metric.needs)
    assert metric.mask in (None, *MASK_KINDS)
    assert ("keypoints" in metric.needs) == (metric.mask is not None or metric.keypoints)
    for need in metric.needs:
        kind, _, name = need.partition(":")
        assert kind != "weights" or name in WEIGHTS
    if isinstance(metric, SetMetric):
        assert metric.extractor in EXTRACTORS
        assert (metric.view == "masked") == (metric.mask is not None)
        assert ("train_images" in metric.needs) == (metric.real == "train_images")
    if isinstance(metric, NetworkMetric):
        assert metric.weights


def test_unknown_metric():
    with pytest.raises(UsageError, match=r"Did you mean 'ssim\.def_gan'"):
        get_metric("ssim.def-gan")


def test_listing_imports_no_heavy_library():
    code = (
        "import sys; from recapbench.evaluation.metrics import list_metrics; list_metrics();"
        "heavy = 'torch numba scipy skimage PIL torchvision lpips torch_fidelity'.split();"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name", ["ssim.def_gan", "ssim.pg2", "mask_ssim.def_gan", "mask_ssim.pg2", "l1", "psnr"]
)
def test_merged_parts_equal_a_single_pass(name):
    whole = PairedEvaluator(METRICS[name])
    parts = [PairedEvaluator(METRICS[name]) for _ in range(3)]
    for index, (pair, person) in enumerate(pairs(10)):
        whole.update(pair, person)
        parts[min(index // 4, 2)].update(pair, person)
    for part in parts[1:]:
        parts[0].merge(part)
    assert parts[0].compute() == whole.compute()
    score = whole.compute()
    assert score.n == 10
    assert score.low <= score.value <= score.high


def test_evaluators_of_two_metrics_do_not_merge():
    with pytest.raises(ValueError, match="cannot merge psnr into l1"):
        PairedEvaluator(METRICS["l1"]).merge(PairedEvaluator(METRICS["psnr"]))


def test_psnr_leaves_identical_pairs_out_and_says_so():
    evaluator = PairedEvaluator(METRICS["psnr"])
    (pair, _), *_ = pairs(1)
    evaluator.update(Pair(pair.target, pair.target), "x")
    score = evaluator.compute()
    assert (score.value, score.n) == (None, 0)
    assert "identical" in score.reason
    evaluator.update(pair, "x")
    assert evaluator.compute().n == 1


def test_no_pairs():
    score = PairedEvaluator(METRICS["psnr"]).compute()
    assert (score.value, score.reason) == (None, "there are no pairs")


def test_a_pair_without_its_mask_is_refused():
    (pair, _), *_ = pairs(1)
    bare = Pair(pair.generated, pair.target, {"pg2": pair.mask("pg2")})
    with pytest.raises(DataError, match="needs the target's pose mask of def_gan"):
        PairedEvaluator(METRICS["mask_ssim.def_gan"]).update(bare, "x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda mask: mask.T, r"expected one value for each pixel of \(16, 14\) .*\(14, 16\)"),
        (lambda mask: mask.astype(np.uint8) * 255, "expected bool, or uint8 of 0 and 1"),
        (lambda mask: mask.astype(float), "expected bool, or uint8 of 0 and 1, got float64"),
    ],
)
def test_masks_made_elsewhere_are_checked(change, message):
    (pair, _), *_ = pairs(1)
    mask = pair.mask("def_gan")

    def of(given):
        return PairSet(
            generated=[pair.generated], targets=[pair.target], masks={"def_gan": [given]}
        ).pair(0, ["def_gan"])

    np.testing.assert_array_equal(of(mask.astype(np.uint8)).mask("def_gan"), mask)
    np.testing.assert_array_equal(of(lambda: mask).mask("def_gan"), mask)
    with pytest.raises(DataError, match=message):
        of(change(mask))


def test_a_new_protocol_is_one_record():
    record = replace(
        METRICS["l1"],
        name="l1.masked",
        mask="def_gan",
        measure=lambda pair: float(pair.mask("def_gan").mean()),
    )
    assert isinstance(record, PairedMetric)
    assert record.needs == ("generated", "target", "keypoints")
    evaluator = PairedEvaluator(record)
    (pair, _), *_ = pairs(1)
    evaluator.update(replace(pair, masks={"def_gan": np.ones((16, 14), bool)}), "x")
    assert evaluator.compute().value == 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Share(1, 0), Share(float("nan"), 1)])
def test_a_measure_that_is_no_number(value):
    assert not finite(value)
    record = replace(METRICS["l1"], name="l1.bad", measure=lambda pair: value)
    with pytest.raises(RecapbenchError, match=r"l1\.bad gave .* for a pair of 'x'"):
        PairedEvaluator(record).update(next(pairs(1))[0], "x")


def features(n, d=6, seed=0):
    generator = np.random.default_rng(seed)
    return FeatureSet(*generator.normal(size=(2, n, d)).astype(np.float32))


def test_inception_score_of_too_few_images_has_a_reason():
    score = score_of_set(METRICS["is.effnet_lite0"], features(9), None)
    assert (score.value, score.n) == (None, 9)
    assert score.reason == "10 splits need 10 images, got 9"


def test_inception_score_interval_is_one_deviation():
    score = score_of_set(METRICS["is.effnet_lite0"], features(25), None)
    assert score.value - score.low == pytest.approx(score.high - score.value)
    assert score.extractor == "effnet_lite0"


def test_frechet_of_one_image_has_a_reason():
    score = score_of_set(METRICS["fid.effnet_lite0"], features(1), features(1, seed=1))
    assert score.value is None
    assert "2 images" in score.reason


def test_frechet_of_equal_sets():
    score = score_of_set(METRICS["fid.effnet_lite0"], features(20), features(20))
    assert score.value == pytest.approx(0, abs=1e-9)
    assert not score.higher_is_better
