"""The records of the metrics, and the streaming class."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from recapbench.errors import DataError, RecapbenchError, UsageError
from recapbench.evaluation.base import PairedEvaluator, PairedMetric, SetMetric, score_of_set
from recapbench.evaluation.features import EXTRACTORS, Features
from recapbench.evaluation.metrics import METRICS, get_metric, list_metrics

NAMES = [
    "ssim.def_gan",
    "mask_ssim.def_gan",
    "l1",
    "psnr",
    "is.inception_tf",
    "mask_is.inception_tf",
    "fid.test_targets",
    "is.effnet_lite0",
    "mask_is.effnet_lite0",
    "fid.effnet_lite0",
]


def pairs(n, seed=0, size=(16, 14)):
    generator = np.random.default_rng(seed)
    for i in range(n):
        a, b = generator.integers(0, 256, (2, *size, 3), dtype=np.uint8)
        yield a, b, generator.random(size) > 0.5, f"p{i // 3}"


def test_names_and_texts():
    assert [metric.name for metric in list_metrics()] == NAMES
    for metric in list_metrics():
        assert metric.title
        assert metric.description.endswith(".")
        assert metric.traps
        assert "\n" not in metric.description
        assert metric.needs[0] == "generated"
        if isinstance(metric, SetMetric):
            assert metric.extractor in EXTRACTORS
    assert get_metric("mask_is.inception_tf").needs == ("generated", "mask", "weights:inception_tf")


def test_unknown_metric():
    with pytest.raises(UsageError, match=r"Did you mean 'ssim\.def_gan'"):
        get_metric("ssim.def-gan")


def test_listing_imports_no_heavy_library():
    code = (
        "import sys; from recapbench.evaluation.metrics import list_metrics; list_metrics();"
        "print([m for m in ('torch', 'numba', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["ssim.def_gan", "mask_ssim.def_gan", "l1", "psnr"])
def test_merged_parts_equal_a_single_pass(name):
    whole = PairedEvaluator(METRICS[name])
    parts = [PairedEvaluator(METRICS[name]) for _ in range(3)]
    for index, pair in enumerate(pairs(10)):
        whole.update(*pair)
        parts[min(index // 4, 2)].update(*pair)
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
    (a, b, mask, _), *_ = pairs(1)
    evaluator.update(a, a, mask, "x")
    score = evaluator.compute()
    assert (score.value, score.n) == (None, 0)
    assert "identical" in score.reason
    evaluator.update(a, b, mask, "x")
    assert evaluator.compute().n == 1


def test_no_pairs():
    score = PairedEvaluator(METRICS["psnr"]).compute()
    assert (score.value, score.reason) == (None, "there are no pairs")


def test_masks_are_checked():
    a, b, mask, _ = next(pairs(1))
    evaluator = PairedEvaluator(METRICS["mask_ssim.def_gan"])
    with pytest.raises(DataError, match="needs the pose mask of the target"):
        evaluator.update(a, b, None, "x")
    with pytest.raises(DataError, match="mask: expected one value for each pixel"):
        evaluator.update(a, b, mask.T, "x")
    with pytest.raises(DataError, match="mask: expected bool"):
        evaluator.update(a, b, mask.astype(np.uint8) * 255, "x")
    with pytest.raises(DataError, match="mask: expected bool"):
        evaluator.update(a, b, mask.astype(float), "x")
    evaluator.update(a, b, mask.astype(np.uint8), "x")
    evaluator.update(a, b, mask, "x")
    assert evaluator.compute().n == 2


def test_a_new_protocol_is_one_record():
    record = replace(METRICS["l1"], name="l1.masked", masked=True, measure=lambda g, t, m: m.mean())
    assert isinstance(record, PairedMetric)
    evaluator = PairedEvaluator(record)
    a, b, _, _ = next(pairs(1))
    evaluator.update(a, b, np.ones(a.shape[:2], bool), "x")
    assert evaluator.compute().value == 1.0


def test_a_measure_that_is_no_number():
    record = replace(METRICS["l1"], name="l1.bad", measure=lambda g, t, m: float("nan"))
    with pytest.raises(RecapbenchError, match=r"l1\.bad gave nan for a pair of 'x'"):
        PairedEvaluator(record).update(*next(pairs(1))[:3], "x")


def features(n, d=6, seed=0):
    generator = np.random.default_rng(seed)
    return Features(*generator.normal(size=(2, n, d)).astype(np.float32))


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
