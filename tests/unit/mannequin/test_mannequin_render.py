"""Pictures: determinism, labels, joints, and classes that all appear."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

from recapbench.data.parsing import LIP_LABELS
from recapbench.data.skeleton import HIDDEN, JOINTS, MISSING, SEEN
from recapbench.mannequin import plan
from recapbench.mannequin.camera import View
from recapbench.mannequin.finish import SPECK, close_specks
from recapbench.mannequin.identity import NEUTRAL
from recapbench.mannequin.poses import base_pose
from recapbench.mannequin.render import Rendering, render

SKIN_LABELS = (13, 14, 15, 16, 17)
GARMENT_LABELS = (5, 6, 7, 9, 10, 12)
SHOTS_EACH = 7


def draw(shot: plan.Shot) -> Rendering:
    return render(shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, shot.size)


def digest(drawn: Rendering) -> str:
    data = drawn.image.tobytes() + drawn.labels.tobytes() + drawn.keypoints.tobytes()
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def gallery() -> list[tuple[plan.Shot, Rendering]]:
    """A spread of shots of 25 consecutive training persons."""
    pairs = []
    for number in range(25):
        shots = plan.shots("mannequin", number, "train")
        pairs += [(s, draw(s)) for s in shots[number % 3 :: 3][:SHOTS_EACH]]
    return pairs


FRESH = """
import hashlib
from recapbench.mannequin import plan
from recapbench.mannequin.render import render
for name in ("mannequin", "mannequin_street"):
    s = plan.shots(name, 7, "test")[3]
    r = render(s.identity, s.pose, s.view, s.figure, s.outfit, s.size)
    data = r.image.tobytes() + r.labels.tobytes() + r.keypoints.tobytes()
    print(hashlib.sha256(data).hexdigest())
"""


def test_same_bytes_again_and_in_a_fresh_process() -> None:
    shots = [plan.shots(name, 7, "test")[3] for name in ("mannequin", "mannequin_street")]
    first = [digest(draw(s)) for s in shots]
    assert [digest(draw(s)) for s in shots] == first
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    done = subprocess.run(
        [sys.executable, "-c", FRESH], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == first


def test_shapes_and_types(gallery: list[tuple[plan.Shot, Rendering]]) -> None:
    for shot, drawn in gallery[:5]:
        assert drawn.image.shape == (*shot.size, 3)
        assert drawn.image.dtype == np.uint8
        assert drawn.labels.shape == shot.size
        assert drawn.labels.dtype == np.uint8
        assert drawn.keypoints.shape == (18, 3)
        assert drawn.keypoints.dtype == np.float32
        assert drawn.labels.max() < 20


def test_every_class_is_in_at_least_five_percent_of_the_pictures(
    gallery: list[tuple[plan.Shot, Rendering]],
) -> None:
    seen = np.zeros(20)
    for _, drawn in gallery:
        seen += np.bincount(drawn.labels.ravel(), minlength=20) >= 20
    share = seen / len(gallery)
    rare = {LIP_LABELS[i]: round(float(share[i]), 3) for i in range(20) if share[i] < 0.05}
    assert not rare


def test_visibility_agrees_with_the_picture(gallery: list[tuple[plan.Shot, Rendering]]) -> None:
    flags, on_person = [], []
    for shot, drawn in gallery:
        height, width = shot.size
        x, y, flag = drawn.keypoints.T
        assert set(flag.tolist()) <= {MISSING, HIDDEN, SEEN}
        inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        np.testing.assert_array_equal(inside, flag != MISSING)
        flags += flag.tolist()
        rows, columns = (np.rint(v[flag == SEEN]).astype(int) for v in (y, x))
        rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        on_person += (drawn.labels[rows, columns] != 0).tolist()
        back = 150 < abs(shot.view.yaw) < 210
        if back:
            assert flag[JOINTS.index("nose")] != SEEN
    assert np.mean(on_person) > 0.97
    assert 0.5 < flags.count(SEEN) / len(flags) < 0.9
    assert flags.count(HIDDEN) > 0.05 * len(flags)


def test_right_is_at_the_viewers_left_on_a_frontal_picture() -> None:
    person, clothes = plan.identity("mannequin", 1), plan.outfit("mannequin", 1)
    drawn = render(person, base_pose("a_pose"), View(), NEUTRAL, clothes, (256, 256))
    x = drawn.keypoints[:, 0]
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear"):
        assert x[JOINTS.index(f"right_{part}")] < x[JOINTS.index(f"left_{part}")]
    centre = [np.nonzero(drawn.labels == k)[1].mean() for k in (15, 14, 19, 18)]
    assert centre[0] < 128 < centre[1]
    assert centre[2] < centre[3]


def _regions(labels: npt.NDArray[np.uint8]) -> list[int]:
    """Sizes of all 8-connected regions of one label, by flood fill."""
    todo = np.ones(labels.shape, bool)
    sizes = []
    for start in zip(*np.nonzero(todo), strict=True):
        if not todo[start]:
            continue
        todo[start] = False
        stack, size = [start], 0
        while stack:
            y, x = stack.pop()
            size += 1
            for j in range(max(y - 1, 0), min(y + 2, labels.shape[0])):
                for i in range(max(x - 1, 0), min(x + 2, labels.shape[1])):
                    if todo[j, i] and labels[j, i] == labels[start]:
                        todo[j, i] = False
                        stack.append((j, i))
        sizes.append(size)
    return sizes


def test_no_specks_and_no_pinholes(gallery: list[tuple[plan.Shot, Rendering]]) -> None:
    for _, drawn in gallery[::15]:
        assert min(_regions(drawn.labels)) >= SPECK


def test_closing_specks_changes_colour_and_label_together() -> None:
    labels = np.full((8, 8), 5, np.uint8)
    colour = np.full((8, 8, 3), 0.5)
    labels[3, 3], colour[3, 3] = 0, 1.0
    labels[6, 6:8], colour[6, 6:8] = 9, 0.0
    assert close_specks(colour, labels) == 2
    assert (labels == 5).all()
    np.testing.assert_allclose(colour, 0.5)


def test_torso_and_hips_are_always_dressed(gallery: list[tuple[plan.Shot, Rendering]]) -> None:
    for shot, drawn in gallery:
        neck, right, left = (drawn.keypoints[k, :2] for k in (1, 8, 11))
        for along in np.linspace(0.35, 0.9, 6):
            x, y = np.rint(neck + along * (0.5 * (right + left) - neck)).astype(int)
            if 0 <= x < shot.size[1] and 0 <= y < shot.size[0]:
                assert drawn.labels[y, x] not in (13, 16, 17), (shot.identity.number, shot.index)


def _grown(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    height, width = mask.shape
    return np.any(
        [padded[j : j + height, i : i + width] for j in range(3) for i in range(3)], axis=0
    )


def test_colours_and_labels_agree() -> None:
    """Painting skin or one garment changes only pixels of its labels (and their border)."""
    for number in (0, 2, 4, 5):
        shot = plan.shots("mannequin", number, "train")[1]
        before = draw(shot)
        green = dataclasses.replace(shot.identity, skin=(0.0, 1.0, 0.0), lips=(0.0, 1.0, 0.0))
        after = draw(dataclasses.replace(shot, identity=green))
        np.testing.assert_array_equal(before.labels, after.labels)
        changed = np.any(before.image != after.image, axis=2)
        assert changed.any()
        assert not (changed & ~_grown(np.isin(before.labels, SKIN_LABELS))).any()
        garment = shot.outfit.garments[0]
        paint = tuple((1.0 - r, 1.0 - g, 1.0 - b) for r, g, b in garment.colours)
        painted = shot.outfit.replaced(dataclasses.replace(garment, colours=paint))
        after = draw(dataclasses.replace(shot, outfit=painted))
        np.testing.assert_array_equal(before.labels, after.labels)
        changed = np.any(before.image != after.image, axis=2)
        assert changed.mean() > 0.01
        # A sliver of the garment may fill a sample but no whole pixel.
        strays = changed & ~_grown(before.labels == garment.label)
        assert strays.sum() < 0.01 * changed.sum()


def test_another_outfit_leaves_head_and_joints_alone() -> None:
    person = plan.identity("mannequin", 8)
    clothes = plan.outfit("mannequin", 8)
    other = clothes.replaced(plan.Tailor(person).top(True, variant=1))
    view, pose = View(), base_pose("stand")
    first, second = (render(person, pose, view, NEUTRAL, o, (256, 256)) for o in (clothes, other))
    np.testing.assert_allclose(first.keypoints[:, :2], second.keypoints[:, :2], atol=1.5)
    eyes = first.keypoints[14:16, 1].mean()
    head = slice(int(eyes) - 10, int(eyes) + 5)
    same = (first.labels[head] == second.labels[head]).mean()
    assert same > 0.98


def test_a_studio_keeps_its_backdrop_and_a_street_does_not() -> None:
    studio = [draw(s).image[2, 2].astype(int) for s in plan.shots("mannequin", 6, "train")[:4]]
    assert np.ptp(studio, axis=0).max() <= 4
    street = [draw(s).image[2, 2] for s in plan.shots("mannequin_street", 6, "train")[:4]]
    assert np.ptp(np.array(street, int), axis=0).max() > 10


def test_an_unknown_framing_is_refused() -> None:
    person, clothes = plan.identity("mannequin", 1), plan.outfit("mannequin", 1)
    with pytest.raises(ValueError, match="framing"):
        render(person, base_pose("stand"), View(framing="sideways"), NEUTRAL, clothes, (64, 64))
