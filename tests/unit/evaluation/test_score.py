"""What a score may and may not say."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from recapbench.evaluation.score import Score

GOOD = {"name": "l1", "value": 0.5, "n": 3, "low": 0.4, "high": 0.6, "higher_is_better": False}


def test_round_trip_through_json():
    score = Score(**GOOD)
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


def test_frozen():
    with pytest.raises(ValidationError):
        Score(**GOOD).value = 1.0
