"""Audits of lists of pairs: flaws and leaks, counted on lists made by hand."""

from __future__ import annotations

import pytest

from recapbench.data.audit import Shared, audit
from recapbench.data.manifest import Manifest, from_pairs
from recapbench.errors import DataError


def patn(item: int, colour: int, view: int, kind: str = "MENDenim") -> str:
    return f"fashion{kind}id{item:08d}{colour:02d}_{view}front.jpg"


def defgan(item: int, colour: int, view: int, kind: str = "MENDenim") -> str:
    return f"fasion{kind}id{item:08d}{colour:02d}_{view}front.jpg"


def market(person: str, row: int) -> str:
    return f"{person}_c1s1_{row:06d}_01.jpg"


def manifest(
    pairs: list[tuple[str, str]], dataset: str = "deepfashion", unpaired: tuple[str, ...] = ()
) -> Manifest:
    return from_pairs(
        pairs,
        dataset=dataset,
        split="s",
        protocol="p/1",
        identities=0,
        unpaired=unpaired,
    )


def both_ways(a: str, b: str) -> list[tuple[str, str]]:
    return [(a, b), (b, a)]


def shared(one: Manifest, other: Manifest) -> Shared:
    (found,) = audit([("one.csv", one), ("other.csv", other)]).between
    assert found.files == ("one.csv", "other.csv")
    return found


def test_a_clean_list() -> None:
    rows = both_ways(patn(1, 1, 1), patn(1, 1, 2)) + both_ways(patn(1, 2, 1), patn(1, 2, 2))
    (found,) = audit([("m.csv", manifest(rows, unpaired=("MEN/Denim/id_00000009/01",)))]).files
    assert (found.pairs, found.images, found.persons, found.items) == (4, 4, 2, 1)
    assert found.unpaired_persons == 1
    assert (found.across_persons, found.self_pairs, found.duplicates, found.distractors) == (0,) * 4
    assert (found.file, found.split, found.protocol) == ("m.csv", "s", "p/1")


def test_flaws_are_counted() -> None:
    one, two, other = market("0001", 1), market("0001", 2), market("0002", 1)
    far, none = market("-1", 1), market("0000", 1)
    rows = [(one, two), (one, two), (one, two), (two, one), (one, other), (two, two), (far, none)]
    (found,) = audit([("m.csv", manifest(rows, "market1501"))]).files
    assert found.pairs == 7
    assert found.duplicates == 2
    assert found.self_pairs == 1
    assert found.across_persons == 2
    assert found.distractors == 2
    assert found.persons == 4
    assert found.items is None


def test_outfits_and_items_leak_apart() -> None:
    train = manifest(both_ways(patn(1, 1, 1), patn(1, 1, 2)))
    colour = manifest(both_ways(patn(1, 2, 1), patn(1, 2, 2)))
    found = shared(train, colour)
    assert (found.pairs, found.images, found.persons, found.outfits) == (0, 0, 0, 0)
    assert (found.items, found.items_in_pairs) == (1, 1)
    assert found.examples == ("MEN/Denim/id_00000001",)
    outfit = manifest(both_ways(patn(1, 1, 1), patn(1, 1, 3)))
    found = shared(train, outfit)
    assert (found.pairs, found.images, found.persons, found.outfits) == (0, 1, 1, 1)
    assert shared(train, train).pairs == 2


def test_items_count_within_gender_and_category() -> None:
    train = manifest(both_ways(patn(1, 1, 1), patn(1, 1, 2)))
    for kind in ("MENPants", "WOMENDenim"):
        other = manifest(both_ways(patn(1, 2, 1, kind), patn(1, 2, 2, kind)))
        assert shared(train, other).items == 0


def test_persons_without_a_pair_belong_to_the_split() -> None:
    train = manifest(
        both_ways(patn(1, 1, 1), patn(1, 1, 2)), unpaired=("MEN/Denim/id_00000005/01",)
    )
    test = manifest(both_ways(patn(5, 2, 1), patn(5, 2, 2)), unpaired=("MEN/Denim/id_00000001/01",))
    found = shared(train, test)
    assert (found.persons, found.persons_in_pairs) == (1, 0)
    assert (found.items, found.items_in_pairs) == (2, 0)


def test_both_families_name_the_same_pictures() -> None:
    theirs = manifest(both_ways(defgan(1, 1, 1), defgan(1, 1, 2)))
    ours = manifest(both_ways(patn(1, 1, 1), patn(1, 1, 2)))
    found = shared(ours, theirs)
    assert (found.pairs, found.images, found.outfits) == (2, 2, 1)
    (mixed,) = audit([("m.csv", manifest([(patn(1, 1, 1), defgan(1, 1, 1))]))]).files
    assert (mixed.self_pairs, mixed.across_persons) == (1, 0)


def test_market_has_persons_only() -> None:
    one = manifest(both_ways(market("0001", 1), market("0001", 2)), "market1501")
    other = manifest(both_ways(market("0001", 3), market("0001", 4)), "market1501")
    found = shared(one, other)
    assert (found.persons, found.outfits, found.items) == (1, None, None)
    assert found.examples == ("0001",)


def test_lists_of_different_datasets_are_not_compared() -> None:
    one = manifest(both_ways(market("0001", 1), market("0001", 2)), "market1501")
    other = manifest(both_ways(patn(1, 1, 1), patn(1, 1, 2)))
    found = audit([("a", one), ("b", other)])
    assert len(found.files) == 2
    assert found.between == ()


def test_strange_names_are_named_with_file_and_row() -> None:
    rows = [*both_ways(market("0001", 1), market("0001", 2)), (market("0001", 1), "x.jpg")]
    with pytest.raises(DataError, match=r"^m\.csv: row 3: expected a name of Market-1501"):
        audit([("m.csv", manifest(rows, "market1501"))])
    with pytest.raises(DataError, match=r"m\.csv: how 'mine' names its images"):
        audit([("m.csv", manifest(rows, "mine"))])


def test_no_pairs_can_be_audited() -> None:
    (found,) = audit([("m.csv", manifest([]))]).files
    assert (found.pairs, found.images, found.duplicates) == (0, 0, 0)
