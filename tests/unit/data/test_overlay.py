from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from recapbench.data.manifest import Pair
from recapbench.data.overlay import describe_joints, overlay_sheet, overlay_tiles
from recapbench.data.pictures import draw_skeleton
from recapbench.data.pose import pose_mask
from recapbench.data.split import Split
from recapbench.errors import DataError
from recapbench.mannequin.dataset import MANNEQUIN_STREET

WHITE = (255, 255, 255)


@pytest.fixture
def street(home: object) -> Split:
    import dolls

    record = dataclasses.replace(MANNEQUIN_STREET, loader="dolls:loader")
    assert dolls.loader
    return record.open("test", preset="tiny", workers=1)


def joints(*places: tuple[float, float, int]) -> np.ndarray:
    """A pose of these joints alone; the others are missing, anywhere."""
    pose = np.full((18, 3), [1e9, np.nan, 0], np.float32)
    pose[: len(places)] = np.reshape(places, (-1, 3))
    return pose


def bare(split: Split) -> Split:
    entries = [
        entry._replace(labels="", labels_sha256="", labels_pixels="") for entry in split.entries
    ]
    return dataclasses.replace(split, entries=tuple(entries))


def test_tiles_of_a_large_image(split: Split) -> None:
    name = split.names[2]
    tiles = overlay_tiles(split, name)
    assert list(tiles) == ["image", "skeleton", "pose mask", "parsing"]
    assert {tile.shape for tile in tiles.values()} == {(256, 256, 3)}
    np.testing.assert_array_equal(tiles["image"], split.image(name))


def test_small_images_are_enlarged(street: Split) -> None:
    name = street.names[2]
    tiles = overlay_tiles(street, name)
    assert {tile.shape for tile in tiles.values()} == {(256, 128, 3)}
    np.testing.assert_array_equal(tiles["image"][::2, ::2], street.image(name))


def test_each_layer_shows_where_it_is(split: Split) -> None:
    name = split.names[3]
    tiles = overlay_tiles(split, name)
    image = split.image(name).astype(int)
    magenta = np.array([255, 0, 170])
    mask = pose_mask(split.keypoints[split.position(name)], (256, 256))
    nearer = np.abs(tiles["pose mask"] - magenta).sum(2) < np.abs(image - magenta).sum(2)
    assert nearer[mask].mean() > 0.95
    faded = np.rint(0.65 * image + 0.35 * 255)
    np.testing.assert_array_equal(tiles["pose mask"][~mask], faded[~mask])
    background = split.labels(name) == 0
    lighter = np.rint(0.45 * image + 0.55 * 255)
    np.testing.assert_array_equal(tiles["parsing"][background], lighter[background])
    assert (tiles["parsing"] != lighter).any(2)[~background].mean() > 0.9


def test_hidden_joints_are_hollow_and_missing_ones_absent() -> None:
    grey = np.full((256, 256, 3), 128, np.uint8)
    drawn = draw_skeleton(joints((40, 60, 2), (120, 60, 1)), (256, 256), over=grey)
    assert tuple(drawn[60, 40]) == WHITE
    assert tuple(drawn[60, 120]) != WHITE
    assert WHITE in {tuple(pixel) for pixel in drawn[60, 110:131]}
    untouched = drawn.copy()
    untouched[50:71] = 128
    np.testing.assert_array_equal(untouched, grey)
    nothing = draw_skeleton(joints(), (256, 256), over=grey)
    np.testing.assert_array_equal(nothing, grey)


def test_joints_in_words() -> None:
    size = (128, 64)
    assert describe_joints(np.tile(np.float32([10, 10, 2]), (18, 1)), size) == "18 joints seen"
    pose = np.tile(np.float32([10, 10, 2]), (18, 1))
    pose[0] = (-5, 3, 2)
    pose[3] = (70, 3, 1)
    pose[4] = (9, 9, 1)
    pose[17] = (np.nan, np.inf, 0)
    assert describe_joints(pose, size) == (
        "15 joints seen · 2 hidden (rings) · missing: left ear · outside: nose, right elbow"
    )


def test_sheet_holds_all_pairs(split: Split, street: Split) -> None:
    for each, width in ((split, 4 * 256), (street, 4 * 128)):
        pairs = list(each.manifest())[:3]
        one, three = overlay_sheet(each, pairs[:1]), overlay_sheet(each, pairs)
        assert one.dtype == np.uint8
        assert one.shape[0] >= 2 * 256
        assert width < one.shape[1] < width + 400
        assert three.shape[0] == 3 * one.shape[0]
        np.testing.assert_array_equal(
            three[: one.shape[0] - 2, : width // 2], one[:-2, : width // 2]
        )


def test_names_are_written(split: Split) -> None:
    """The same image under another name differs in the text alone."""
    first = split.entries[0]
    long = dataclasses.replace(split, entries=(first._replace(name="x" * 200), *split.entries[1:]))
    other = split.entries[1].name
    before = overlay_sheet(split, [Pair(first.name, other)])
    after = overlay_sheet(long, [Pair("x" * 200, other)])
    assert after.shape[1] > before.shape[1]  # a long name is not cut
    assert (after[:20, -100:] != 255).any()
    np.testing.assert_array_equal(after[60:300, :1000], before[60:300, :1000])


def test_without_label_maps(split: Split) -> None:
    assert list(overlay_tiles(bare(split), split.names[0])) == ["image", "skeleton", "pose mask"]
    sheet = overlay_sheet(bare(split), list(split.manifest())[:1])
    assert 3 * 256 < sheet.shape[1] < 4 * 256


def test_damaged_files_are_named(split: Split) -> None:
    entry = split.entries[1]
    (split.root / entry.labels).write_bytes(b"")
    with pytest.raises(DataError, match=r"labels\.png"):
        overlay_sheet(split, [Pair(split.names[0], entry.name)])
    with pytest.raises(DataError, match="no image 'x'"):
        overlay_sheet(split, [Pair("x", entry.name)])
