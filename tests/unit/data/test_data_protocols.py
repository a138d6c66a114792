from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.protocols import (
    PROTOCOLS,
    WITHIN_IDENTITY,
    find_protocol,
    ordered_pairs,
    sample_rows,
)
from recapbench.errors import UsageError

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
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())
    with pytest.raises(UsageError, match="Did you mean 'within_identity'"):
        find_protocol("within_identities")
