from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.protocols import (
    DEEPFASHION_DEF_GAN,
    DEEPFASHION_PATN,
    MARKET_DEF_GAN,
    NO_FILTER,
    PROTOCOLS,
    TORSO,
    WITHIN_IDENTITY,
    codes_of,
    count_pairs,
    find_protocol,
    ordered_pairs,
    sample_rows,
)
from recapbench.errors import DataError, UsageError

FROZEN = [6550, 154, 6109, 5984, 5033]
"""``numpy.random.RandomState(0).permutation(9500)[:5]``"""


@given(st.lists(st.sampled_from("abcdef"), max_size=30))
def test_pairs_are_permutations_by_person(identities: list[str]) -> None:
    expected = [
        pair
        for person in dict.fromkeys(identities)
        for pair in itertools.permutations(
            [i for i, other in enumerate(identities) if other == person], 2
        )
    ]
    assert [tuple(row) for row in ordered_pairs(identities).tolist()] == expected


@pytest.mark.parametrize(
    ("total", "count", "seed"), [(257, 100, 0), (9500, 500, 0), (10, 99, 0), (40, 7, 3), (0, 5, 0)]
)
def test_sample_is_what_pandas_draws(total: int, count: int, seed: int) -> None:
    frame = pd.DataFrame({"row": range(total)})
    drawn = frame.sample(n=min(count, total), replace=False, random_state=seed)
    assert sample_rows(total, count, seed).tolist() == drawn["row"].tolist()


def test_sample_is_frozen() -> None:
    assert sample_rows(9500, 5).tolist() == FROZEN


def test_only_the_test_split_is_sampled() -> None:
    persons = [f"p{i // 20}" for i in range(600)]
    assert len(WITHIN_IDENTITY.indices(persons, "train")) == 30 * 20 * 19
    assert len(WITHIN_IDENTITY.indices(persons, "test")) == 500


def test_manifest_says_what_made_it() -> None:
    built = WITHIN_IDENTITY.manifest(
        ["x", "y", "z"], ["p", "q", "p"], dataset="d", split="test", made_from={"images": "0"}
    )
    assert sorted(built.pairs) == [("x", "z"), ("z", "x")]
    assert built.protocol == "within_identity/1"
    assert built.counts == {"images": 2, "identities": 1, "pairs": 2}


def test_protocols_are_found_by_name() -> None:
    assert find_protocol("within_identity") is WITHIN_IDENTITY
    assert find_protocol("within_identity", "mannequin") is WITHIN_IDENTITY
    assert find_protocol("def_gan", "market1501") is MARKET_DEF_GAN
    assert find_protocol("def_gan", "deepfashion") is DEEPFASHION_DEF_GAN
    for (dataset, name), protocol in PROTOCOLS.items():
        assert (dataset, name) == (protocol.dataset, protocol.name)
    with pytest.raises(UsageError, match="Did you mean 'within_identity'"):
        find_protocol("within_identities")
    with pytest.raises(UsageError, match="protocol of market1501 'patn'"):
        find_protocol("patn", "market1501")
    with pytest.raises(UsageError, match="unknown protocol 'def_gan'"):
        find_protocol("def_gan")


NAMES = ["0001", "0002", "0003", "0000", "-1"]


def public(names: list[str], keypoints: np.ndarray, sampled: bool) -> list[tuple[str, str]]:
    """The field's algorithm, one step after the other, with pandas."""
    frame = pd.DataFrame({"name": names, "row": range(len(names))})
    torso = [8, 11, 5, 2]
    good = [
        bool((keypoints[row, torso, 2] > 0).all()) and not name.startswith(("-1", "0000"))
        for row, name in enumerate(names)
    ]
    frame = frame[pd.Series(good, dtype=bool)]
    persons = [name.split("_")[0] for name in frame["name"]]
    pairs = []
    for person in dict.fromkeys(persons):
        own = [name for name, other in zip(frame["name"], persons, strict=True) if other == person]
        pairs += list(itertools.permutations(own, 2))
    table = pd.DataFrame(pairs, columns=["from", "to"])
    if sampled:
        table = table.sample(n=min(12000, len(table)), replace=False, random_state=0)
    return list(table.itertuples(index=False, name=None))


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3)), max_size=40),
    st.sampled_from(["train", "test"]),
)
def test_market_pairs_are_the_public_ones(images: list[tuple[str, int]], split: str) -> None:
    names = [f"{person}_c1s1_{row:06d}_00.jpg" for row, (person, _) in enumerate(images)]
    keypoints = np.zeros((len(images), 18, 3), np.float32)
    for pose, (_, kind) in zip(keypoints, images, strict=True):
        pose[:, 2] = 2
        if kind == 0:
            pose[TORSO[len(names) % 4], 2] = 0
        if kind == 1:
            pose[[0, 1, 3, 17], 2] = 0
    persons = [name.split("_")[0] for name in names]
    built = MARKET_DEF_GAN.manifest(
        names, persons, dataset="market1501", split=split, made_from={}, keypoints=keypoints
    )
    assert list(built) == public(names, keypoints, split == "test")
    shown = {pair.source.split("_")[0] for pair in built}
    assert built.identities == len(shown)
    known = [person for person in dict.fromkeys(persons) if person not in ("0000", "-1")]
    assert list(built.unpaired) == [person for person in known if person not in shown]


def test_twelve_thousand_test_pairs_are_drawn_as_pandas_draws_them() -> None:
    names = [f"{row % 50:04d}_c1s1_{row:06d}_00.jpg" for row in range(50, 850)]
    persons = [name.split("_")[0] for name in names]
    keypoints = np.full((len(names), 18, 3), 2, np.float32)
    built = MARKET_DEF_GAN.manifest(
        names, persons, dataset="market1501", split="test", made_from={}, keypoints=keypoints
    )
    expected = public(names, keypoints, True)
    assert len(expected) == 49 * 16 * 15  # the person 0000 is a distractor
    assert list(built) == expected
    few = replace(MARKET_DEF_GAN, sample=100).manifest(
        names, persons, dataset="market1501", split="test", made_from={}, keypoints=keypoints
    )
    assert list(few) == expected[:100]  # a smaller draw is the start of a larger one


def test_without_keypoints_nothing_is_filtered_or_drawn_and_the_header_says_so() -> None:
    names = [f"fashionMENDenimid{1 + row // 120:08d}01_{row % 10}front.jpg" for row in range(240)]
    persons = [name.split("_")[0] for name in names]
    names = [f"{row}{name}" for row, name in enumerate(names)]
    built = DEEPFASHION_PATN.manifest(
        names, persons, dataset="deepfashion", split="test", made_from={"names": "0"}
    )
    assert len(built) == 2 * 120 * 119 > 12_000
    assert dict(built.made_from) == {"names": "0", "filter": NO_FILTER}
    keypoints = np.full((len(names), 18, 3), 2, np.float32)
    built = DEEPFASHION_PATN.manifest(
        names, persons, dataset="deepfashion", split="test", made_from={}, keypoints=keypoints
    )
    assert len(built) == 12_000
    assert dict(built.made_from) == {}


def test_splits_that_a_protocol_does_not_know_are_refused() -> None:
    with pytest.raises(DataError, match="knows the splits train, test, got 'val'"):
        DEEPFASHION_PATN.manifest([], [], dataset="deepfashion", split="val", made_from={})


def test_expected_counts_are_the_fields() -> None:
    expected = {
        (protocol.dataset, protocol.name, split): (pairs, proven)
        for protocol in PROTOCOLS.values()
        for split, pairs, proven in protocol.expected
    }
    assert expected == {
        ("deepfashion", "def_gan_new", "train"): (89_262, False),
        ("deepfashion", "def_gan_new", "test"): (12_000, False),
        ("deepfashion", "patn", "train"): (101_966, False),
        ("deepfashion", "patn", "test"): (8_570, False),
        ("market1501", "def_gan", "train"): (263_632, True),
        ("market1501", "def_gan", "test"): (12_000, True),
    }


@given(st.lists(st.sampled_from("abcdef"), max_size=30))
def test_pairs_can_be_counted_without_making_them(identities: list[str]) -> None:
    assert count_pairs(identities) == len(ordered_pairs(identities))


def test_codes_come_in_order_of_appearance() -> None:
    codes, values = codes_of(["b", "a", "b", "c", "a"])
    assert codes.tolist() == [0, 1, 0, 2, 1]
    assert values == ["b", "a", "c"]
