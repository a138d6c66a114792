"""Training: exact resume after a kill, refusal of other plans, checkpoints, the record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from recapbench.data.datasets import find_dataset
from recapbench.errors import DataError, UsageError
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.weights_file import read_header
from recapbench.request import RunRequest
from recapbench.run import run
from recapbench.training.checkpoint import read_checkpoint
from recapbench.training.folder import CHECKPOINT, LOG, LOOKS, PLAN, WEIGHTS
from recapbench.training.loop import Trainer
from recapbench.training.start import TrainingRequest, open_trainer
from recapbench.training.validation import Validation, is_due

SMALL = {
    "width": 4,
    "geometry_width": 4,
    "discriminator_width": 4,
    "residual_blocks": 1,
    "batch_size": 2,
    "ground_truth_layout": 0.5,
    "perceptual": "effnet_lite0",
}
OPTIONS = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]


def request(out: Path, steps: int = 6, **changes: object) -> TrainingRequest:
    facts: dict[str, object] = {
        "method": "sat_lgr",
        "dataset": "mannequin_street",
        "preset": "tiny",
        "overrides": SMALL,
        "seed": 3,
        "checkpoint_every": 2,
        "sample_every": 0,
        "log_every": 2,
        "device": "cpu",
    }
    return TrainingRequest(out=out, steps=steps, **(facts | changes))  # type: ignore[arg-type]


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def same(first: Path, second: Path) -> bool:
    ours, theirs = load_file(first), load_file(second)
    return ours.keys() == theirs.keys() and all(
        torch.equal(ours[name], theirs[name]) for name in ours
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Path:
    """A run of six steps without interruption."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        patch.setenv("RECAPBENCH_OFFLINE", "1")
        out = tmp_path_factory.mktemp("whole") / "run"
        open_trainer(request(out)).run()
    return out


def test_the_same_plan_gives_the_same_weights(whole: Path, tmp_path: Path) -> None:
    open_trainer(request(tmp_path / "again")).run()
    assert same(whole / CHECKPOINT, tmp_path / "again" / CHECKPOINT)
    assert same(whole / WEIGHTS, tmp_path / "again" / WEIGHTS)
    open_trainer(request(tmp_path / "other", seed=4)).run()
    assert not same(whole / WEIGHTS, tmp_path / "other" / WEIGHTS)


def test_resume_goes_on_exactly(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trainer = open_trainer(request(out))
    real, calls = trainer._train_step, 0

    def stop_in_the_fifth(batch: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return real(batch)  # type: ignore[arg-type]

    trainer._train_step = stop_in_the_fifth  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert read_checkpoint(out / CHECKPOINT)[0].step == 4
    assert read_header(out / WEIGHTS).training["steps_taken"] == 4
    torch.manual_seed(99)
    open_trainer(request(out, resume=True)).run()
    assert same(whole / CHECKPOINT, out / CHECKPOINT)
    assert same(whole / WEIGHTS, out / WEIGHTS)
    steps = [json.loads(line)["step"] for line in (out / LOG).read_text().splitlines()]
    assert steps == [2, 4, 6]


def test_killed_at_an_arbitrary_moment_it_ends_with_the_same_weights(
    whole: Path,
    tmp_path: Path,
    cli: Callable[..., subprocess.CompletedProcess[str]],
    cli_started: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[..., None],
) -> None:
    out = tmp_path / "run"
    arguments = [
        *("train", "--method", "sat_lgr", "--dataset", "mannequin_street", "--preset", "tiny"),
        *("--out", str(out), "--steps", "6", "--seed", "3", "--device", "cpu"),
        *("--checkpoint-every", "2", "--sample-every", "0", "--log-every", "2", *OPTIONS),
    ]
    process = cli_started(*arguments)
    wait_until(lambda: (out / CHECKPOINT).exists() or process.poll() is not None)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert read_checkpoint(out / CHECKPOINT)[0].step < 6
    done = cli(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    assert same(whole / CHECKPOINT, out / CHECKPOINT)
    assert same(whole / WEIGHTS, out / WEIGHTS)


def test_a_finished_training_is_left_as_it_is(whole: Path) -> None:
    files = (WEIGHTS, CHECKPOINT, LOG, PLAN)
    before = {name: (whole / name).read_bytes() for name in files}
    open_trainer(request(whole, resume=True, command="recapbench train again")).run()
    assert {name: (whole / name).read_bytes() for name in before} == before


def test_a_resumed_training_keeps_its_command_and_knows_its_network(
    whole: Path, tmp_path: Path
) -> None:
    """Also if none of the steps that were left has used the perceptual loss."""
    out = tmp_path / "run"
    out.mkdir()
    for name in (CHECKPOINT, LOG, PLAN):
        (out / name).write_bytes((whole / name).read_bytes())
    open_trainer(request(out, resume=True, command="recapbench train again")).run()
    training = read_header(out / WEIGHTS).training
    assert training["perceptual"] == "effnet_lite0"
    assert training["command"] == json.loads((whole / PLAN).read_text())["command"]
    assert same(whole / WEIGHTS, out / WEIGHTS)


def test_the_record_says_how_the_weights_were_made(whole: Path) -> None:
    header = read_header(whole / WEIGHTS)
    plan = json.loads((whole / PLAN).read_text())
    assert header.dataset == "mannequin_street"
    assert header.config["width"] == 4
    for key in ("steps", "seed", "data", "manifest", "pairs", "preset", "precision"):
        assert header.training[key] == plan[key]
    assert header.training["perceptual"] == "effnet_lite0"
    assert header.training["seconds"] > 0
    assert "torch" in header.training["versions"]


def test_another_plan_cannot_be_resumed(whole: Path) -> None:
    with pytest.raises(DataError, match="seed: 3 there, 5 asked"):
        open_trainer(request(whole, seed=5, resume=True))
    with pytest.raises(UsageError, match="holds a training run already"):
        open_trainer(request(whole))


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training run to resume"):
        open_trainer(request(tmp_path, resume=True))


@pytest.mark.parametrize("keep", [0, 7, 1000, 0.5])
def test_a_damaged_checkpoint_is_named(whole: Path, tmp_path: Path, keep: float) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / PLAN).write_bytes((whole / PLAN).read_bytes())
    data = (whole / CHECKPOINT).read_bytes()
    (out / CHECKPOINT).write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
    with pytest.raises(DataError, match=r"checkpoint\.safetensors cannot be read"):
        open_trainer(request(out, resume=True))


def test_the_step_size_falls_to_zero(tmp_path: Path) -> None:
    trainer = open_trainer(request(tmp_path / "run", overrides=SMALL | {"decay_from": 0.5}))
    factors = [trainer.method.learning_rate(step / 6) for step in range(6)]
    assert factors[:4] == [1.0, 1.0, 1.0, 1.0]
    assert factors[4] == pytest.approx(2 / 3)
    assert factors[5] == pytest.approx(1 / 3)


def test_looks_at_other_persons_change_nothing(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    open_trainer(request(out, sample_every=3)).run()
    assert sorted(path.name for path in (out / "samples").iterdir()) == [
        "step-0000003.png",
        "step-0000006.png",
    ]
    assert same(whole / CHECKPOINT, out / CHECKPOINT)
    assert [line["step"] for line in lines(out / LOOKS)] == [3, 6]


def test_validation_is_the_metric_of_the_run(whole: Path, tmp_path: Path) -> None:
    """The figure of the last look, from the weights as they are kept."""
    weights = whole / WEIGHTS
    cls = find_method("sat_lgr")
    record = find_dataset("mannequin_street")
    method = cls.open(record.name, image_spec(record), weights)
    split = record.open("test", "tiny")
    validation = Validation(split, [split.manifest()[row] for row in range(9)])
    found, sheet = validation.look(method, torch.device("cpu"))
    asked = RunRequest("sat_lgr", record.name, tmp_path / "run", limit=9, weights=weights)
    result = run(replace(asked, preset="tiny", metrics=("l1",), device="cpu"))
    assert found == pytest.approx(result.scores[0].value, abs=1e-4)
    assert len({pair.target for pair in validation.pairs}) > 1
    assert sheet.startswith(b"\x89PNG")


def test_looks_after_the_checkpoint_come_again(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trainer = open_trainer(request(out, sample_every=1))
    trainer._save = lambda: None if trainer.step > 4 else Trainer._save(trainer)  # type: ignore[method-assign]
    trainer.run()
    assert [line["step"] for line in lines(out / LOOKS)] == [1, 2, 3, 4, 5, 6]
    open_trainer(request(out, sample_every=1, resume=True))
    assert [line["step"] for line in lines(out / LOOKS)] == [1, 2, 3, 4]
    assert [line["step"] for line in lines(out / LOG)] == [2, 4]


def test_validation_pairs_are_spread_evenly() -> None:
    split = find_dataset("mannequin_street").open("test", "tiny")
    manifest = split.manifest()
    pairs = Validation.of(split).pairs
    assert len(pairs) == min(48, len(manifest))
    assert len(set(pairs)) == len(pairs)
    assert {split.identity(pair.source) for pair in pairs} == {
        split.identity(pair.source) for pair in manifest
    }


def test_when_to_look() -> None:
    assert [step for step in range(1, 1301) if is_due(step, 500, 1300)] == [
        10, 50, 100, 200, 500, 1000, 1300,
    ]  # fmt: skip
    assert [step for step in range(1, 101) if is_due(step, 40, 100)] == [10, 40, 80, 100]
    assert not any(is_due(step, 0, 100) for step in range(1, 101))


def test_settings_that_go_together(tmp_path: Path) -> None:
    trainer = open_trainer(
        request(tmp_path / "run", config="cpu", overrides=SMALL | {"self_pairs": 0.25})
    )
    config = trainer.plan.config
    assert (config["width"], config["self_pairs"]) == (4, 0.25)
    assert (config["sat_place_weight"], config["coarse_loss"]) == (600.0, 8)
    with pytest.raises(UsageError, match=r"unknown config of sat_lgr 'gpu'.*cpu"):
        open_trainer(request(tmp_path / "other", config="gpu"))


def test_a_method_without_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be trained"):
        open_trainer(request(tmp_path / "run", method="copy_source", overrides={}))


def test_training_can_start_from_weights(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trainer = open_trainer(request(out, steps=2, init=whole / WEIGHTS))
    start = load_file(whole / WEIGHTS)
    for name, tensor in trainer.sides["generator"].state_dict().items():
        assert torch.equal(tensor, start[name].float())
    training = read_header(trainer.run()).training
    assert training["init"]["training"]["steps"] == 6
    assert training["init"]["dataset"] == "mannequin_street"
    with pytest.raises(DataError, match="shape"):
        open_trainer(
            request(tmp_path / "wide", overrides=SMALL | {"width": 8}, init=whole / WEIGHTS)
        )
