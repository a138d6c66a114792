"""Persons, outfits and shots as pure functions of names and numbers."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import pytest

from recapbench.mannequin import plan
from recapbench.mannequin.outfit import EXTRAS, clothing_style
from recapbench.mannequin.pattern import HELD_OUT_PATTERNS, PATTERNS
from recapbench.mannequin.poses import TEST_POSES

SETS = (plan.STUDIO_SET, plan.STREET_SET)


def _patterns(shot: plan.Shot) -> set[str]:
    return {garment.pattern for garment in shot.outfit.garments}


@pytest.mark.parametrize("set_name", SETS)
def test_held_out_poses_and_patterns_never_appear_in_train(set_name: str) -> None:
    shots = [s for n in range(60) for s in plan.shots(set_name, n, "train", 4)]
    assert not {s.pose.name.removesuffix("_mirrored") for s in shots} & set(TEST_POSES)
    worn = set().union(*(_patterns(s) for s in shots))
    assert not worn & set(HELD_OUT_PATTERNS)
    assert worn == set(PATTERNS) - set(HELD_OUT_PATTERNS)


def test_held_out_poses_and_patterns_appear_in_test() -> None:
    shots = [s for n in range(25) for s in plan.shots("mannequin", n, "test")]
    assert set(TEST_POSES) <= {s.pose.name.removesuffix("_mirrored") for s in shots}
    assert set(HELD_OUT_PATTERNS) <= set().union(*(_patterns(s) for s in shots))


def test_train_and_test_persons_never_meet() -> None:
    for set_name in SETS:
        people = {
            (split, n): plan.identity(set_name, n, split)
            for split in plan.SPLITS
            for n in range(20)
        }
        looks = {(p.body, p.face, p.skin) for p in people.values()}
        assert len(looks) == len(people)


def test_shots_are_a_pure_function_and_survive_json() -> None:
    first, second = (plan.shots("mannequin", 3, "train") for _ in range(2))
    assert first == second
    assert [s.index for s in first] == list(range(20))
    text = first[0].to_json()
    assert text == second[0].to_json()
    assert json.loads(text)["pose"]["name"] == first[0].pose.name


def test_an_earlier_person_does_not_change_a_later_one() -> None:
    alone = plan.identity("mannequin", 17)
    for number in range(17):
        plan.shots("mannequin", number, "train", 2)
    assert plan.identity("mannequin", 17) == alone


def test_streams_are_independent() -> None:
    person = plan.identity("mannequin", 4)
    tailor = plan.Tailor(person)
    clothes = plan.outfit("mannequin", 4)
    other = clothes.replaced(tailor.top(False, variant=1))
    changed = [a.kind for a, b in zip(clothes.garments, other.garments, strict=True) if a != b]
    assert changed == ["top"]
    bald = dataclasses.replace(person, hair=dataclasses.replace(person.hair, style="bald"))
    assert plan.draw_outfit(bald) == clothes
    heavy = dataclasses.replace(person, body=(), face=())
    assert plan.draw_outfit(heavy) == clothes


def test_quotas_hold_in_every_run_of_25() -> None:
    for start in (0, 3, 11, 38):
        numbers = range(start, start + 25)
        kinds: Counter[str] = Counter()
        for n in numbers:
            kinds.update(g.kind for g in plan.outfit("mannequin", n).garments)
        for item in EXTRAS:
            assert kinds[item] >= 4, (start, item)
        styles = Counter(clothing_style("mannequin", "train", n) for n in numbers)
        for style in ("dress", "skirt", "jumpsuit", "shorts", "pants"):
            assert styles[style] >= 3, (start, style)
        women = sum(plan.identity("mannequin", n).woman for n in numbers)
        assert 9 <= women <= 16


def test_everybody_is_an_adult_and_clothed() -> None:
    for set_name in SETS:
        for n in range(40):
            body = dict(plan.identity(set_name, n).body)
            assert 0.0 <= body["age"] <= 1.0
            kinds = {g.kind for g in plan.outfit(set_name, n).garments}
            assert "shoes" in kinds
            assert kinds & {"dress", "jumpsuit"} or ("top" in kinds and kinds & {"pants", "skirt"})


def test_studio_framings_and_yaws() -> None:
    views = [s.view for n in range(10) for s in plan.shots("mannequin", n, "train")]
    framings = Counter(v.framing for v in views)
    assert framings == {"full": 130, "upper": 70}
    frontal = sum(abs(v.yaw) < 65 for v in views) / len(views)
    assert 0.45 < frontal < 0.75
    assert any(abs(v.yaw) > 165 for v in views)


def test_street_shots_are_full_body_with_their_own_backgrounds() -> None:
    shots = plan.shots("mannequin_street", 2, "train")
    assert {s.view.framing for s in shots} == {"full"}
    assert len({s.view.background_seed for s in shots}) == len(shots)
    assert all(s.size == (128, 64) for s in shots)


def test_figure_pairs_change_the_figure_only() -> None:
    for before, after in plan.figure_pairs("mannequin", range(6)):
        assert before.figure != after.figure
        assert dataclasses.replace(after, figure=before.figure) == before


def test_outfit_pairs_change_one_garment_only() -> None:
    for before, after in plan.outfit_pairs("mannequin", range(12)):
        pairs = zip(before.outfit.garments, after.outfit.garments, strict=True)
        changed = [(a, b) for a, b in pairs if a != b]
        assert len(changed) == 1
        assert changed[0][0].kind == changed[0][1].kind
        assert dataclasses.replace(after, outfit=before.outfit) == before


@pytest.mark.parametrize(
    ("set_name", "split", "number"),
    [("dolls", "train", 0), ("mannequin", "val", 0), ("mannequin", "test", -1)],
)
def test_wrong_names_are_refused(set_name: str, split: str, number: int) -> None:
    with pytest.raises(ValueError, match=r"known|negative"):
        plan.identity(set_name, number, split)
