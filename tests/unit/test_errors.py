"""What messages say."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from recapbench.errors import unknown, what_is_wrong


class Figures(BaseModel):
    """A model with places to be wrong in."""

    n: int
    names: list[str]
    mean: float
    least: float


def wrong(content: dict[str, object], most: int = 3) -> str:
    with pytest.raises(ValidationError) as caught:
        Figures.model_validate(content)
    return what_is_wrong(caught.value, most)


def test_places_and_values_stand_on_one_line() -> None:
    text = wrong({"n": "many", "names": ["a", 7], "mean": 0.5, "least": 0.5})
    number, name = text.split("; ")
    assert number.startswith("n: ")
    assert number.endswith("(got 'many')")
    assert name.startswith("names.1: ")
    assert name.endswith("(got 7)")


def test_what_is_missing_got_nothing() -> None:
    assert wrong({"n": 1, "names": [], "mean": 0.5}) == "least: Field required"


def test_many_are_counted() -> None:
    assert wrong({}, most=1) == "n: Field required; and 3 more"


def test_long_values_are_cut() -> None:
    assert len(wrong({"n": "x" * 500, "names": [], "mean": 0.5, "least": 0.5})) < 150


def test_a_family_is_named_whole_before_a_name_that_is_spelt_alike() -> None:
    known = ["kid", "fid.train_images", "fid.test_targets", "fidelity"]
    text = str(unknown("metric", "fid", known))
    assert "Did you mean 'fid.test_targets' or 'fid.train_images'? Known: fid.test" in text
    assert "Did you mean 'fid.test_targets'?" in str(unknown("metric", "fid.test_target", known))
    assert "Did you mean" not in str(unknown("metric", "zzz", known))
