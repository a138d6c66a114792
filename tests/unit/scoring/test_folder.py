"""Which file is the output of which pair: every file has its pair, every pair its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from recapbench.data.manifest import Pair
from recapbench.errors import DataError, UsageError
from recapbench.scoring.folder import (
    TEMPLATES,
    ImageFolder,
    NameTemplate,
    image_stem,
    list_images,
    match_names,
    match_pairs,
)

PAIRS = [
    Pair("0002_c1s1_000451_03.jpg", "0002_c1s1_000551_01.jpg"),
    Pair("0002_c1s1_000551_01.jpg", "0002_c1s1_000451_03.jpg"),
    Pair("0007_c2s3_070952_01.jpg", "0007_c3s3_077419_03.jpg"),
]
"""Pairs with Market-1501's names."""
RAW = [Pair("WOMEN/Dresses/id_00000001/02_1_front.jpg", "WOMEN/Dresses/id_00000001/02_2_side.jpg")]

NAMES = {
    "recapbench run": "00002_0007_c2s3_070952_01_to_0007_c3s3_077419_03.png",
    "Def-GAN": "0007_c2s3_070952_01.jpg_0007_c3s3_077419_03.jpg.png",
    "PATN": "0007_c2s3_070952_01.jpg___0007_c3s3_077419_03.jpg_vis.jpg",
    "GFLA": "0007_c2s3_070952_01_2_0007_c3s3_077419_03_vis.jpg",
}
"""What the public code writes for the third pair."""


def folder(root: Path, *names: str) -> ImageFolder:
    root.mkdir(exist_ok=True)
    for name in names:
        (root / name).write_bytes(b"")
    return ImageFolder.open(root)


def test_stems() -> None:
    assert image_stem("a.png") == "a"
    assert image_stem("a.jpg_b.jpg.png") == "a.jpg_b.jpg"
    assert image_stem("a.JPEG") == "a"
    assert image_stem("v1.0") == "v1.0"


def test_a_folder_lists_images_in_order_and_says_what_else_it_holds(tmp_path: Path) -> None:
    found = folder(tmp_path, "b.png", "a.jpg", "B.PNG", "statistics.npz", ".hidden.png", ".x")
    assert list(found.files) == ["B", "a", "b"]
    assert found.others == ("statistics.npz",)


def test_two_files_of_one_stem_are_both_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one image of each name, got a\.jpg and a\.png"):
        folder(tmp_path, "a.png", "a.jpg")


def test_an_empty_folder_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="expected images, got none; it has the subfolders images"):
        ImageFolder.open(tmp_path)
    with pytest.raises(DataError, match="nowhere: cannot be read as a folder"):
        ImageFolder.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match="got none"):
        list_images(tmp_path)


def test_train_images_come_from_subfolders_too(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.jpg", "a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a.png", "b/1.jpg", "b/2.png"]


def test_by_name_the_format_may_differ(tmp_path: Path) -> None:
    ours = folder(tmp_path / "g", "b.png", "a.png")
    assert match_names(ours, folder(tmp_path / "t", "a.jpg", "b.jpg")) == ["a", "b"]


def test_missing_and_extra_files_are_counted_and_named(tmp_path: Path) -> None:
    ours = folder(tmp_path / "g", "a.png", "x.png", "y.png")
    real = folder(tmp_path / "t", "a.jpg", *(f"m{i:02d}.jpg" for i in range(12)))
    with pytest.raises(DataError) as caught:
        match_names(ours, real)
    text = str(caught.value)
    assert "12 targets have no image" in text
    assert "m00, m01" in text
    assert "m09 and 2 more" in text
    assert "m10" not in text
    assert "2 generated images have no target" in text
    assert "x, y" in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.text)
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_known_template_is_found(tmp_path: Path, template: NameTemplate, suffix: str) -> None:
    names = [stem + suffix for stem in template.stems(PAIRS)]
    match = match_pairs(folder(tmp_path, *names), PAIRS)
    assert match.template == template
    assert [path.name for path in match.files] == names


@pytest.mark.parametrize("origin", NAMES)
def test_templates_write_what_the_public_code_writes(origin: str) -> None:
    template = next(one for one in TEMPLATES if one.origin == origin)
    assert template.stems(PAIRS)[2] == image_stem(NAMES[origin])


def test_folders_in_names_become_underscores() -> None:
    stem = NameTemplate("{source}_2_{target}").stems(RAW)[0]
    assert stem == ("WOMEN_Dresses_id_00000001_02_1_front_2_WOMEN_Dresses_id_00000001_02_2_side")


def test_a_template_may_be_given(tmp_path: Path) -> None:
    names = [f"out-{row:03d}.png" for row in range(3)]
    match = match_pairs(folder(tmp_path, *names), PAIRS, NameTemplate("out-{row:03d}.png"))
    assert [path.name for path in match.files] == names


def test_no_known_name_says_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        match_pairs(folder(tmp_path, "1.png", "2.png", "3.png"), PAIRS)
    text = str(caught.value)
    assert "no known way of naming files fits every pair" in text
    assert "'1.png'" in text
    assert "--name" in text
    for template in TEMPLATES:
        assert f"{template.text} ({template.origin}): 0 of 3" in text


def test_a_template_that_fits_all_but_one_pair_does_not_fit(tmp_path: Path) -> None:
    names = [f"{stem}.png" for stem in NameTemplate("{source}_to_{target}").stems(PAIRS)]
    with pytest.raises(DataError, match=r"\{source\}_to_\{target\} \(plain\): 2 of 3"):
        match_pairs(folder(tmp_path, *names[:-1]), PAIRS)


def test_files_of_no_pair_are_refused_unless_they_may_be_there(tmp_path: Path) -> None:
    names = [f"{stem}.png" for stem in NameTemplate("{source}_to_{target}").stems(PAIRS)]
    found = folder(tmp_path, *names)
    with pytest.raises(DataError, match="1 belong to no pair of the manifest"):
        match_pairs(found, PAIRS[:2])
    assert [path.name for path in match_pairs(found, PAIRS[:2], others=True).files] == names[:2]


def test_two_outputs_of_every_pair(tmp_path: Path) -> None:
    names = [
        f"{stem}.png"
        for text in ("{source}_to_{target}", "{source}_2_{target}")
        for stem in NameTemplate(text).stems(PAIRS)
    ]
    with pytest.raises(DataError, match="several fit; say it with --name"):
        match_pairs(folder(tmp_path, *names), PAIRS)


def test_a_file_that_belongs_to_no_pair(tmp_path: Path) -> None:
    template = NameTemplate("{source}_to_{target}")
    names = [f"{stem}.png" for stem in template.stems(PAIRS)]
    with pytest.raises(DataError, match=r"1 belong to no pair of the manifest: grid\.png"):
        match_pairs(folder(tmp_path, *names, "grid.png"), PAIRS)


def test_a_given_template_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 are missing: 1, 2"):
        match_pairs(folder(tmp_path, "0.png"), PAIRS, NameTemplate("{row}"))


def test_one_file_for_several_pairs_is_refused(tmp_path: Path) -> None:
    again = [*PAIRS, Pair("0002_c1s1_000999_01.jpg", PAIRS[0].target)]
    names = {f"{stem}.png" for stem in NameTemplate("{target}").stems(again)}
    with pytest.raises(DataError, match="pairs 1 and 4 of the manifest would both be"):
        match_pairs(folder(tmp_path, *names), again, NameTemplate("{target}"))


def test_the_same_pair_twice_has_one_file(tmp_path: Path) -> None:
    twice = [PAIRS[0], PAIRS[0]]
    name = f"{NameTemplate('{source}_{target}').stems(twice)[0]}.png"
    match = match_pairs(folder(tmp_path, name), twice)
    assert [path.name for path in match.files] == [name, name]


def test_with_a_limit_later_pairs_may_have_files_or_not(tmp_path: Path) -> None:
    template = NameTemplate("{source}_to_{target}")
    names = [f"{stem}.png" for stem in template.stems(PAIRS)]
    assert len(match_pairs(folder(tmp_path / "a", *names), PAIRS, limit=2).files) == 2
    assert len(match_pairs(folder(tmp_path / "b", *names[:2]), PAIRS, limit=2).files) == 2
    with pytest.raises(DataError, match="1 belong to no pair"):
        match_pairs(folder(tmp_path / "c", *names, "x.png"), PAIRS, template, limit=2)


@pytest.mark.parametrize("text", ["{sauce}", "{source", "out.png", "{row:q}", "{source.name}"])
def test_a_template_that_makes_no_sense(text: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        NameTemplate(text)
