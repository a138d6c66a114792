"""What a record says of the weights that it used."""

from __future__ import annotations

from typing import Any

import pytest

from recapbench.results import WeightsPart

ONE: dict[str, Any] = {"steps": 5000, "steps_taken": 5000, "seconds": 4680.0, "device": "cpu"}
SECOND = {
    "steps": 3000,
    "steps_taken": 2700,
    "seconds": 90.0,
    "device": "cuda",
    "init": {"sha256": "0" * 64, "training": ONE},
}


@pytest.mark.parametrize(
    ("training", "effort"),
    [
        (ONE, "5,000 steps in 78.0 min on cpu"),
        ({**ONE, "init": None}, "5,000 steps in 78.0 min on cpu"),
        (SECOND, "7,700 steps in 79.5 min on cuda, cpu, in 2 trainings"),
        ({"steps": 100}, "100 steps on ?"),
        ({**ONE, "seconds": 60.0}, "5,000 steps in 60.0 s on cpu"),
        ({**ONE, "seconds": 7200}, "5,000 steps in 2.0 h on cpu"),
        ({**ONE, "init": {"sha256": "0" * 64, "training": {}}}, None),
        ({"steps_taken": "many"}, None),
        ({}, None),
    ],
)
def test_effort_counts_what_the_weights_started_from(
    training: dict[str, Any], effort: str | None
) -> None:
    weights = WeightsPart(file="x.safetensors", sha256="0" * 64, training=training)
    assert weights.effort == effort
