"""Ranks, differences, labels and refusals, on made-up runs whose answers are known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recapbench.comparison.build import check_folder, compare, write_comparison
from recapbench.comparison.entry import read_entries
from recapbench.comparison.record import Comparison, Failure, Metric
from recapbench.comparison.table import markdown
from recapbench.data.manifest import from_pairs
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.bootstrap import interval, interval_text
from recapbench.evaluation.differences import difference_on_pairs
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.score import Score
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Reference,
    Result,
)

PERSONS = 12
PAIRS = tuple((f"p{i}_a.png", f"p{i}_b.png") for i in range(PERSONS))
DIGEST = from_pairs(PAIRS, dataset="d", split="test", protocol="p/1", identities=PERSONS).sha256
HARD = np.linspace(0.2, 0.8, PERSONS)
"""What makes a pair hard for everybody: much larger than what methods differ by."""
WIGGLE = np.tile([0.01, -0.01], PERSONS // 2)


def fid(value: float | None, reach: float | None = None) -> Score:
    ends = {} if reach is None or value is None else {"low": value - reach, "high": value + reach}
    return Score(
        name="fid",
        value=value,
        reason=None if value is not None else "no network",
        n=PERSONS,
        higher_is_better=False,
        interval=None if not ends else "made up",
        **ends,
    )


def mean_score(name: str, column: Sequence[float], persons: Sequence[str]) -> Score:
    """The figure that these values of pairs have, with the interval that follows from them."""
    ends = interval(column, persons)
    assert ends is not None
    return Score(
        name=name,
        value=math.fsum(column) / len(column),
        n=len(column),
        higher_is_better=name == "ssim",
        low=ends[0],
        high=ends[1],
        interval=interval_text(persons),
    )


def write_run(
    folder: Path,
    method: str,
    values: Mapping[str, Sequence[float]],
    sets: Sequence[Score] = (),
    **changes: Any,
) -> Path:
    """A run with these values of single pairs, and these scores of whole sets."""
    persons = [f"p{i}" for i in range(PERSONS)]
    scores = [mean_score(name, column, persons) for name, column in values.items()]
    facts: dict[str, Any] = {
        "origin": "measured",
        "method": MethodPart(name=method, title=method.title(), distribution="dist 1"),
        "weights": None,
        "dataset": DatasetPart(
            name="d", split="test", preset=None, images="1" * 64, annotations="2" * 64
        ),
        "manifest": ManifestPart(sha256=DIGEST, n=PERSONS, protocol="p/1", file=None),
        "outputs": OutputsPart(sha256="3" * 64),
        "target_parsing": "predicted",
        "scores": [*scores, *sets],
        "references": [Reference(name="real", title="Real", scores=[fid(0.0)])],
        "seed": 0,
        "device": "cpu",
        "seconds": 1.0,
        "versions": {"torch": "2"},
        "commit": None,
    }
    folder.mkdir(parents=True)
    result = Result(**(facts | changes))
    (folder / "result.json").write_text(json.dumps(result.document()))
    columns = {name: [float(value) for value in column] for name, column in values.items()}
    table = PairValues(PAIRS, tuple(persons), columns)
    (folder / "values.csv").write_bytes(table.encoded())
    return folder


def compared(*folders: Path) -> Comparison:
    return compare(read_entries(folders))


def by_label(metric: Metric, what: str) -> dict[str, Any]:
    return {figure.label: getattr(figure, what) for figure in metric.figures}


def metric_of(comparison: Comparison, name: str) -> Metric:
    return next(metric for metric in comparison.metrics if metric.name == name)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """By ssim: b and c are alike, a is surely worse than both; by l1 the other way round."""
    columns = {"a": HARD, "b": HARD + 0.1, "c": HARD + 0.101 + WIGGLE}
    return [
        write_run(tmp_path / name, name, {"ssim": column, "l1": column})
        for name, column in columns.items()
    ]


def test_methods_that_cannot_be_told_apart_share_a_rank(three: list[Path]) -> None:
    ssim = metric_of(compared(*three), "ssim")
    assert ssim.told_apart_by == "pairs"
    assert by_label(ssim, "rank") == {"a": 3, "b": 1, "c": 1}
    assert by_label(ssim, "best") == {"a": False, "b": False, "c": True}


def test_the_direction_turns_the_ranks(three: list[Path]) -> None:
    l1 = metric_of(compared(*three), "l1")
    assert by_label(l1, "rank") == {"a": 1, "b": 2, "c": 2}
    assert by_label(l1, "best") == {"a": True, "b": False, "c": False}


def test_differences_are_those_of_the_pairs(three: list[Path]) -> None:
    entries = read_entries(three)
    ssim = metric_of(compare(entries), "ssim")
    gaps = by_label(ssim, "less_best")
    assert gaps["c"] is None
    for index, label in enumerate("ab"):
        expected = difference_on_pairs(entries[index].values, entries[2].values, "ssim")
        assert (gaps[label].mean, gaps[label].low, gaps[label].high) == expected
    assert gaps["b"].low < 0 < gaps["b"].high
    assert gaps["a"].high < 0


def test_ranks_need_not_be_transitive(tmp_path: Path) -> None:
    noise = np.tile([0.05, -0.05], PERSONS // 2)
    columns = {"a": HARD, "b": HARD + 0.02 + noise, "c": HARD + 0.04}
    folders = [write_run(tmp_path / n, n, {"ssim": column}) for n, column in columns.items()]
    ranks = by_label(metric_of(compared(*folders), "ssim"), "rank")
    assert ranks == {"a": 2, "b": 1, "c": 1}, "b is apart from neither, c is apart from a"


def test_sets_are_told_apart_by_intervals_or_by_value(tmp_path: Path) -> None:
    with_ends = [
        write_run(tmp_path / f"i{name}", name, {}, [fid(value, 3.0)])
        for name, value in (("a", 10.0), ("b", 15.0), ("c", 17.0))
    ]
    metric = metric_of(compared(*with_ends), "fid")
    assert metric.told_apart_by == "intervals"
    assert by_label(metric, "rank") == {"a": 1, "b": 1, "c": 2}
    without = [
        write_run(tmp_path / f"v{name}", name, {}, [fid(value)])
        for name, value in (("a", 10.0), ("b", 15.0), ("c", 10.0))
    ]
    metric = metric_of(compared(*without), "fid")
    assert metric.told_apart_by == "value"
    assert by_label(metric, "rank") == {"a": 1, "b": 3, "c": 1}
    assert by_label(metric, "best") == {"a": True, "b": False, "c": True}
    assert metric.references[0].value == 0


def with_halves(value: float, halves: Sequence[float]) -> Score:
    return fid(value, 30.0).model_copy(update={"halves": tuple(halves)})


def test_sets_are_told_apart_by_the_same_halves(tmp_path: Path) -> None:
    hard = np.linspace(10.0, 60.0, 20)
    wiggle = np.tile([2.0, -2.0], 10)
    figures = {"a": (20.0, hard), "b": (19.0, hard - 1.0), "c": (18.8, hard - 1.2 + wiggle)}
    folders = [write_run(tmp_path / n, n, {}, [with_halves(*f)]) for n, f in figures.items()]
    metric = metric_of(compared(*folders), "fid")
    assert metric.told_apart_by == "halves"
    assert by_label(metric, "rank") == {"a": 2, "b": 1, "c": 1}
    gap = by_label(metric, "less_best")["b"]
    assert gap.mean == pytest.approx(0.2)
    assert gap.high - gap.mean == pytest.approx(1.96 * np.std(wiggle, ddof=1))


def test_halves_of_some_alone_tell_nothing_apart(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", "a", {}, [with_halves(20.0, [1.0, 2.0])])
    second = write_run(tmp_path / "b", "b", {}, [fid(15.0, 30.0)])
    assert metric_of(compared(first, second), "fid").told_apart_by == "intervals"


def test_a_missing_value_has_no_rank(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / "a", "a", {"ssim": HARD}, [fid(None)]),
        write_run(tmp_path / "b", "b", {}, [fid(1.0)]),
    ]
    comparison = compared(*folders)
    for name in ("ssim", "fid"):
        assert set(by_label(metric_of(comparison, name), "rank").values()) == {None}
    assert by_label(metric_of(comparison, "ssim"), "value") == {"a": HARD.mean(), "b": None}


def test_runs_of_one_method_are_called_by_their_folders(tmp_path: Path) -> None:
    first = write_run(tmp_path / "x" / "one", "m", {"ssim": HARD})
    second = write_run(tmp_path / "x" / "two", "m", {"ssim": HARD})
    third = write_run(tmp_path / "y" / "one", "m", {"ssim": HARD})
    other = write_run(tmp_path / "z", "k", {"ssim": HARD})
    assert [e.label for e in read_entries([first, second, other])] == ["one", "two", "k"]
    assert [e.label for e in read_entries([first, third])] == [str(first), str(third)]


CHANGED = {
    "pairs": {"manifest": ManifestPart(sha256=DIGEST, n=PERSONS, protocol="q/1", file=None)},
    "images": {
        "dataset": DatasetPart(
            name="d", split="test", preset=None, images="9" * 64, annotations="2" * 64
        )
    },
    "real": {"references": [Reference(name="real", title="Real", scores=[fid(0.5)])]},
}


@pytest.mark.parametrize("what", CHANGED)
def test_runs_of_other_tasks_are_refused(tmp_path: Path, what: str) -> None:
    one = write_run(tmp_path / "one", "a", {"ssim": HARD})
    two = write_run(tmp_path / "two", "b", {"ssim": HARD}, **CHANGED[what])
    with pytest.raises(DataError, match=rf"one and .*two cannot be compared.*{what}"):
        read_entries([one, two])


def test_another_extractor_is_another_metric(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", "a", {}, [fid(1.0)])
    other = fid(1.0).model_copy(update={"extractor": "another"})
    two = write_run(tmp_path / "two", "b", {}, [other])
    with pytest.raises(DataError, match="fid is of higher_is_better, extractor"):
        read_entries([one, two])


def test_values_must_be_those_of_the_record(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", "a", {"ssim": HARD})
    two = write_run(tmp_path / "two", "b", {"ssim": HARD + 0.1})
    (two / "values.csv").write_bytes((one / "values.csv").read_bytes())
    with pytest.raises(DataError, match=r"two: values: expected ssim with the mean"):
        read_entries([one, two])
    text = (one / "values.csv").read_text().replace("p3_a.png", "p4_a.png")
    (two / "values.csv").write_text(text)
    with pytest.raises(DataError, match=r"two: values: expected pairs of digest"):
        read_entries([one, two])


def test_what_is_written_can_be_read_and_is_strict(three: list[Path], tmp_path: Path) -> None:
    entries = read_entries(three)
    failed = [Failure(method="d", distribution="x 1", reason="method 'd' of x 1: a | b")]
    comparison = compare(entries, failed)
    left_out = write_comparison(tmp_path / "out", comparison, entries)
    text = (tmp_path / "out" / "comparison.json").read_text()
    assert Comparison.model_validate_json(text) == comparison
    with pytest.raises(ValueError, match="extra_forbidden"):
        Comparison.model_validate(json.loads(text) | {"more": 1})
    page = (tmp_path / "out" / "comparison.md").read_text()
    assert page == markdown(comparison)
    assert "failed: method 'd' of x 1: a \\| b" in page
    halves = [(e.result.score("ssim").high - e.result.score("ssim").low) / 2 for e in entries]
    a, b, c = (f"±{half:.2g}" for half in halves)
    assert f"| `ssim` ↑ | 0.5000 {a} (3) | 0.6000 {b} (1) | **0.6010 {c} (1)** |" in page
    assert left_out == ["no run has its images beside it"]
    assert not (tmp_path / "out" / "grid.png").exists()


def test_notes_say_what_else_differs(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", "a", {"ssim": HARD}, target_parsing="ground_truth")
    two = write_run(tmp_path / "two", "b", {"ssim": HARD}, versions={"torch": "3"})
    assert compared(one, two).notes == [
        "a was given the target's true layout.",
        "Not the same version of torch for all: a 2, b 3.",
    ]


def test_the_folder_of_a_run_is_no_folder_for_a_comparison(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "one", "a", {"ssim": HARD})
    with pytest.raises(UsageError, match="holds the run of a single method"):
        check_folder(folder)
