"""Bad downloads: each is named with file and row, and leaves nothing half-written."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from trees import Tree, csv_row, deepfashion_tree, flip_byte, jpeg, listing, market_tree, painted

from recapbench.data.datasets import find_dataset
from recapbench.data.ingest.joints import check_joints
from recapbench.data.ingest.prepare import prepare
from recapbench.data.ingest.request import PrepareRequest
from recapbench.data.split import Split
from recapbench.errors import DataError

SHOTS = painted((128, 64))
ROW = 8  # of the test split's keypoint file, counted from 1

Break = Callable[[Tree, str], object]
"""Breaks a tree at an image of the given name, which stands in row 8."""


@pytest.fixture
def tree(tmp_path: Path, home: Path) -> Tree:
    return market_tree(tmp_path / "market", SHOTS)


def prepare_market(tree: Tree, **changes: object) -> Split:
    facts = {
        "record": find_dataset("market1501"),
        "root": tree.root,
        "keypoints": tree.keypoints("test"),
        "parsing": tree.parsing,
    }
    return prepare(PrepareRequest(**(facts | changes)), workers=1)  # type: ignore[arg-type]


def image(tree: Tree, name: str) -> Path:
    return tree.root / "bounding_box_test" / name


def labels(tree: Tree, name: str) -> Path:
    return tree.parsing / f"{Path(name).stem}.png"


def row(tree: Tree, text: str) -> None:
    """Put a text in place of row 8."""
    path = tree.keypoints("test")
    lines = path.read_text().splitlines()
    lines[ROW] = text
    path.write_text("\n".join(lines) + "\n")


def joints(tree: Tree, name: str, change: Callable[[np.ndarray], None]) -> None:
    keypoints = np.full((18, 3), 2.0, np.float32)
    keypoints[:, 0] = np.arange(18)
    change(keypoints)
    row(tree, csv_row(name, keypoints))


def collapse(keypoints: np.ndarray) -> None:
    keypoints[:, :2] = 7.0


def grey_map(path: Path, array: np.ndarray) -> None:
    Image.fromarray(array).save(path)


def huge(path: Path, mode: int) -> None:
    """A PNG whose head says 20,000 x 20,000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 20000, 20000, 8, mode, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def link_out(path: Path) -> None:
    """A link to a sound file outside the folder."""
    outside = path.parent.parent.parent / "outside" / path.name
    outside.parent.mkdir()
    path.rename(outside)
    path.symlink_to(outside)


BREAKS: list[tuple[str, Break, str]] = [
    ("joint right of the image", lambda t, n: joints(t, n, lambda k: k.__setitem__((5, 0), 64)),
     r"row 8\).*got x 64, y 2 for joint 5 \(left_shoulder\)"),
    ("joint below the image", lambda t, n: joints(t, n, lambda k: k.__setitem__((0, 1), 128)),
     r"row 8\).*joint 0 \(nose\)"),
    ("joints all in one place", lambda t, n: joints(t, n, collapse),
     r"row 8\).*18 joints that all stand at x 7, y 7"),
    ("NaN", lambda t, n: row(t, f"{n}: {[float('nan')] * 18}: {[1] * 18}".replace("nan", "NaN")),
     r"row 8"),
    ("short row", lambda t, n: row(t, f"{n}: [1, 2]: [1, 2]"), r"row 8: expected 18 numbers"),
    ("parent in name", lambda t, n: row(t, f"../{n}: {[1] * 18}: {[1] * 18}"), r"row 8.*'\.\.'"),
    ("absolute name", lambda t, n: row(t, f"/elsewhere/{n}: {[1] * 18}: {[1] * 18}"),
     r"row 8.*absolute path"),
    ("strange name", lambda t, n: row(t, f"picture.jpg: {[1] * 18}: {[1] * 18}"),
     r"test\.csv: row 8: expected a name of Market-1501"),
    ("name twice", lambda t, n: row(t, t.keypoints("test").read_text().splitlines()[2]),
     r"test\.csv: row 8.*row 2"),
    ("no such image", lambda t, n: image(t, n).unlink(),
     r"1 of 12 images are missing: .*NAME \(test\.csv row 8\)"),
    ("a folder as image", lambda t, n: (image(t, n).unlink(), image(t, n).mkdir()),
     r"1 of 12 images are missing"),
    ("a link to nowhere", lambda t, n: (image(t, n).unlink(), image(t, n).symlink_to("nowhere")),
     r"1 of 12 images are missing"),
    ("a link to itself", lambda t, n: (image(t, n).unlink(), image(t, n).symlink_to(image(t, n))),
     r"1 of 12 images are missing"),
    ("a link out of the root", lambda t, n: link_out(image(t, n)),
     r"NAME \(test\.csv row 8\): a symbolic link leads out of"),
    ("a link out of the parsing", lambda t, n: link_out(labels(t, n)),
     r"STEM\.png \(test\.csv row 8\): a symbolic link leads out of"),
    ("an image of another size",
     lambda t, n: image(t, n).write_bytes(jpeg(np.zeros((64, 128, 3), np.uint8))),
     r"NAME \(test\.csv row 8\): expected a picture of \(128, 64\) pixels, got \(64, 128\)"),
    ("a huge image", lambda t, n: huge(image(t, n), 2),
     r"NAME \(test\.csv row 8\): .*(pixels|bomb)"),
    ("a cut image", lambda t, n: image(t, n).write_bytes(image(t, n).read_bytes()[:-40]),
     r"NAME \(test\.csv row 8\): not a readable image"),
    ("a cut end", lambda t, n: image(t, n).write_bytes(image(t, n).read_bytes()[:-1]),
     r"NAME \(test\.csv row 8\): not a readable image: the JPEG is cut off"),
    ("an empty image", lambda t, n: image(t, n).write_bytes(b""),
     r"NAME \(test\.csv row 8\): not a readable image"),
    ("a CMYK image",
     lambda t, n: Image.new("CMYK", (64, 128)).save(image(t, n), format="JPEG"),
     r"NAME \(test\.csv row 8\): .*mode CMYK"),
    ("a label above 19", lambda t, n: grey_map(labels(t, n), np.full((128, 64), 20, np.uint8)),
     r"STEM\.png \(test\.csv row 8\): expected labels 0\.\.19, got 20"),
    ("labels in colour", lambda t, n: grey_map(labels(t, n), np.zeros((128, 64, 3), np.uint8)),
     r"STEM\.png \(test\.csv row 8\): .*got mode RGB"),
    ("labels of another size", lambda t, n: grey_map(labels(t, n), np.zeros((64, 128), np.uint8)),
     r"STEM\.png \(test\.csv row 8\): expected a label map of \(128, 64\) pixels"),
    ("huge labels", lambda t, n: huge(labels(t, n), 0), r"STEM\.png \(test\.csv row 8\)"),
    ("no labels", lambda t, n: labels(t, n).unlink(),
     r"1 of 12 label maps are missing: NAME \(test\.csv row 8\)"),
    ("labels twice", lambda t, n: labels(t, n).with_suffix(".npy").write_bytes(b"an array"),
     r"several label maps of 'NAME': STEM\.png, STEM\.npy"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_bad_input_is_named(tree: Tree, home: Path, change: Break, message: str) -> None:
    name = tree.names("test")[ROW - 1]
    change(tree, name)
    before = {p: p.lstat().st_mtime_ns for p in tree.root.parent.rglob("*")}
    message = message.replace("NAME", name).replace("STEM", Path(name).stem)
    with pytest.raises(DataError, match=message):
        prepare_market(tree)
    assert not list(home.glob("datasets/market1501/[!.]*"))
    assert before == {p: p.lstat().st_mtime_ns for p in tree.root.parent.rglob("*")}


def test_bad_input_ends_the_command_with_3(
    tree: Tree, home: Path, cli: Callable[..., object]
) -> None:
    name = tree.names("test")[ROW - 1]
    image(tree, name).write_bytes(b"no picture")
    done = cli("data", "prepare", "market1501", *tree.arguments("test"))
    assert done.returncode == 3  # type: ignore[attr-defined]
    assert f"{name} (test.csv row 8): not a readable image" in done.stderr  # type: ignore[attr-defined]
    assert not list(home.glob("datasets/market1501/[!.]*"))


def test_labels_above_six(tree: Tree) -> None:
    for path in tree.parsing.iterdir():
        grey_map(path, np.full((128, 64), 6, np.uint8))
    prepare_market(tree, parsing_labels="market7")
    grey_map(labels(tree, tree.names("test")[ROW - 1]), np.full((128, 64), 7, np.uint8))
    with pytest.raises(DataError, match=r"row 8\): expected labels 0\.\.6, got 7"):
        prepare_market(tree, parsing_labels="market7")


def test_a_failed_preparation_leaves_the_last_one(tree: Tree, home: Path) -> None:
    prepare_market(tree)
    before = listing(home / "datasets")
    image(tree, tree.names("test")[0]).write_bytes(b"no picture")
    with pytest.raises(DataError):
        prepare_market(tree)
    after = listing(home / "datasets")
    assert {k: v for k, v in after.items() if "/." not in k} == {
        k: v for k, v in before.items() if "/." not in k
    }


def test_many_missing_images_are_counted(tree: Tree) -> None:
    for name in tree.names("test")[2:]:
        image(tree, name).unlink()
    with pytest.raises(DataError, match=r"10 of 12 images are missing: .* and 5 more") as caught:
        prepare_market(tree)
    assert str(caught.value).count(".jpg") == 5


def test_no_image_at_all_says_where_it_was_looked_for(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"none of the images is there; .* bounding_box_test/"):
        prepare_market(tree, root=tmp_path / "empty")
    for option in ("root", "parsing"):
        with pytest.raises(DataError, match=rf"--{option} .*absent: expected a folder"):
            prepare_market(tree, **{option: tmp_path / "absent"})
    with pytest.raises(DataError, match=r"cannot read .*absent\.csv"):
        prepare_market(tree, keypoints=tmp_path / "absent.csv")


def test_a_root_that_is_a_link_is_the_folder_itself(tree: Tree, tmp_path: Path) -> None:
    digest = prepare_market(tree).digest
    (tmp_path / "link").symlink_to(tree.root)
    linked = prepare_market(tree, root=tmp_path / "link")
    assert (linked.root, linked.digest) == (tree.root.resolve(), digest)
    inside = image(tree, tree.names("test")[0])
    inside.rename(inside.with_name("kept.jpg"))
    inside.symlink_to("kept.jpg")
    assert prepare_market(tree).digest == digest


def test_a_folder_that_is_a_link_out_of_the_root(tree: Tree, tmp_path: Path) -> None:
    shutil.move(tree.root / "bounding_box_test", tmp_path / "elsewhere")
    (tree.root / "bounding_box_test").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="give the folder itself that holds the files"):
        prepare_market(tree)
    prepare_market(tree, root=tmp_path / "elsewhere")


def test_one_image_under_two_names(tmp_path: Path, home: Path) -> None:
    tree = deepfashion_tree(tmp_path / "fashion", painted((256, 256), 1, 2))
    path = tree.keypoints("test")
    first = path.read_text().splitlines()[1]
    path.write_text(
        path.read_text() + first.replace("fasionWOMENBlousesS", "fashionWOMENBlouses_S")
    )
    with pytest.raises(DataError, match=r"test\.csv: row 3: 'fashion.* is the image .* of row 1"):
        prepare(PrepareRequest(find_dataset("deepfashion"), tree.root, path))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tree: Tree) -> None:
    image(tree, tree.names("test")[0]).chmod(0)
    with pytest.raises(DataError, match=r"cannot read .*Permission denied"):
        prepare_market(tree)


@pytest.mark.parametrize("part", ["entries-*.json", "joints-*.npy", "index.json", "../test.json"])
@pytest.mark.parametrize("harm", [flip_byte, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_index_is_named(
    tree: Tree, home: Path, part: str, harm: Callable[[Path], object]
) -> None:
    prepare_market(tree)
    folder = next(home.glob("datasets/market1501/[!.]*/"))
    victim = next(folder.glob(part)) if ".." not in part else folder.parent / "test.json"
    harm(victim)
    with pytest.raises(DataError, match=r"recapbench data prepare market1501") as caught:
        find_dataset("market1501").open("test")
    if victim.exists() or victim.name != "test.json":
        assert victim.name in str(caught.value)
    prepare_market(tree)
    find_dataset("market1501").open("test", verify=True)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_changed_byte_of_the_index_is_found(
    tree: Tree, home: Path, data: st.DataObject
) -> None:
    if not (home / "datasets/market1501/test.json").exists():
        prepare_market(tree)
    files = sorted(home.glob("datasets/market1501/[!.]*/*"))
    files.append(home / "datasets/market1501/test.json")
    victim = data.draw(st.sampled_from(files))
    whole = victim.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    victim.write_bytes(changed)
    try:
        with pytest.raises(DataError) as caught:
            find_dataset("market1501").open("test")
    finally:
        victim.write_bytes(whole)
    assert victim.name in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-100, 200, width=32), st.floats(-100, 300, width=32), st.sampled_from([0, 2])
        ),
        min_size=18,
        max_size=18,
    )
)
def test_joints_outside_are_named_and_others_pass(values: list[tuple[float, float, int]]) -> None:
    keypoints = np.array(values, np.float32)
    seen = keypoints[keypoints[:, 2] > 0]
    places = {(np.floor(x + np.float32(0.5)), np.floor(y + np.float32(0.5))) for x, y, _ in seen}
    assume(len(seen) < 3 or len(places) > 1)  # a collapsed pose is another error
    inside = [0 <= np.floor(x + np.float32(0.5)) < 64 and 0 <= np.floor(y + np.float32(0.5)) < 128
              for x, y, _ in seen]  # fmt: skip
    if all(inside):
        check_joints(keypoints, (128, 64), "here")
        return
    with pytest.raises(DataError, match=r"here: expected joints within the picture of \(128, 64\)"):
        check_joints(keypoints, (128, 64), "here")


def test_some_joints_on_one_pixel_are_no_fault() -> None:
    keypoints = np.full((18, 3), 2.0, np.float32)
    keypoints[:, 0] = np.arange(18)
    keypoints[14:18, 0] = 0.0
    check_joints(keypoints, (128, 64), "here")
    keypoints[2:, 2] = 0
    keypoints[:2, 0] = 5.0
    check_joints(keypoints, (128, 64), "here")
