"""`scripts/run_ablation.py`: finished trainings become records, once."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from ablation_records import DATASET, SMALL, record
from checkout_scripts import load_script

from recapbench.data.datasets import find_dataset
from recapbench.leaderboard.ablation import read_ablation
from recapbench.leaderboard.table4 import BASIC, FULL
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench.provenance import sha256_file


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("run_ablation")


def training(folder: Path, method: str, seed: int = 0, **facts: Any) -> Path:
    """A folder as a training leaves it, with untrained weights of a small model."""
    spec = image_spec(find_dataset(DATASET))
    cls = find_method(method)
    config = cls.configure(spec, SMALL)
    torch.manual_seed(seed)
    weights = record(method, seed).weights
    assert weights is not None
    header = WeightsHeader(
        method=method,
        dataset=DATASET,
        height=spec.height,
        width=spec.width,
        parts=spec.parts,
        config=config.model_dump(mode="json"),
        training=weights.training | {"preset": "tiny"} | facts,
    )
    path = folder / f"{DATASET}-{method}-{seed}" / "weights.safetensors"
    write_weights(path, cls(config, spec).weights(), header)  # type: ignore[attr-defined]
    return path


def test_only_finished_trainings_of_the_rows_count(script: ModuleType, tmp_path: Path) -> None:
    whole = training(tmp_path, BASIC)
    training(tmp_path, FULL, steps_taken=50)
    assert [path for path, _ in script.finished(tmp_path)] == [whole]


def test_records_are_filed_once_and_made_anew_for_other_weights(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainings, out = tmp_path / "trainings", tmp_path / "out"
    path = training(trainings, BASIC, seed=3)
    expected = out / DATASET / "ablation" / "sat_lgr-basic-seed3.json"
    assert script.file_all(trainings, out, "cpu") == [DATASET]
    assert capsys.readouterr().out == f"{expected}\n"
    run = read_ablation(DATASET, out).runs[0]
    assert run.digest == sha256_file(path)
    values = [value for value in run.values.metrics["l1"] if value is not None]
    assert sum(values) / len(values) == pytest.approx(run.score("l1").value, abs=1e-12)
    assert run.result.manifest.n == len(find_dataset(DATASET).open("test", "tiny").manifest())
    assert run.training["command"] == "recapbench train --method sat_lgr-basic --seed 3"

    before = expected.read_bytes()
    script.file_all(trainings, out, "cpu")
    assert capsys.readouterr().out == ""
    assert expected.read_bytes() == before

    training(trainings, BASIC, seed=3, command="another")
    assert not script.is_filed(expected, path)
