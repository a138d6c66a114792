"""Records of an ablation with made-up figures, for tests of what is done with records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recapbench.data.datasets import find_dataset
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.score import Score
from recapbench.leaderboard.ablation import DEFAULT_METRICS, record_name
from recapbench.leaderboard.board import ABLATION
from recapbench.leaderboard.table4 import table4
from recapbench.methods.find import find_method, image_spec
from recapbench.provenance import write_json
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Result,
    WeightsPart,
)

DATASET = "mannequin_street"
METHODS = [row.method for row in table4().rows]
PAIRED = DEFAULT_METRICS[:3]
HARD = 0.5
"""What a half of the persons is harder than the half before it, for every method."""
SMALL = {"width": 4, "geometry_width": 4, "discriminator_width": 4, "residual_blocks": 0}


def score(name: str, value: float, half: float = 0.02) -> Score:
    """A figure with an interval around it."""
    higher = not name.startswith(("l1", "fid"))
    return Score(
        name=name,
        value=value,
        n=500,
        low=value - half,
        high=value + half,
        interval="95% bootstrap over 25 persons",
        halves=tuple(value + HARD * half for half in range(4)) if name.startswith("fid") else (),
        higher_is_better=higher,
    )


def record(method: str, seed: int = 0, value: float | None = None, **training: Any) -> Result:
    """The record of a training; ``value`` is every metric's, by default the row's place."""
    cls = find_method(method)
    config = cls.configure(image_spec(find_dataset(DATASET)), SMALL)
    place = METHODS.index(method)
    value = 0.3 + 0.01 * place if value is None else value
    facts = {
        "preset": "small",
        "data": "d" * 64,
        "manifest": "e" * 64,
        "pairs": 38000,
        "steps": 100,
        "steps_taken": 100,
        "seed": seed,
        "precision": "fp32",
        "perceptual": "effnet_lite0",
        "init": None,
        "command": f"recapbench train --method {method} --seed {seed}",
    }
    return Result(
        origin="measured",
        method=MethodPart(name=method, title=cls.title, config=config.model_dump(mode="json")),
        weights=WeightsPart(
            file="weights.safetensors", sha256=f"{place}{seed}" * 32, training=facts | training
        ),
        dataset=DatasetPart(
            name=DATASET, split="test", preset="small", images="a" * 64, annotations="b" * 64
        ),
        manifest=ManifestPart(sha256="c" * 64, n=500, protocol="within_identity/1", file=None),
        outputs=OutputsPart(sha256="f" * 64),
        target_parsing="predicted",
        scores=[score(name, value) for name in DEFAULT_METRICS],
        references=[],
        seed=0,
        device="cpu",
        seconds=1.0,
        versions={},
        commit=None,
    )


def values_of(result: Result) -> PairValues:
    """Values of pairs whose means are the record's: the person's number, in hundredths, off it."""
    rows = range(result.manifest.n)
    means = {score.name: score.value or 0.0 for score in result.scores}
    return PairValues(
        pairs=tuple((f"source{row}.png", f"target{row}.png") for row in rows),
        persons=tuple(f"person{row % 25}" for row in rows),
        metrics={
            name: [mean + 0.01 * (row % 25 - 12) for row in rows]
            for name, mean in means.items()
            if name in PAIRED
        },
    )


def write(root: Path, *results: Result) -> Path:
    """File records and the values of their pairs in leaderboards; their folder again."""
    for result in results:
        assert result.weights is not None
        seed = result.weights.training["seed"]
        path = root / DATASET / ABLATION / record_name(result.method.name, seed)
        write_json(path, result.document())
        path.with_suffix(".csv").write_bytes(values_of(result).encoded())
    return root
