"""Figures of the field on PATN's public lists of DeepFashion, where these are at hand.

The lists lie beside the checkout, in ``../shared/data/deepfashion``; without them the tests are
skipped. ``tests/unit/data`` proves the same code on small examples.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from recapbench.data.audit import audit
from recapbench.data.keypoints import read_names
from recapbench.data.locks import compare, find_lock
from recapbench.data.names import CATEGORIES, defgan_name, parse_name, parse_names, patn_name
from recapbench.data.pairing import Built, from_names
from recapbench.data.protocols import DEEPFASHION_PATN, NO_FILTER

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "deepfashion"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="PATN's lists of DeepFashion are not beside the checkout"
)

COUNTS = {"train": (48_674, 154_758), "test": (4_038, 12_860)}


@pytest.fixture(scope="module")
def built() -> dict[str, Built]:
    return {
        split: from_names("deepfashion", DEEPFASHION_PATN, split, FOLDER / f"{split}.lst")
        for split in COUNTS
    }


@pytest.mark.parametrize("split", list(COUNTS))
def test_counts_of_the_bare_lists(built: dict[str, Built], split: str) -> None:
    found = built[split]
    assert (found.images, len(found.manifest)) == COUNTS[split]
    assert found.kept == found.images
    assert found.manifest.made_from["filter"] == NO_FILTER


@pytest.mark.parametrize("split", list(COUNTS))
def test_pairs_are_those_of_the_lock(built: dict[str, Built], split: str) -> None:
    lock = find_lock("deepfashion", "patn/1", split)
    assert lock is not None
    verdict = compare(built[split].manifest, lock)
    assert (verdict.kind, verdict.differences, verdict.same_input) == ("bare", (), True)


def test_item_ids_cross_the_splits_and_outfits_do_not(built: dict[str, Built]) -> None:
    found = audit([(split, built[split].manifest) for split in COUNTS])
    for summary in found.files:
        flaws = (summary.across_persons, summary.self_pairs, summary.duplicates)
        assert flaws == (0, 0, 0)
    (between,) = found.between
    assert (between.pairs, between.images, between.outfits) == (0, 0, 0)
    assert between.items == 503
    assert between.items_in_pairs == 500


def test_names_go_there_and_back() -> None:
    seen = set()
    for split in COUNTS:
        for name in parse_names("deepfashion", read_names(FOLDER / f"{split}.lst")):
            assert patn_name(name.raw) == name.name
            assert parse_name("deepfashion", defgan_name(name.raw)).raw == name.raw
            seen.add(tuple(name.item.split("/")[:2]))
    assert seen == {(gender, one) for gender, found in CATEGORIES.items() for one in found}
