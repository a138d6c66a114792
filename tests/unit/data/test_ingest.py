"""Preparing a download: layouts, names, label maps, what is kept and what is written."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trees import (
    NAMINGS,
    SPLITS,
    Shot,
    Tree,
    csv_row,
    deepfashion_tree,
    flip_byte,
    jpeg,
    listing,
    market_name,
    market_tree,
    painted,
    raw_path,
)

from recapbench.data.datasets import find_dataset
from recapbench.data.ingest import prepare as module
from recapbench.data.ingest.layout import find_keypoints
from recapbench.data.ingest.prepare import prepare
from recapbench.data.ingest.prepared import describe
from recapbench.data.ingest.request import PrepareRequest
from recapbench.data.names import parse_name
from recapbench.data.parsing import encode_labels, to_market
from recapbench.data.split import Split
from recapbench.errors import DataError, StorageError, UsageError

STREET = painted((128, 64))
STUDIO = painted((256, 256), persons=2, images=2)


@pytest.fixture
def market(tmp_path: Path, home: Path) -> Tree:
    return market_tree(tmp_path / "market", STREET)


@pytest.fixture
def fashion(tmp_path: Path, home: Path) -> Tree:
    return deepfashion_tree(tmp_path / "fashion", STUDIO)


def request(dataset: str, tree: Tree, **changes: object) -> PrepareRequest:
    facts = {
        "record": find_dataset(dataset),
        "root": tree.root,
        "keypoints": tree.keypoints("test"),
        "parsing": tree.parsing,
    }
    return PrepareRequest(**(facts | changes))  # type: ignore[arg-type]


def content(split: Split) -> tuple[str, str, str]:
    """What a split holds, wherever its files lie."""
    return split.digest, split.annotation_digest, split.manifest().sha256


def test_a_prepared_split_is_its_files(fashion: Tree) -> None:
    before = listing(fashion.root.parent)
    seen: list[tuple[int, int]] = []
    split = prepare(request("deepfashion", fashion), lambda d, t: seen.append((d, t)))
    shots = {NAMINGS["defgan"](raw_path(s)): s for s in STUDIO if s.split == "test"}
    assert split.names == tuple(shots) == tuple(fashion.names("test"))
    for name, shot in shots.items():
        with Image.open(fashion.root / "img" / raw_path(shot)) as image:
            np.testing.assert_array_equal(split.image(name), np.asarray(image))
        np.testing.assert_array_equal(split.labels(name), shot.labels)
        expected = np.floor(shot.keypoints + 0.5)
        np.testing.assert_array_equal(split.keypoints[split.position(name)], expected)
        assert split.identity(name) == parse_name("deepfashion", name).person
    assert split.has_parsing
    assert seen == [(4, 4)]
    split.verify()
    assert listing(fashion.root.parent) == before
    assert find_dataset("deepfashion").open("test").digest == split.digest


def test_labels_of_market_are_merged(market: Tree) -> None:
    merged = prepare(request("market1501", market))
    shot = next(shot for shot in STREET if shot.split == "test")
    expected = to_market(shot.labels)
    np.testing.assert_array_equal(merged.labels(market_name(shot)), expected)
    for path in market.parsing.iterdir():
        path.write_bytes(encode_labels(expected, 7))
    taken = prepare(request("market1501", market, parsing_labels="market7"))
    assert content(taken) == content(merged)


def test_distractors_are_there_and_in_no_pair(market: Tree) -> None:
    split = prepare(request("market1501", market))
    assert sum(name.startswith(("-1", "0000")) for name in split.names) == 6
    assert not any(name.startswith(("-1", "0000")) for name in split.manifest().names)
    assert len(split.manifest()) == 2 * 3 * 2


@pytest.mark.parametrize("naming", ["raw", "patn"])
def test_names_of_every_family_are_the_same_images(
    naming: str, fashion: Tree, tmp_path: Path
) -> None:
    ours = prepare(request("deepfashion", fashion))
    keypoints = tmp_path / "other.csv"
    rows = [
        csv_row(NAMINGS[naming](raw_path(shot)), shot.keypoints)
        for shot in STUDIO
        if shot.split == "test"
    ]
    keypoints.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    split = prepare(request("deepfashion", fashion, keypoints=keypoints, protocol="patn"))
    assert content(split)[:2] == content(ours)[:2]
    assert split.names == tuple(row.partition(":")[0] for row in rows)
    assert split.manifest().protocol == "patn/1"


def flat(tree: Tree, naming: Callable[[str], str], folder: str) -> Path:
    for path in (tree.root / "img").rglob("*.jpg"):
        raw = path.relative_to(tree.root / "img").as_posix()
        target = tree.root.parent / "flat" / folder / naming(raw)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tree.root.parent / "flat"


@pytest.mark.parametrize(
    "rearrange",
    [
        lambda tree: tree.root / "img",
        lambda tree: (tree.root / "img").rename(tree.root / "img_highres").parent,
        lambda tree: (
            shutil.move(tree.root / "img", tree.root.parent / "In/Img/img")
            and tree.root.parent / "In"
        ),
        lambda tree: flat(tree, NAMINGS["defgan"], "."),
        lambda tree: flat(tree, NAMINGS["patn"], "."),
        lambda tree: flat(tree, NAMINGS["patn"], "test"),
    ],
    ids=["root", "highres", "whole", "defgan", "patn", "patn-test"],
)
def test_every_layout_of_deepfashion(
    rearrange: Callable[[Tree], Path], fashion: Tree, tmp_path: Path
) -> None:
    ours = prepare(request("deepfashion", fashion))
    (tmp_path / "fashion" / "In" / "Img").mkdir(parents=True)
    root = rearrange(fashion)
    assert content(prepare(request("deepfashion", fashion, root=root))) == content(ours)


def test_the_geometry_chooses_between_two_folders(fashion: Tree) -> None:
    shutil.copytree(fashion.root / "img", fashion.root / "img_highres")
    small = prepare(request("deepfashion", fashion))
    assert all(entry.image.startswith("img/") for entry in small.entries)
    high = prepare(request("deepfashion", fashion, geometry="resize_176"))
    assert all(entry.image.startswith("img_highres/") for entry in high.entries)


@pytest.mark.parametrize("place", ["bounding_box_test", "Market-1501-v15.09.15/bounding_box_test"])
def test_every_layout_of_market(place: str, market: Tree, tmp_path: Path) -> None:
    ours = prepare(request("market1501", market))
    target = tmp_path / "other" / place
    shutil.copytree(market.root / "bounding_box_test", target)
    for root in (tmp_path / "other", target):
        assert content(prepare(request("market1501", market, root=root))) == content(ours)


def test_the_fields_keypoint_file_is_found_in_the_root(tmp_path: Path) -> None:
    wanted = r"no keypoint file of .train.*market-annotation-train\.csv"
    with pytest.raises(DataError, match=wanted):
        find_keypoints("market1501", tmp_path, "train")
    file = tmp_path / "fasion-resize-annotation-test.csv"
    file.touch()
    assert find_keypoints("deepfashion", tmp_path, "test") == file
    (tmp_path / "fashion-resize-annotation-test.csv").touch()
    with pytest.raises(DataError, match="several keypoint files"):
        find_keypoints("deepfashion", tmp_path, "test")


def test_a_list_of_names_chooses_and_orders(market: Tree, tmp_path: Path) -> None:
    names = tuple(reversed([n for n in market.names("test") if n.startswith("07")][1:5]))
    listed = tmp_path / "names.txt"
    listed.write_text("\n".join(names) + "\n")
    split = prepare(request("market1501", market, names=listed))
    assert split.names == names
    whole = prepare(request("market1501", market))
    for name in names:
        ours, theirs = (s.keypoints[s.position(name)] for s in (split, whole))
        np.testing.assert_array_equal(ours, theirs)
    assert set(split.made_from) == {"keypoints", "names"}
    listed.write_text("\n".join([*names, "0999_c1s1_000001_00.jpg"]) + "\n")
    with pytest.raises(DataError, match=r"names\.txt: not in .*test\.csv: 1 of 5 rows .*0999_c1"):
        prepare(request("market1501", market, names=listed))


def regrouped(tree: Tree, name: Callable[[Shot], str], suffix: str) -> Path:
    """The label maps of a tree under other names, in another form."""
    folder = tree.root.parent / "regrouped"
    for shot in STUDIO:
        path = folder / f"{name(shot).removesuffix('.jpg')}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".npy":
            np.save(path, shot.labels.astype(np.int64))
        else:
            Image.fromarray(shot.labels).save(path)
    return folder


@pytest.mark.parametrize("naming", ["defgan", "patn", "raw"])
@pytest.mark.parametrize("suffix", [".npy", ".png"])
def test_label_maps_in_every_form(naming: str, suffix: str, fashion: Tree) -> None:
    ours = prepare(request("deepfashion", fashion))
    folder = regrouped(fashion, lambda shot: NAMINGS[naming](raw_path(shot)), suffix)
    split = prepare(request("deepfashion", fashion, parsing=folder))
    assert content(split) == content(ours)
    split.verify()


def test_label_maps_of_the_prepared_size_are_taken_as_they_are(fashion: Tree) -> None:
    ours = prepare(request("deepfashion", fashion, geometry="crop_176"))
    for path in fashion.parsing.iterdir():
        with Image.open(path) as image:
            labels = np.asarray(image)
        path.write_bytes(encode_labels(labels[:, 40:216].copy(), 20))
    split = prepare(request("deepfashion", fashion, geometry="crop_176"))
    assert content(split) == content(ours)


def test_the_record_has_the_size_that_was_prepared(fashion: Tree) -> None:
    record = find_dataset("deepfashion")
    whole = prepare(request("deepfashion", fashion))
    assert record.resolved("test").image_size == whole.record.image_size == (256, 256)
    crop = prepare(request("deepfashion", fashion, geometry="crop_176"))
    assert record.resolved("test").image_size == crop.record.image_size == (256, 176)
    name = crop.names[0]
    np.testing.assert_array_equal(crop.image(name), whole.image(name)[:, 40:216])
    np.testing.assert_array_equal(crop.labels(name), whole.labels(name)[:, 40:216])
    assert describe(record) == "test: 4 images, crop_176, def_gan_new"
    assert (
        len(list((Path(os.environ["RECAPBENCH_HOME"]) / "datasets/deepfashion").glob("[!.]*"))) == 2
    )


def test_pairs_do_not_depend_on_the_crop(fashion: Tree, tmp_path: Path) -> None:
    """A shoulder that the crop leaves outside is still there for the protocol."""
    shots = []
    for shot in STUDIO:
        joints = shot.keypoints.copy()
        joints[2] = 5.0, 100.0, 2.0
        shots.append(shot._replace(keypoints=joints))
    tree = deepfashion_tree(tmp_path / "edge", shots)
    whole = prepare(request("deepfashion", tree))
    crop = prepare(request("deepfashion", tree, geometry="crop_176"))
    assert not crop.keypoints[:, 2].any()
    assert len(whole.manifest()) == 4
    assert crop.manifest().header == whole.manifest().header


def test_joints_of_the_prepared_picture_are_taken_as_they_are(fashion: Tree) -> None:
    rows = [
        csv_row(NAMINGS["defgan"](raw_path(shot)), np.minimum(shot.keypoints, 175))
        for shot in STUDIO
        if shot.split == "test"
    ]
    fashion.keypoints("test").write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    with pytest.raises(DataError, match="--keypoints-frame prepared"):
        prepare(request("deepfashion", fashion, geometry="crop_176"))
    split = prepare(
        request("deepfashion", fashion, geometry="crop_176", keypoints_frame="prepared")
    )
    np.testing.assert_array_equal(split.keypoints, split.given_keypoints)


def test_joints_of_256_for_high_resolution_are_refused(tmp_path: Path, home: Path) -> None:
    large = [
        shot._replace(
            image=np.asarray(Image.fromarray(shot.image).resize((300, 440))),
            labels=np.asarray(Image.fromarray(shot.labels).resize((300, 440), 0)),
        )
        for shot in STUDIO
    ]
    tree = deepfashion_tree(tmp_path / "large", large, images="img_highres")
    with pytest.raises(DataError, match=r"within \(256, 256\) .* such as \(440, 300\)\. Say which"):
        prepare(request("deepfashion", tree))
    raw = prepare(request("deepfashion", tree, keypoints_frame="raw"))
    assert raw.keypoints[..., 1].max() < 256 * 256 / 440
    split = prepare(request("deepfashion", tree, keypoints_frame="prepared"))
    assert split.image(split.names[0]).shape == (256, 256, 3)
    assert split.labels(split.names[0]).shape == (256, 256)


def test_the_number_of_threads_does_not_matter(market: Tree, home: Path) -> None:
    outcomes = []
    for workers in (1, 3):
        prepare(request("market1501", market), workers=workers)
        files = sorted((home / "datasets" / "market1501").glob("[!.]*/*"))
        outcomes.append({path.name: path.read_bytes() for path in files})
        shutil.rmtree(home)
    assert outcomes[0] == outcomes[1]


def test_finished_chunks_are_kept(
    market: Tree, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    decode, read = module.decode_photograph, []

    def counted(data: bytes, where: str) -> np.ndarray:
        read.append(where)
        return decode(data, where)

    monkeypatch.setattr(module, "decode_photograph", counted)
    whole = content(prepare(request("market1501", market), workers=1))
    assert len(read) == 12
    shutil.rmtree(home)
    read.clear()

    def stop(done: int, _: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(request("market1501", market), stop, workers=1)
    assert len(read) == 6
    with pytest.raises(DataError, match="not prepared yet"):
        find_dataset("market1501").open("test")
    chunks = sorted(home.glob("datasets/market1501/.*.work/*.json"))
    assert len(chunks) == 3
    flip_byte(chunks[0])
    os.utime(market.root / "bounding_box_test" / market.names("test")[3], (1, 1))
    read.clear()
    assert content(prepare(request("market1501", market), workers=1)) == whole
    assert len(read) == 2 + 2 + 6  # the damaged chunk, the one whose file was touched, the rest
    assert not list(home.glob("datasets/market1501/.*.work"))


SLOW = """
import sys, time
sys.path[:0] = {path!r}
from test_ingest import *
module.CHUNK = 2
decode = module.decode_photograph
def slow(data, where):
    time.sleep(0.05)
    return decode(data, where)
module.decode_photograph = slow
prepare(request("market1501", Tree(*map(Path, {tree!r}))), workers=1)
"""


def test_a_killed_preparation_ends_the_same(
    market: Tree, home: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = [str(part) for part in dataclasses.astuple(market)]
    script = SLOW.format(path=sys.path, tree=tree)
    for wanted in (1, 3):
        process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE)
        wait_until(
            lambda count=wanted, child=process: (
                child.poll() is not None
                or len(list(home.glob("datasets/market1501/.*.work/0*.json"))) >= count
            )
        )
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
        assert not (home / "datasets/market1501/test.json").exists()
    monkeypatch.setattr(module, "CHUNK", 2)
    resumed = prepare(request("market1501", market))
    index = sorted(p.name for p in home.glob("datasets/market1501/[!.]*/*"))
    shutil.rmtree(home)
    fresh = prepare(request("market1501", market))
    assert content(resumed) == content(fresh)
    assert index == sorted(p.name for p in home.glob("datasets/market1501/[!.]*/*"))


def test_preparing_again_takes_what_changed(market: Tree) -> None:
    first = prepare(request("market1501", market))
    victim = market.root / "bounding_box_test" / market.names("test")[0]
    victim.write_bytes(jpeg(np.zeros((128, 64, 3), np.uint8)))
    with pytest.raises(DataError, match="is damaged"):
        first.verify()
    second = prepare(request("market1501", market))
    second.verify()
    assert second.digest != first.digest


def test_verify_names_every_file_that_changed(market: Tree) -> None:
    split = prepare(request("market1501", market))
    folder = market.root / "bounding_box_test"
    flip_byte(folder / split.names[1])
    (folder / split.names[4]).unlink()
    flip_byte(market.parsing / f"{Path(split.names[7]).stem}.png")
    with pytest.raises(DataError) as caught:
        find_dataset("market1501").open("test", verify=True)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    for line, place in zip(lines, (1, 4, 7), strict=True):
        assert Path(split.names[place]).stem in line
        assert "recapbench data prepare market1501" in line


def test_other_pixels_from_the_same_bytes_are_found(market: Tree) -> None:
    split = prepare(request("market1501", market))
    for field in ("image_pixels", "labels_pixels"):
        other = split.entries[2]._replace(**{field: "0" * 64})
        entries = (*split.entries[:2], other, *split.entries[3:])
        with pytest.raises(DataError, match="decodes to other pixels: expected digest 0000"):
            dataclasses.replace(split, entries=entries).verify()


def test_labels_that_are_not_there_say_what_to_do(market: Tree) -> None:
    split = prepare(request("market1501", market, parsing=None))
    assert not split.has_parsing
    split.verify()
    with pytest.raises(DataError, match=r"has no label map: .* again with --parsing DIR"):
        split.labels(split.names[0])
    assert describe(split.record).endswith("def_gan, no parsing")


def test_joints_of_openpose_are_read_too(fashion: Tree, tmp_path: Path) -> None:
    ours = prepare(request("deepfashion", fashion))
    for shot in STUDIO:
        if shot.split == "test":
            name = Path(NAMINGS["raw"](raw_path(shot)))
            path = tmp_path / "openpose" / name.with_name(f"{name.stem}_keypoints.json")
            path.parent.mkdir(parents=True, exist_ok=True)
            joints = np.floor(shot.keypoints + 0.5)
            joints[:, 2] = 0.9
            people = [{"pose_keypoints_2d": joints.ravel().tolist()}]
            path.write_text(json.dumps({"version": 1.3, "people": people}))
    split = prepare(request("deepfashion", fashion, keypoints=tmp_path / "openpose"))
    theirs = {parse_name("deepfashion", n).raw: n for n in split.names}
    for name in ours.names:
        other = theirs[parse_name("deepfashion", name).raw]
        np.testing.assert_array_equal(
            split.keypoints[split.position(other)], ours.keypoints[ours.position(name)]
        )


def test_both_splits_stand_side_by_side(market: Tree) -> None:
    for split in SPLITS:
        prepare(request("market1501", market, split=split, keypoints=market.keypoints(split)))
    record = find_dataset("market1501")
    assert [len(record.open(split)) for split in SPLITS] == [6, 12]
    with pytest.raises(UsageError, match="one size only"):
        record.open("test", preset="tiny")


def test_a_cache_that_cannot_be_written(
    market: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError, match="cannot write"):
        prepare(request("market1501", market))
