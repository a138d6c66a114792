"""Named random streams."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from recapbench.mannequin.streams import Stream


def test_a_stream_is_the_standard_generator_seeded_with_the_key() -> None:
    text = "str:mannequin\x1fstr:body\x1fint:7"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    expected = [Random(seed).random()]
    assert [Stream("mannequin", "body", 7).uniform()] == expected


def test_keys_that_differ_give_other_numbers() -> None:
    keys = [("a", 1), ("a", 2), ("b", 1), ("a", "1"), ("a1",), ("a", 1, 0)]
    assert len({Stream(*key).uniform() for key in keys}) == len(keys)


def test_ranges_and_moments() -> None:
    stream = Stream("moments")
    uniform = [stream.uniform(2.0, 4.0) for _ in range(4000)]
    assert min(uniform) >= 2.0
    assert max(uniform) < 4.0
    assert sum(uniform) / 4000 == pytest.approx(3.0, abs=0.05)
    normal = [stream.normal() for _ in range(4000)]
    assert sum(normal) / 4000 == pytest.approx(0.0, abs=0.06)
    assert sum(x * x for x in normal) / 4000 == pytest.approx(1.0, abs=0.08)
    assert {stream.integers(3, 6) for _ in range(100)} == {3, 4, 5}


def test_choice_follows_weights() -> None:
    stream = Stream("choice")
    drawn = [stream.choice("abc", (1.0, 0.0, 3.0)) for _ in range(2000)]
    assert "b" not in drawn
    assert drawn.count("c") / 2000 == pytest.approx(0.75, abs=0.04)


def test_shuffled_is_a_permutation() -> None:
    items = list(range(30))
    order = Stream("shuffle").shuffled(items)
    assert sorted(order) == items
    assert order != items
