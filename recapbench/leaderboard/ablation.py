"""The ablation's records: found, checked to be of one budget, and put in Table 4's order.

A record is the Result of one training of one row, in ``<method>-seed<k>.json``, with the values of
its single pairs in the ``.csv`` of the same name. Rows say something
about the modules only if nothing but the modules differs: another number of steps, other images or
another setting makes the records a mixture, which is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from recapbench.data.datasets import find_dataset
from recapbench.errors import DataError, UsageError, unknown
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.evaluation.score import Score
from recapbench.leaderboard.board import ABLATION
from recapbench.leaderboard.table4 import FULL, Table4Row, table4
from recapbench.methods.base import ImageSpec
from recapbench.methods.find import find_method, image_spec
from recapbench.paths import shipped
from recapbench.results import Result, read_result

DEFAULT_METRICS: Final = (
    "ssim.def_gan",
    "mask_ssim.def_gan",
    "l1",
    "is.effnet_lite0",
    "mask_is.effnet_lite0",
    "fid.effnet_lite0",
)
"""What is shown unless other metrics are asked for: all can be had without the network."""

_TRAINING: Final = ("preset", "data", "manifest", "pairs", "steps", "precision", "perceptual")
"""What the trainings of all rows have in common, besides their settings."""


@dataclass(frozen=True)
class Run:
    """One training of one row, tested.

    Attributes:
        file: name of the record.
        result: the record.
        values: of its single pairs.
    """

    file: str
    result: Result
    values: PairValues

    @property
    def training(self) -> Mapping[str, Any]:
        """How the weights were made."""
        return {} if self.result.weights is None else self.result.weights.training

    @property
    def digest(self) -> str:
        """Of the weights."""
        return "" if self.result.weights is None else self.result.weights.sha256

    def score(self, metric: str) -> Score:
        """A figure of the record."""
        return self.result.score(metric)


@dataclass(frozen=True)
class Row:
    """A row of the table with its trainings.

    Attributes:
        paper: what the row is.
        runs: its trainings, by seed.
        parameters: of the generator, both of its networks.
    """

    paper: Table4Row
    runs: tuple[Run, ...]
    parameters: int

    def mean(self, metric: str) -> float:
        """Mean of a figure over the seeds."""
        values = [score.value for score in self._scores(metric) if score.value is not None]
        return sum(values) / len(values)

    def ends(self, metric: str) -> tuple[float, float] | None:
        """Ends of the record's interval; of several, the lowest and the highest.

        None if a record has no interval.
        """
        ends = [(score.low, score.high) for score in self._scores(metric)]
        low = [low for low, _ in ends if low is not None]
        high = [high for _, high in ends if high is not None]
        return (min(low), max(high)) if len(low) == len(high) == len(ends) else None

    def values(self) -> PairValues:
        """Values of the single pairs: of each metric that all seeds have, their mean."""
        tables = [run.values for run in self.runs]
        names = [name for name in tables[0].metrics if all(name in t.metrics for t in tables)]
        columns = {name: _means([table.metrics[name] for table in tables]) for name in names}
        return replace(tables[0], metrics=columns)

    def halves(self, metric: str) -> tuple[float, ...]:
        """A figure of the same random halves of the persons, the mean over the seeds; or none."""
        found = [score.halves for score in self._scores(metric)]
        if len({len(halves) for halves in found}) > 1:
            return ()
        return tuple(sum(half) / len(half) for half in zip(*found, strict=True))

    def _scores(self, metric: str) -> list[Score]:
        return [run.score(metric) for run in self.runs]


def _means(columns: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Mean of each pair's values; None where one of them is missing."""
    found: list[float | None] = []
    for values in zip(*columns, strict=True):
        there = [value for value in values if value is not None]
        found.append(sum(there) / len(there) if len(there) == len(values) else None)
    return found


@dataclass(frozen=True)
class Ablation:
    """The rows of one dataset, all of one budget.

    Attributes:
        dataset: name.
        settings: "deepfashion" or "market1501": which of the paper's columns is its counterpart.
        rows: in the order of the paper's table; those without a record are not among them.
    """

    dataset: str
    settings: Any
    rows: tuple[Row, ...]

    @property
    def runs(self) -> list[Run]:
        """Every training, in the rows' order."""
        return [run for row in self.rows for run in row.runs]

    @property
    def missing(self) -> list[str]:
        """Titles of the rows without a record."""
        there = {row.paper.method for row in self.rows}
        return [row.title for row in table4().rows if row.method not in there]

    def row(self, method: str) -> Row | None:
        """The row of a method, if it has a record."""
        return next((row for row in self.rows if row.paper.method == method), None)

    def has(self, metric: str) -> bool:
        """Whether every record has a value of this metric."""
        return all(
            any(score.name == metric and score.value is not None for score in run.result.scores)
            for run in self.runs
        )

    def higher_is_better(self, metric: str) -> bool:
        """Direction of a metric."""
        return self.runs[0].score(metric).higher_is_better

    def best(self, metric: str) -> float:
        """The best mean of all rows."""
        means = [row.mean(metric) for row in self.rows]
        return max(means) if self.higher_is_better(metric) else min(means)

    def metrics(self, asked: Sequence[str] | None = None) -> tuple[str, ...]:
        """The metrics to show: those asked for, or the usual ones.

        Raises:
            UsageError: if no record knows a metric that is asked for.
            DataError: if a record has no value of it.
        """
        names = DEFAULT_METRICS if asked is None else tuple(asked)
        for name in names:
            self._check_metric(name)
        return names

    def _check_metric(self, name: str) -> None:
        for run in self.runs:
            known = {score.name: score for score in run.result.scores}
            if name not in known:
                raise unknown(f"metric of {run.file}", name, known)
            if known[name].value is None:
                raise DataError(f"{run.file} has no value of {name}: {known[name].reason}")


def record_name(method: str, seed: int) -> str:
    """Name of the record of a training."""
    return f"{method}-seed{seed}.json"


def read_ablation(dataset: str, root: Path | None = None) -> Ablation:
    """The records of a dataset.

    Args:
        dataset: name of a dataset.
        root: folder of leaderboards; those shipped by default.

    Raises:
        UsageError: if the dataset is unknown.
        DataError: if there are none, one is damaged, or they are not of one budget.
    """
    record = find_dataset(dataset)
    folder = (shipped("leaderboards") if root is None else root) / dataset / ABLATION
    runs = [read_run(path) for path in sorted(folder.glob("*.json"))]
    if not runs:
        raise DataError(
            f"expected records of the ablation on {dataset} in {folder}, got none: "
            f"scripts/run_ablation.py makes them from trained weights"
        )
    spec = image_spec(record)
    own = _own_settings(spec)
    for run in runs:
        _check_run(run, dataset, own)
    _check_budget(runs, own)
    return Ablation(dataset, record.settings, _rows(runs, spec))


def read_run(path: Path) -> Run:
    """A record, with the values of its pairs from the file beside it.

    Raises:
        DataError: if one is missing or damaged, or they do not belong together.
    """
    result, values = read_result(path), read_pair_values(path.with_suffix(".csv"))
    if len(values.pairs) != result.manifest.n:
        raise DataError(
            f"{path.with_suffix('.csv')}: expected the {result.manifest.n} pairs of {path.name}, "
            f"got {len(values.pairs)}"
        )
    return Run(path.name, result, values)


def _own_settings(spec: ImageSpec) -> dict[str, dict[str, Any]]:
    """By method, the settings in which the rows differ."""
    settings = {row.method: find_method(row.method).settings(spec) for row in table4().rows}
    full = settings[FULL]
    varied = {key for one in settings.values() for key in one if one[key] != full.get(key)}
    return {method: {key: one[key] for key in varied} for method, one in settings.items()}


def _check_run(run: Run, dataset: str, own: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a record that is no finished training of a row."""
    result, training = run.result, run.training
    name = result.method.name
    if name not in own:
        raise DataError(f"{run.file}: expected a row of Table 4 ({', '.join(own)}), got {name}")
    expected: dict[str, tuple[Any, Any]] = {
        "dataset": (dataset, result.dataset.name if result.dataset else None),
        "origin": ("measured", result.origin),
        "file": (record_name(name, training.get("seed", -1)), run.file),
        "steps taken": (training.get("steps"), training.get("steps_taken")),
        "weights that the training began with": (None, training.get("init")),
    }
    config = result.method.config or {}
    expected |= {key: (value, config.get(key)) for key, value in own[name].items()}
    wrong = [f"{key}: expected {a!r}, got {b!r}" for key, (a, b) in expected.items() if a != b]
    if wrong:
        raise DataError(f"{run.file} is no record of the ablation: {'; '.join(wrong)}")


def _check_budget(runs: Sequence[Run], own: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse records that differ in more than their rows' own settings and seeds."""
    first = runs[0]
    want = _budget(first, own)
    for run in runs[1:]:
        got = _budget(run, own)
        wrong = [
            f"{key}: {want.get(key)!r} there, {got.get(key)!r} here"
            for key in [*want, *(key for key in got if key not in want)]
            if want.get(key) != got.get(key)
        ]
        if wrong:
            raise DataError(f"{run.file} and {first.file} are of two budgets: {'; '.join(wrong)}")


def _budget(run: Run, own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What all records have in common: training, settings but the row's own, and test pairs."""
    result = run.result
    found = {f"training {key}": run.training.get(key) for key in _TRAINING}
    varied = own[result.method.name]
    for key, value in (result.method.config or {}).items():
        if key not in varied:
            found[f"setting {key}"] = value
    if result.dataset is not None:
        found |= {f"test {key}": value for key, value in result.dataset.model_dump().items()}
    found["test pairs"] = result.manifest.sha256
    found["layout"] = result.target_parsing
    return found


def _rows(runs: Sequence[Run], spec: ImageSpec) -> tuple[Row, ...]:
    rows = []
    for paper in table4().rows:
        own = [run for run in runs if run.result.method.name == paper.method]
        if own:
            own.sort(key=lambda run: run.training["seed"])
            rows.append(Row(paper, tuple(own), _parameters(own[0].result, spec)))
    return tuple(rows)


def _parameters(result: Result, spec: ImageSpec) -> int:
    """How many numbers the generator of a record's method has."""
    cls = find_method(result.method.name)
    try:
        method = cls(cls.configure(spec, result.method.config), spec)
    except UsageError as error:
        raise DataError(f"settings of a record of {cls.name}: {error}") from None
    if method.parameters is None:
        raise DataError(f"expected a method of networks, got {cls.name}")
    return method.parameters
