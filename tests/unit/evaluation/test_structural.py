"""The records of the SSIM family: which images, masks and settings each of them takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recapbench.errors import DataError
from recapbench.evaluation import evaluate as evaluation
from recapbench.evaluation.base import PairedEvaluator
from recapbench.evaluation.metrics import METRICS, structural
from recapbench.evaluation.pairs import Pair, PairSet
from recapbench.evaluation.structural import memo
from recapbench.evaluation.structural.padding import pad_white
from recapbench.evaluation.structural.ssim import (
    DEF_GAN,
    GFLA,
    PG2,
    STANDARD,
    mask_ssim,
    ssim,
    ssim_inside,
)

NAMES = [metric.name for metric in structural.RECORDS]
GENERATOR = np.random.default_rng(0)


def pair(height=64, width=60, **changes):
    generated, target = GENERATOR.integers(0, 200, (2, height, width, 3), dtype=np.uint8)
    rows, columns = np.indices((height, width))
    masks = {"def_gan": rows > 20, "pg2": columns > 30}
    return replace(Pair(generated, target, masks), **changes)


def value(name, of):
    return METRICS[name].measure(of)


def test_each_record_is_its_protocol():
    p = pair()
    images = (p.generated, p.target)
    def_gan, pg2 = p.masks["def_gan"], p.masks["pg2"]
    assert value("ssim.def_gan", p) == ssim(*images, DEF_GAN)
    assert value("ssim.standard", p) == ssim(*images, STANDARD)
    assert value("ssim.pg2", p) == ssim(*images, PG2)
    assert value("ssim.gfla", p) == ssim(*images, GFLA)
    assert value("mask_ssim.def_gan", p) == mask_ssim(*images, def_gan, DEF_GAN)
    assert value("mask_ssim.standard", p) == mask_ssim(*images, def_gan, STANDARD)
    assert value("mask_ssim.pg2", p) == mask_ssim(*images, pg2, PG2)
    assert value("mask_ssim.inside", p) == ssim_inside(*images, def_gan, STANDARD)
    values = [value(name, p) for name in NAMES if name != "ssim.patn"]
    assert len(set(values)) == len(values)


def test_the_order_of_asking_does_not_matter():
    p, other = pair(), pair()
    first = [value(name, p) for name in NAMES]
    assert [value(name, other) for name in NAMES] != first
    assert [value(name, p) for name in reversed(NAMES)] == first[::-1]


def test_a_pair_is_filtered_once_for_protocols_of_one_window(monkeypatch):
    calls = []
    real = structural.similarities
    monkeypatch.setattr(
        structural, "similarities", lambda *given: calls.append(given) or real(*given)
    )
    p = pair()
    for name in ("ssim.def_gan", "ssim.standard", "mask_ssim.inside", "ssim.def_gan"):
        value(name, p)
    assert len(calls) == 1
    value("ssim.pg2", p)
    assert len(calls) == 2


def test_a_memo_holds_for_one_pair_only():
    kept, p, other = memo.PairMemo(), pair(), pair()
    assert kept.once(p, "a", lambda: 1) == 1
    assert kept.once(p, "a", lambda: 2) == 1
    assert kept.once(p, "b", lambda: 3) == 3
    assert kept.once(other, "a", lambda: 4) == 4
    assert kept.once(p, "a", lambda: 5) == 5


class TestPatn:
    def test_is_def_gan_between_white_columns(self):
        p = pair(256, 176)
        padded = [pad_white(image, 40) for image in (p.generated, p.target)]
        assert padded[0].shape == (256, 256, 3)
        assert value("ssim.patn", p) == ssim(*padded, DEF_GAN)

    def test_padding_raises_it(self):
        """The trap: PATN's DeepFashion figures have it, others do not."""
        p = pair(256, 176)
        assert value("ssim.patn", p) > value("ssim.def_gan", p) + 0.1

    @pytest.mark.parametrize("size", [(256, 256), (128, 64), (176, 256)])
    def test_other_sizes_have_no_value_and_say_why(self, size):
        evaluator = PairedEvaluator(METRICS["ssim.patn"])
        evaluator.update(pair(*size), "p")
        assert evaluator.compute().reason == (
            "PATN's padding is defined for 256x176 images, and these have another size"
        )


@pytest.mark.parametrize("name", NAMES)
def test_images_smaller_than_the_window_have_no_value(name):
    evaluator = PairedEvaluator(METRICS[name])
    evaluator.update(pair(6, 60), "p")
    score = evaluator.compute()
    assert (score.value, score.n, score.failed) == (None, 0, False)
    assert "51x51" in score.reason or name != "ssim.gfla"


def test_a_small_image_takes_no_other_metric_with_it():
    p = pair(48, 40)
    pairs = PairSet(
        generated=[p.generated] * 2,
        targets=[p.target] * 2,
        masks={kind: [mask] * 2 for kind, mask in p.masks.items()},
    )
    scores = {score.name: score for score in evaluation.evaluate(pairs, metrics=NAMES)}
    assert "51x51" in scores["ssim.gfla"].reason
    have = [name for name, score in scores.items() if score.value is not None]
    assert have == [name for name in NAMES if name not in ("ssim.gfla", "ssim.patn")]


def test_an_empty_mask_has_no_inside():
    empty = np.zeros((64, 60), bool)
    evaluator = PairedEvaluator(METRICS["mask_ssim.inside"])
    evaluator.update(pair(masks={"def_gan": empty}), "p")
    assert "no mask has a pixel" in evaluator.compute().reason
    evaluator.update(pair(), "q")
    assert evaluator.compute().n == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("mask_ssim")])
def test_masked_metrics_need_their_mask(name):
    kind = METRICS[name].mask
    assert kind == ("pg2" if name == "mask_ssim.pg2" else "def_gan")
    with pytest.raises(DataError, match=f"the target's pose mask of {kind}"):
        value(name, pair(masks={}))


def test_a_transposed_mask_is_refused():
    mask = np.ones((60, 64), bool)
    with pytest.raises(DataError, match="one value for each pixel"):
        value("mask_ssim.def_gan", pair(masks={"def_gan": mask}))
