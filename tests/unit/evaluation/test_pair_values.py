"""Values of single pairs: the table of them, and where they come from."""

from __future__ import annotations

import numpy as np
import pytest

from recapbench.errors import DataError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.pixels import l1, psnr


def test_a_table_is_read_as_it_was_written(tmp_path):
    pairs = (("a0,1.png", "b0.png"), ("a1.png", "b1.png"), ("a2.png", "b2.png"))
    columns = {"l1": [0.1 + 0.2, 1 / 3, 2.0], "psnr": [None, 0.1 + 0.2, 1e-300]}
    written = PairValues(pairs, ("0", "0", "1"), columns)
    path = tmp_path / "values.csv"
    path.write_bytes(written.encoded())
    assert read_pair_values(path) == written


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
