"""Each check finds what it is there to find, and passes what is sound."""

from __future__ import annotations

import io
import json
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import toys
from bad_plugins import BAD, WORSE

from recapbench import registry
from recapbench.cli.options import overrides
from recapbench.conformance.checks import LOOKS, rows, serve
from recapbench.conformance.data import Data
from recapbench.conformance.job import check, words_of
from recapbench.conformance.report import CHECKS, CheckReport, Row
from recapbench.conformance.request import CheckRequest
from recapbench.conformance.subject import Subject
from recapbench.errors import MissingWeightsError, StorageError, UsageError
from recapbench.isolation import Ended
from recapbench.methods.base import Method


@pytest.fixture(scope="module")
def data(shared_home: Path) -> Data:
    """Two pairs; read by all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        return Data("mannequin_street", 2, lambda *_: None)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Registers a class of `toys` for the time of a test."""
    real = registry.entry_points

    def add(cls: type[Method[Any]]) -> None:
        point = EntryPoint(cls.name, f"toys:{cls.__name__}", registry.METHODS)
        monkeypatch.setattr(
            registry,
            "entry_points",
            lambda group: [*real(group=group), *([point] if group == registry.METHODS else [])],
        )

    return add


def findings(data: Data, **request: Any) -> dict[str, Row]:
    asked = CheckRequest(pairs=2, **request)
    subject = Subject(registry.find(registry.METHODS, asked.method), asked, data)
    told: list[tuple[str, int, int]] = []
    found = {row.check: row for row in rows(subject, lambda *told_now: told.append(told_now))}
    assert list(found) == list(CHECKS)
    assert {name for name, *_ in told} == {*CHECKS, "ending"}
    return found


def statuses(found: dict[str, Row], status: str) -> dict[str, str]:
    return {row.check: row.detail for row in found.values() if row.status == status}


def test_every_check_is_made() -> None:
    assert list(LOOKS) == list(CHECKS)


def test_a_sound_method_passes(data: Data, register: Any) -> None:
    register(toys.Copy)
    found = findings(data, method="copy")
    assert not statuses(found, "fail")
    assert not statuses(found, "warning")
    assert set(statuses(found, "skipped")) == {"layouts", "training", "weights file", "resuming"}
    assert found["declared inputs"].detail == "source_image and nothing else"
    assert found["images"].detail.startswith("(2, 3, 128, 64) float32, finite, in [-")
    assert "256x256 of mannequin too" in found["both image sizes"].detail
    assert " ms a pair, at most " in found["speed"].detail


def test_a_sound_trainable_method_passes(data: Data, register: Any) -> None:
    register(toys.Toy)
    found = findings(data, method="toy")
    assert not statuses(found, "fail")
    assert not statuses(found, "warning")
    assert set(statuses(found, "skipped")) == {"layouts"}
    assert found["opening"].detail.startswith("with fresh random weights")
    assert "generator: 4 at 0, 4 at 0.99, of 4" in found["training"].detail
    assert "discriminator: 2 at 0, 2 at 0.99, of 2" in found["training"].detail
    assert "bit by bit" in found["resuming"].detail


@pytest.mark.parametrize(
    ("cls", "check", "said"),
    [
        (toys.Curious, "declared inputs", "asked for target_pose, which it does not declare"),
        (toys.Peeking, "target unseen", "under the names of other pairs: expected the same"),
        (toys.Opening, "target unseen", "of the data set's files by itself, expected none, got /"),
        (toys.Counting, "same seed, same images", "called twice with one seed: expected the same"),
        (toys.Normalising, "batch independence", "2 pairs at once and one by one: expected the "),
        (toys.Sneaking, "inputs unchanged", "wrote over its inputs: expected them untouched"),
        (toys.Forgetful, "resuming", "after a checkpoint expected losses l1 "),
        (toys.Half, "weights file", "is all of the model in the file?"),
        (toys.Exploding, "training", "in training: expected a finite loss of generator, got nan"),
        (toys.Attached, "training", "expected loss 'l1' detached, got 'one with a gradient'"),
        (toys.Stranger, "training", "expected a side among generator, discriminator, got 'judge'"),
    ],
)
def test_a_broken_rule_fails_its_check_alone(
    data: Data, register: Any, cls: type[Method[Any]], check: str, said: str
) -> None:
    register(cls)
    failed = statuses(findings(data, method=cls.name), "fail")
    assert list(failed) == [check]
    assert said in failed[check]
    assert failed[check].startswith(f"method '{cls.name}' of unknown distribution (toys:")


@pytest.mark.parametrize(
    ("cls", "check", "said"),
    [
        (toys.Blind, "declared inputs", "declared and never read: target_pose"),
        (toys.Idle, "training", "parameters that never moved: 2 of discriminator; "),
    ],
)
def test_what_is_worth_a_look_is_a_warning(
    data: Data, register: Any, cls: type[Method[Any]], check: str, said: str
) -> None:
    register(cls)
    found = findings(data, method=cls.name)
    assert not statuses(found, "fail")
    assert list(statuses(found, "warning")) == [check]
    assert said in found[check].detail


def test_a_method_that_draws_is_no_failure(data: Data, register: Any) -> None:
    register(toys.Drawing)
    found = findings(data, method="drawing")
    assert not statuses(found, "fail")
    assert "it draws: another seed gives other images" in found["same seed, same images"].detail
    assert "it draws" in statuses(found, "skipped")["batch independence"]


IN_PROCESS = {
    "bad_import": ("import", "failed to import: RuntimeError: the moon is full"),
    "bad_exit_import": ("import", "failed to import: SystemExit: 0"),
    "bad_load": ("opening", "RuntimeError: these weights are too heavy"),
    "bad_generate": ("generation", "and 1 more): ValueError: no picture today"),
    "bad_exit": ("generation", "SystemExit: 0"),
    "bad_nan": ("images", "not finite: expected all of them, got 1 that are not"),
    "bad_shape": ("images", "shape (2, 128, 64, 3), expected (2, 3, 128, 64)"),
    "bad_dtype": ("images", "float64, expected float32"),
    "bad_range": ("images", "out of range: expected [-1, 1], got [0, 25"),
    "bad_mutate": ("inputs unchanged", "got another source_image"),
}


@pytest.mark.parametrize("name", IN_PROCESS)
def test_bad_plugins(
    data: Data, bad_plugins: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.syspath_prepend(bad_plugins)
    check, said = IN_PROCESS[name]
    failed = statuses(findings(data, method=name), "fail")
    assert list(failed) == [check]
    value = {**BAD, **WORSE}[name]
    assert failed[check].startswith(f"method {name!r} of recapbench-bad 1.0 ({value}) ")
    assert said in failed[check]


def test_a_shared_name_fails_at_import(
    data: Data, bad_plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(bad_plugins)
    failed = statuses(findings(data, method="bad_shared"), "fail")
    assert list(failed) == ["import"]
    assert "recapbench-bad 1.0 (" in failed["import"]
    assert "recapbench-twin 2.0 (" in failed["import"]


def test_what_the_user_asked_for_is_the_users(data: Data, register: Any) -> None:
    register(toys.Toy)
    with pytest.raises(UsageError, match="unknown configuration key of toy 'batchsize'"):
        findings(data, method="toy", overrides={"batchsize": 3})
    found = findings(data, method="toy", overrides={"learning_rate": 0.5})
    assert not statuses(found, "fail")


def test_weights_that_are_nowhere(
    data: Data, register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys.Copy, "needs_weights", True)
    register(toys.Copy)
    with pytest.raises(MissingWeightsError, match="copy needs weights and none are shipped"):
        findings(data, method="copy")


def test_rows_come_as_lines(register: Any) -> None:
    register(toys.Toy)
    stream = io.StringIO()
    request = CheckRequest("toy", pairs=2, overrides={"batchsize": 3})
    serve(request, stream, lambda *_: None)
    *made, refusal = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["check"] for row in made] == ["import", "declaration"]
    assert refusal["error"] == "UsageError"
    assert "'batchsize'" in refusal["message"]


def test_a_request_survives_its_command_line() -> None:
    settings = {"a": 1e-5, "b": "some = 'text'", "c": None, "d": True, "e": [1, 2], "f": 3}
    settings |= {"g": "é😀", "h": {"x": [1.5]}, "i": float("inf"), "j": date(2026, 1, 2)}
    asked = CheckRequest("toy", "mannequin", Path("a b"), "cpu", settings, 3, "cuda:1")
    words = words_of(asked)
    assert words[:2] == ["check", "toy"]
    given = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    assert overrides(given) == settings
    options = dict(zip(words[2::2], words[3::2], strict=True))
    del options["--set"]
    assert options == {
        "--dataset": "mannequin",
        "--device": "cuda:1",
        "--pairs": "3",
        "--weights": "a b",
        "--config": "cpu",
    }


@pytest.mark.parametrize(("twice", "status"), [((), "pass"), (("speed",), "fail")])
def test_each_check_is_answered_once(
    monkeypatch: pytest.MonkeyPatch, twice: tuple[str, ...], status: str
) -> None:
    """A method that forks the process has two that answer."""
    answers = [Row(check=name, status="pass", detail="") for name in CHECKS]
    answers += [row for row in answers if row.check in twice]
    lines = "".join(row.model_dump_json() + "\n" for row in answers)
    ended = Ended(code=0, stalled=False, place="", output=lines, messages="")
    monkeypatch.setattr("recapbench.conformance.job.run_isolated", lambda *_, **__: ended)
    found = check(CheckRequest("copy_source"), lambda *_: None)
    assert [row.check for row in found.rows] == [*CHECKS, "ending"]
    assert found.rows[-1].status == status
    assert ("'speed' was answered out of turn" in found.rows[-1].detail) == bool(twice)


def test_a_home_that_cannot_be_written_is_no_fault_of_the_method(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="cannot write"):
        check(CheckRequest("copy_source"), lambda *_: None)


def test_more_pairs_than_there_are() -> None:
    with pytest.raises(UsageError, match="--pairs: expected at most 12 of mannequin_street, got"):
        Data("mannequin_street", 13, lambda *_: None)


@pytest.mark.parametrize(("status", "code"), [("pass", 0), ("warning", 0), ("fail", 1)])
def test_exit_codes(status: Any, code: int) -> None:
    report = CheckReport(
        method="a",
        distribution="b",
        object="c",
        dataset="d",
        device="cpu",
        pairs=2,
        rows=(Row(check="import", status=status, detail=""),),
    )
    assert report.exit_code == code
    assert f"1 {status}" in report.counts
