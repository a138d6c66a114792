"""What a score may and may not say."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from recapbench.evaluation.score import Score, SizeFigure, number_text

GOOD = {
    "name": "l1",
    "value": 0.5,
    "n": 3,
    "low": 0.4,
    "high": 0.6,
    "interval": "95% bootstrap over 3 persons",
    "higher_is_better": False,
}
SIZE = SizeFigure(n=4, mean=1.0, std=0.5, draws=3)


def test_round_trip_through_json():
    score = Score(**GOOD, sizes=(SIZE,), extractor="toy")
    assert Score.model_validate_json(score.model_dump_json()) == score


@pytest.mark.parametrize(
    "change",
    [
        {"value": math.nan},
        {"value": math.inf},
        {"low": -math.inf},
        {"value": None},
        {"reason": "why"},
        {"value": None, "reason": "why"},
        {"low": None},
        {"low": None, "high": None},
        {"interval": None},
        {"failed": True},
        {
            "value": None,
            "reason": "why",
            "low": None,
            "high": None,
            "interval": None,
            "sizes": (SIZE,),
        },
        {"low": 0.7},
        {"n": -1},
        {"n": "3"},
        {"value": "0.5"},
        {"other": 1},
    ],
)
def test_refused(change):
    with pytest.raises(ValidationError):
        Score(**{**GOOD, **change})


def test_a_reason_in_place_of_a_value():
    score = Score(name="l1", value=None, reason="why", failed=True, n=3, higher_is_better=False)
    assert Score.model_validate_json(score.model_dump_json()) == score


@pytest.mark.parametrize("change", [{"n": 1}, {"draws": 0}, {"mean": math.nan}, {"std": math.inf}])
def test_figures_of_parts_that_are_refused(change):
    with pytest.raises(ValidationError):
        SizeFigure(**{**SIZE.model_dump(), **change})


def test_frozen():
    with pytest.raises(ValidationError):
        Score(**GOOD).value = 1.0


def test_a_figure_has_the_decimals_that_tell_methods_apart():
    assert [number_text(value) for value in (0.78129, 9.9999, 10.004, -3.25)] == [
        "0.7813",
        "9.9999",
        "10.00",
        "-3.2500",
    ]


def test_what_rounds_to_zero_has_no_sign():
    assert number_text(-1e-9) == "0.0000"
