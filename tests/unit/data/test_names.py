"""Names of both families and of the built-in sets: whom they show and where the picture lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.names import (
    CATEGORIES,
    check_name,
    defgan_name,
    first_duplicate,
    is_distractor,
    item_of,
    parse_name,
    parse_names,
    patn_name,
)
from recapbench.errors import DataError

RAW = "WOMEN/Tees_Tanks/id_00007838/05_7_additional.jpg"
DEFGAN = "fasionWOMENTeesTanksid0000783805_7additional.jpg"
PATN = "fashionWOMENTees_Tanksid0000783805_7additional.jpg"

raws = st.builds(
    "{}/id_{:08d}/{:02d}_{}_{}.jpg".format,
    st.sampled_from([f"{gender}/{name}" for gender, found in CATEGORIES.items() for name in found]),
    st.integers(0, 99_999_999),
    st.integers(0, 99),
    st.integers(0, 9),
    st.sampled_from(["front", "back", "side", "full", "additional", "flat"]),
)


@pytest.mark.parametrize("name", [RAW, f"img/{RAW}", f"img_highres/{RAW}", DEFGAN, PATN])
def test_all_spellings_mean_one_picture(name: str) -> None:
    found = parse_name("deepfashion", name)
    assert found.name == name
    assert found.raw == RAW
    assert found.person == "WOMEN/Tees_Tanks/id_00007838/05"
    assert found.item == "WOMEN/Tees_Tanks/id_00007838"
    assert item_of("deepfashion", found.person) == found.item


def test_names_are_spelt_as_the_field_does() -> None:
    assert defgan_name(RAW) == DEFGAN
    assert patn_name(RAW) == PATN
    assert defgan_name("WOMEN/Dresses/id_00000001/02_1_front.jpg") == (
        "fasionWOMENDressesid0000000102_1front.jpg"
    )


@given(raws)
def test_there_and_back(raw: str) -> None:
    for spelt in (defgan_name(raw), patn_name(raw), raw):
        assert parse_name("deepfashion", spelt).raw == raw


def test_outfits_are_not_cut_at_the_first_underscore() -> None:
    one = parse_name("deepfashion", "fashionMENTees_Tanksid0000000101_1front.jpg")
    other = parse_name("deepfashion", "fashionMENTees_Tanksid0000000201_1front.jpg")
    colour = parse_name("deepfashion", "fashionMENTees_Tanksid0000000102_1front.jpg")
    assert len({one.person, other.person, colour.person}) == 3
    assert one.item == colour.item != other.item


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("0002_c1s1_000451_03.jpg", "0002"),
        ("-1_c5s3_086412_11.jpg", "-1"),
        ("0000_c1s6_020596_03.jpg", "0000"),
        ("0002_c1s1_000451_03.jpg.jpg", "0002"),
    ],
)
def test_market(name: str, person: str) -> None:
    found = parse_name("market1501", name)
    assert (found.raw, found.person, found.item) == (name, person, person)
    assert is_distractor(name) == (person in ("-1", "0000"))


@pytest.mark.parametrize(
    ("dataset", "name", "person"),
    [
        ("mannequin", "test_0017_04.png", "test_0017"),
        ("mannequin", "figure_0003_before.png", "figure_0003"),
        ("mannequin_street", "street_train_0001_02.png", "street_train_0001"),
        ("mannequin_street", "street_outfit_0000_after.png", "street_outfit_0000"),
    ],
)
def test_built_in_sets(dataset: str, name: str, person: str) -> None:
    assert parse_name(dataset, name).person == person


@pytest.mark.parametrize(
    "name",
    [
        "fashionWOMENTeesTanksid0000783805_7additional.jpg",  # PATN's prefix, Def-GAN's category
        "fasionWOMENTees_Tanksid0000783805_7additional.jpg",
        "fashionMENDressesid0000783805_7additional.jpg",
        "fashionWOMENHatsid0000783805_7additional.jpg",
        "MEN/Dresses/id_00000001/02_1_front.jpg",
        "WOMEN/Dresses/id_1/02_1_front.jpg",
        "WOMEN/Dresses/id_00000001/02_1_front.png",
        "fashionWOMENDressesid0000783805_7additional.jpg.jpg",
        "fashionWOMENDressesid00007838٠5_7additional.jpg",
        "0002_c1s1_000451_03.jpg",
        "",
    ],
)
def test_names_that_are_not_of_deepfashion(name: str) -> None:
    with pytest.raises(DataError):
        parse_name("deepfashion", name)


@pytest.mark.parametrize("name", ["0002_c1s1_000451_03.png", "2_c1s1_000451_03.jpg", "x.jpg"])
def test_names_that_are_not_of_market(name: str) -> None:
    with pytest.raises(DataError, match=r"0002_c1s1_000451_03\.jpg"):
        parse_name("market1501", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a.jpg",
        "a.jpg ",
        "../a.jpg",
        "a/../../b.jpg",
        "a/./b.jpg",
        "a//b.jpg",
        "a/",
        "..",
        "/etc/passwd",
        "C:/a.jpg",
        "c:a.jpg",
        "a\\b.jpg",
        "a\nb.jpg",
        "a\x00.jpg",
        "a\x7f.jpg",
        "a,b.jpg",
        'a"b.jpg',
    ],
)
@pytest.mark.parametrize("dataset", ["deepfashion", "market1501", "mannequin"])
def test_names_that_lead_astray(dataset: str, name: str) -> None:
    with pytest.raises(DataError, match="cannot be the name of an image"):
        check_name(name)
    with pytest.raises(DataError, match="cannot be the name of an image"):
        parse_name(dataset, name)


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_a_data_error(name: str) -> None:
    for dataset in ("deepfashion", "market1501", "mannequin"):
        try:
            found = parse_name(dataset, name)
        except DataError:
            continue
        assert ".." not in found.raw.split("/")
        assert not found.raw.startswith("/")
        assert "\n" not in found.raw


def test_a_list_names_file_and_row() -> None:
    names = ["0002_c1s1_000451_03.jpg", "0002_c1s1_000451.jpg"]
    with pytest.raises(DataError, match=r"^list\.txt: row 2: expected a name of Market"):
        parse_names("market1501", names, "list.txt")
    assert [name.person for name in parse_names("market1501", names[:1])] == ["0002"]


def test_unknown_datasets_are_named() -> None:
    with pytest.raises(DataError, match="known: deepfashion, market1501"):
        parse_name("mine", "a.jpg")


def test_raw_paths_only_are_spelt() -> None:
    for spell in (defgan_name, patn_name):
        with pytest.raises(DataError, match="expected a path like"):
            spell(DEFGAN)


def test_first_duplicate() -> None:
    assert first_duplicate(["a", "b", "c", "b", "a"]) == (2, 4, "b")
    assert first_duplicate("abc") is None
