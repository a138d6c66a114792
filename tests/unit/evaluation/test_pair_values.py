"""Values of single pairs: the table, and differences of two runs."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.errors import DataError
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.pair_values import PairValues, difference, read_pair_values
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.pixels import l1, psnr

N = 12
PAIRS = tuple((f"a{i},1.png", f"b{i}.png") for i in range(N))
PERSONS = tuple(str(i // 3) for i in range(N))


def values(seed: int, **more: list[float | None]) -> PairValues:
    drawn = np.random.default_rng(seed).random(N).tolist()
    return PairValues(PAIRS, PERSONS, {"l1": drawn, **more})


def test_a_table_is_read_as_it_was_written(tmp_path):
    written = values(0, psnr=[None, 0.1 + 0.2, *([1e-300] * (N - 2))])
    path = tmp_path / "values.csv"
    path.write_bytes(written.encoded())
    assert read_pair_values(path) == PairValues(
        PAIRS, PERSONS, {name: list(column) for name, column in written.metrics.items()}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "begins with source,target,person"),
        ("from,to,person,l1\n", "begins with"),
        ("source,target,person,l1\na,b,c\n", "line 2 has 3 fields, expected 4"),
        ("source,target,person,l1\na,b,c,x\n", "line 2, l1: expected a number"),
        ("source,target,person,l1\na,b,c,nan\n", "finite"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    path = tmp_path / "values.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_pair_values(path)
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_pair_values(tmp_path / "absent.csv")


def test_a_difference_is_of_pairs_and_its_interval_of_persons():
    first, second = values(1), values(2)
    gaps = np.subtract(first.metrics["l1"], second.metrics["l1"])
    mean, low, high = difference(first, second, "l1")
    assert mean == pytest.approx(gaps.mean(), rel=1e-12)
    assert (low, high) == interval(gaps.tolist(), PERSONS)
    assert difference(second, first, "l1") == pytest.approx((-mean, -high, -low))


def test_what_is_hard_for_everybody_falls_out():
    first = values(3)
    second = PairValues(PAIRS, PERSONS, {"l1": [v + 0.001 for v in first.metrics["l1"]]})
    mean, low, high = difference(first, second, "l1")
    assert low == pytest.approx(-0.001)
    assert high == pytest.approx(-0.001)
    assert mean < 0


def test_pairs_without_a_value_are_left_out():
    first, second = values(1, psnr=[None, *([2.0] * (N - 1))]), values(2, psnr=[1.0] * N)
    assert difference(first, second, "psnr")[0] == pytest.approx(1.0)


def test_other_pairs_and_other_metrics_are_refused():
    first = values(1)
    with pytest.raises(DataError, match="same pairs"):
        difference(first, PairValues(PAIRS[::-1], PERSONS, first.metrics), "l1")
    with pytest.raises(DataError, match="expected values of psnr, got l1"):
        difference(first, first, "psnr")


def test_evaluate_hands_out_what_it_averages():
    generator = np.random.default_rng(0)
    images, targets = generator.integers(0, 256, (2, 5, 16, 16, 3), dtype=np.uint8)
    targets[2] = images[2]
    found: dict[str, list[float | None]] = {}
    scores = evaluate(
        PairSet(generated=list(images), targets=list(targets)),
        metrics=["psnr", "l1"],
        values=found,
    )
    assert found["l1"] == [l1(*pair) for pair in zip(images, targets, strict=True)]
    assert found["psnr"] == [psnr(*pair) for pair in zip(images, targets, strict=True)]
    assert found["psnr"][2] is None
    assert scores[1].value == pytest.approx(np.mean(found["l1"]), rel=1e-12)
