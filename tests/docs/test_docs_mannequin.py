"""What docs/mannequin.md says is kept from training is what the plan of the sets keeps."""

from __future__ import annotations

import pytest
from docs_commands import ROOT

from recapbench.mannequin import plan
from recapbench.mannequin.pattern import HELD_OUT_PATTERNS
from recapbench.mannequin.poses import STREET_POSES, TEST_POSES

PAGE = ROOT / "docs" / "mannequin.md"
NUMBERS = {3: "three", 8: "eight", 11: "eleven"}
PERSONS, PICTURES = 25, 20
"""Of the test split in preset small."""

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs docs/ of the checkout")


def shoots(set_name: str) -> list[list[plan.Shot]]:
    """The pictures of each test person."""
    return [plan.shots(set_name, number, "test", PICTURES) for number in range(PERSONS)]


def wearers(set_name: str) -> int:
    """Test persons with a fabric that is in no training image."""
    worn = [{garment.pattern for garment in shots[0].outfit.garments} for shots in shoots(set_name)]
    return sum(not patterns.isdisjoint(HELD_OUT_PATTERNS) for patterns in worn)


def held_out(shots: list[plan.Shot]) -> int:
    """Pictures of a person in a pose that is kept from training."""
    return sum(shot.pose.name.removesuffix("_mirrored") in TEST_POSES for shot in shots)


def test_the_fabrics_of_the_test_persons() -> None:
    text = PAGE.read_text()
    assert f"{NUMBERS[len(HELD_OUT_PATTERNS)].capitalize()} fabric patterns occur in no" in text
    assert (
        f"{wearers(plan.STUDIO_SET)} of the {PERSONS} test persons of `mannequin` wear one, "
        f"and {wearers(plan.STREET_SET)} of those of `mannequin_street`"
    ) in text


def test_the_poses_of_the_test_persons() -> None:
    text = PAGE.read_text()
    (count,) = {held_out(shots) for shots in shoots(plan.STUDIO_SET)}
    assert {held_out(shots) for shots in shoots(plan.STREET_SET)} == {0}
    assert f"{NUMBERS[len(TEST_POSES)]} base poses are kept from training too: {count} of" in text
    assert f"{count} of the {PICTURES} pictures of every test person have one" in text
    assert f"both splits from the same {NUMBERS[len(STREET_POSES)]}." in text
