"""The main job: what it writes, that its pixels depend on nothing but its inputs, and resume."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from recapbench.data.datasets import find_dataset
from recapbench.data.manifest import write_manifest
from recapbench.data.query import Query
from recapbench.errors import DataError, MissingWeightsError, UsageError
from recapbench.evaluation.layout import LAYOUT_MIOU, confusion, layout_score, mean_iou
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pair_values import read_pair_values
from recapbench.methods.find import find_method
from recapbench.methods.reference import CopySource
from recapbench.provenance import write_json
from recapbench.registry import PluginError
from recapbench.request import RunRequest
from recapbench.results import read_result
from recapbench.run import run

LIMIT = 6


def request(out: Path, weights: Path | None, **changes: object) -> RunRequest:
    facts: dict[str, object] = {
        "method": "sat_lgr",
        "dataset": "mannequin_street",
        "preset": "tiny",
        "limit": LIMIT,
        "device": "cpu",
    }
    return RunRequest(out=out, weights=weights, **(facts | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, street_weights: Path, shared_home: Path) -> Path:
    """A finished run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        patch.setenv("RECAPBENCH_OFFLINE", "1")
        out = tmp_path_factory.mktemp("runs") / "done"
        run(request(out, street_weights))
    return out


def test_writes_result_images_layouts_and_grid(done: Path) -> None:
    result = read_result(done / "result.json")
    assert result.method.name == "sat_lgr"
    assert result.manifest.n == LIMIT
    assert [score.name for score in result.scores] == [*METRICS, LAYOUT_MIOU]
    assert all(score.n == LIMIT for score in result.scores if score.value is not None)
    assert [reference.name for reference in result.references] == ["copy_source", "real"]
    assert result.weights is not None
    assert result.weights.training["steps"] == 2
    for folder in ("images", "layouts"):
        assert len(list((done / folder).iterdir())) == LIMIT
    with Image.open(done / "grid.png") as grid:
        assert grid.width > 5 * 128


def test_the_values_of_the_pairs_make_the_scores(done: Path) -> None:
    result, values = read_result(done / "result.json"), read_pair_values(done / "values.csv")
    assert len(values.pairs) == len(values.persons) == LIMIT
    assert {"l1", "ssim.def_gan", "mask_ssim.inside"} <= values.metrics.keys()
    for name, column in values.metrics.items():
        known = [value for value in column if value is not None]
        if result.score(name).value is None:
            assert known == []
        else:
            assert math.fsum(known) / len(known) == result.score(name).value


def test_the_record_counts_the_parameters(done: Path, street_weights: Path, tmp_path: Path) -> None:
    """Spectral norm's vectors are none: they are not trained."""
    trained = {
        name: tensor
        for name, tensor in load_file(street_weights).items()
        if not name.endswith(("._u", "._v"))
    }
    counted = read_result(done / "result.json").method.parameters
    assert counted == sum(tensor.numel() for tensor in trained.values())
    copied = run(request(tmp_path / "copy", None, method="copy_source", metrics=("l1",)))
    assert copied.method.parameters is None


def test_the_json_keeps_its_contract(done: Path) -> None:
    document = json.loads((done / "result.json").read_text())
    assert document["schema"] == "recapbench.result/1"
    assert document["method"]["name"] == "sat_lgr"
    assert len(document["manifest"]["sha256"]) == len(document["outputs"]["sha256"]) == 64
    keys = {"name", "value", "n", "low", "high", "higher_is_better"}
    for score in document["scores"]:
        assert keys <= score.keys()
        assert (score["value"] is None) == bool(score["reason"])


def test_real_images_are_perfect_and_copies_are_not(done: Path) -> None:
    result = read_result(done / "result.json")
    rows = {r.name: {s.name: s.value for s in r.scores} for r in result.references}
    assert rows["real"]["ssim.def_gan"] == 1
    assert rows["real"]["l1"] == 0
    assert rows["real"]["psnr"] is None
    assert 0 < rows["copy_source"]["ssim.def_gan"] < 1
    assert rows["copy_source"]["l1"] > 0


@pytest.mark.parametrize("batch_size", [1, 4, 6])
@pytest.mark.parametrize("workers", [0, 2])
def test_batch_size_and_workers_change_nothing(
    done: Path, tmp_path: Path, street_weights: Path, batch_size: int, workers: int
) -> None:
    first = read_result(done / "result.json")
    again = run(request(tmp_path / "r", street_weights, batch_size=batch_size, num_workers=workers))
    assert again.outputs == first.outputs
    assert again.scores == first.scores
    assert again.references == first.references


def test_the_scores_are_those_of_the_saved_files(
    done: Path, tmp_path: Path, street_weights: Path
) -> None:
    out = tmp_path / "r"
    first = run(request(out, street_weights))
    victim = sorted((out / "images").iterdir())[2]
    with Image.open(victim) as image:
        pixels = np.asarray(image).copy()
    pixels[:40] = 255
    Image.fromarray(pixels).save(victim)
    changed = run(request(out, street_weights, resume=True))
    assert changed.outputs != first.outputs
    assert changed.score("l1").value != first.score("l1").value


def test_resume_makes_what_is_missing_or_damaged_and_nothing_else(
    done: Path, tmp_path: Path, street_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "r"
    first = run(request(out, street_weights))
    images = sorted((out / "images").iterdir())
    images[1].unlink()
    images[4].write_bytes(images[4].read_bytes()[:100])
    made: list[str] = []
    cls = find_method("sat_lgr")
    real = cls.generate_with_layout  # type: ignore[attr-defined]

    def counted(self: object, query: Query) -> object:
        made.extend(query.target_names)
        return real(self, query)

    monkeypatch.setattr(cls, "generate_with_layout", counted)
    again = run(request(out, street_weights, resume=True))
    assert len(made) == 2
    assert again.outputs == first.outputs == read_result(done / "result.json").outputs
    assert again.seconds == first.seconds


def test_the_seconds_of_a_part_are_not_those_of_the_run(
    tmp_path: Path, street_weights: Path
) -> None:
    out = tmp_path / "r"
    first = run(request(out, street_weights))
    assert first.seconds
    images = sorted((out / "images").iterdir())
    images[1].unlink()
    (out / "result.json").unlink()
    assert run(request(out, street_weights, resume=True)).seconds is None
    with Image.open(images[0]) as image:
        Image.fromarray(255 - np.asarray(image)).save(images[0])
    write_json(out / "result.json", first.document())
    assert run(request(out, street_weights, resume=True)).seconds is None
    (out / "result.json").write_text("{")
    assert run(request(out, street_weights, resume=True)).seconds is None


def test_a_folder_with_another_run_is_refused(done: Path, street_weights: Path) -> None:
    with pytest.raises(UsageError, match="holds a run already: add --resume"):
        run(request(done, street_weights))
    with pytest.raises(UsageError, match=r"run of something else \(other manifest\)"):
        run(request(done, street_weights, resume=True, limit=3))


@pytest.mark.parametrize("name", ["result.json", "values.csv", "grid.png", "images/0.png"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_holds_something_else_is_left_alone(
    tmp_path: Path, street_weights: Path, name: str, resume: bool
) -> None:
    held = tmp_path / name
    held.parent.mkdir(exist_ok=True)
    held.write_text("of something else")
    top = held.relative_to(tmp_path).parts[0]
    message = rf"not of a run already \({top}\): name another folder"
    with pytest.raises(UsageError, match=message):
        run(request(tmp_path, street_weights, resume=resume))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [held]
    assert held.read_text() == "of something else"


@pytest.mark.parametrize("what", ["images", "annotations"])
def test_images_of_other_data_are_not_kept(
    done: Path, tmp_path: Path, street_weights: Path, what: str
) -> None:
    """A data set that was prepared again, or another size of it, has other digests."""
    copy = tmp_path / "copy"
    shutil.copytree(done, copy)
    path = copy / "request.json"
    asked = json.loads(path.read_text())
    assert asked[what] == getattr(read_result(done / "result.json").dataset, what)
    path.write_text(json.dumps(asked | {what: "0" * 64}))
    with pytest.raises(UsageError, match=rf"run of something else \(other {what}\)"):
        run(request(copy, street_weights, resume=True))


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_damaged_request_is_named(tmp_path: Path, street_weights: Path, text: str) -> None:
    (tmp_path / "request.json").write_text(text)
    with pytest.raises(DataError, match=r"request\.json is damaged: expected the request"):
        run(request(tmp_path, street_weights, resume=True))
    assert (tmp_path / "request.json").read_text() == text


def test_a_given_layout_takes_the_place_of_the_predicted(
    done: Path, tmp_path: Path, street_weights: Path
) -> None:
    result = run(request(tmp_path / "r", street_weights, target_parsing="ground_truth"))
    assert result.target_parsing == "ground_truth"
    assert "target_parsing" in result.method.inputs
    assert LAYOUT_MIOU not in [score.name for score in result.scores]
    assert result.outputs != read_result(done / "result.json").outputs


def test_a_manifest_file_decides_the_pairs(tmp_path: Path, street_weights: Path) -> None:
    record = find_dataset("mannequin_street")
    manifest = record.open("test", "tiny").manifest().limit(3)
    path = tmp_path / "three.csv"
    write_manifest(manifest, path)
    result = run(request(tmp_path / "r", street_weights, manifest=path, limit=None))
    assert result.manifest.n == 3
    assert result.manifest.sha256 == manifest.sha256


def test_the_name_of_a_manifest_need_not_be_text(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"m\xe9.csv")
    write_manifest(find_dataset("mannequin_street").open("test", "tiny").manifest().limit(1), path)
    run(request(tmp_path / "r", None, method="copy_source", manifest=path, limit=None))
    assert read_result(tmp_path / "r" / "result.json").manifest.file == "m?.csv"


def test_a_manifest_of_another_set_is_refused(tmp_path: Path, street_weights: Path) -> None:
    manifest = find_dataset("mannequin").open("test", "tiny").manifest()
    path = tmp_path / "other.csv"
    write_manifest(manifest, path)
    with pytest.raises(DataError, match="manifest is of dataset 'mannequin'"):
        run(request(tmp_path / "r", street_weights, manifest=path))


def test_missing_weights_name_the_command_that_trains_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_method("sat_lgr"), "shipped_weights", lambda dataset: None)
    with pytest.raises(
        MissingWeightsError, match="recapbench train --method sat_lgr --dataset mannequin_street"
    ):
        run(request(tmp_path / "r", None))


def test_a_reference_method_can_be_run(tmp_path: Path) -> None:
    result = run(request(tmp_path / "r", None, method="copy_source"))
    assert result.weights is None
    assert [reference.name for reference in result.references] == ["real"]
    assert not (tmp_path / "r" / "layouts").exists()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (torch.zeros(1, 3, 8, 8), r"shape \(1, 3, 8, 8\), expected \(1, 3, 128, 64\)"),
        (torch.full((1, 3, 128, 64), torch.nan), "not finite"),
    ],
)
def test_what_a_method_returns_is_checked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: torch.Tensor,
    message: str,
) -> None:
    monkeypatch.setattr(CopySource, "generate", lambda self, query: made)
    with pytest.raises(PluginError, match=message):
        run(request(tmp_path / "r", None, method="copy_source"))


def test_a_method_sees_what_it_declared_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[frozenset[str]] = []
    real: Callable[..., torch.Tensor] = CopySource.generate

    def look(self: CopySource, query: Query) -> torch.Tensor:
        seen.append(query.inputs)
        return real(self, query)

    monkeypatch.setattr(CopySource, "generate", look)
    run(request(tmp_path / "r", None, method="copy_source"))
    assert set(seen) == {frozenset({"source_image"})}


def test_mean_iou_by_hand() -> None:
    truth = np.array([[0, 0, 1], [1, 2, 2]], np.uint8)
    predicted = np.array([[0, 1, 1], [1, 2, 0]], np.uint8)
    counts = confusion(predicted, truth, 4)
    assert counts.sum() == 6
    assert counts[0].tolist() == [1, 1, 0, 0]
    # parts 0: 1/3, 1: 2/3, 2: 1/2; part 3 does not occur
    assert mean_iou(counts) == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3)
    assert layout_score([(truth, truth)], 4).value == 1
