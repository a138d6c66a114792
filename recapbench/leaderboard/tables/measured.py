"""Measured records in groups of one task, of which each has columns of its own.

Figures can be compared only if they are of the same pairs and images under the same protocol: a
group is the records of one manifest of one data set, and a column is one metric, whose name is its
protocol, of one group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.score import Score, number_text
from recapbench.leaderboard.board import ABLATION, Measured
from recapbench.leaderboard.table4 import table4
from recapbench.leaderboard.tables.sheet import DASH, Cell, Column, marked
from recapbench.results import Reference

_SHORT: Final = 12
"""Digits of a digest in a note."""
_ROUNDING: Final = 1e-9
"""Intervals narrower than this are rounding."""


@dataclass(frozen=True)
class Group:
    """Records of the same pairs of the same images.

    Attributes:
        name: as it stands above the group's columns; no two groups have the same.
        records: in the order of the methods' names.
    """

    name: str
    records: tuple[Measured, ...]

    def metrics(self) -> list[str]:
        """Metrics that a record has a value of, in the order of `recapbench list metrics`."""
        found = {
            score.name: None
            for record in self.records
            for score in record.result.scores
            if score.value is not None
        }
        known = [name for name in METRICS if name in found]
        return known + [name for name in found if name not in METRICS]

    def references(self) -> list[Reference]:
        """Reference rows; none of a method with a record.

        Each figure is that of the first record with a value of it: a record of a few metrics takes
        none away.
        """
        methods = {record.method for record in self.records}
        found: dict[str, Reference] = {}
        for row in (row for record in self.records for row in record.result.references):
            if row.name not in methods:
                found[row.name] = _joined(found.get(row.name, row), row)
        return list(found.values())

    def task(self) -> str:
        """What all records of the group have in common, for a note."""
        result = self.records[0].result
        parts = [f"protocol {result.manifest.protocol or 'without a name'}"]
        parts.append(f"pairs {result.manifest.sha256[:_SHORT]}")
        if (dataset := result.dataset) is not None:
            size = f", preset {dataset.preset}" if dataset.preset else ""
            parts.insert(0, f"{dataset.split} split{size}")
            parts += [f"images {dataset.images[:_SHORT]}"] if dataset.images else []
        return f"{self.name}: {', '.join(parts)}."


def _joined(row: Reference, other: Reference) -> Reference:
    """A row with another's scores where it has no value."""
    scores = {score.name: score for score in row.scores}
    for score in other.scores:
        if score.name not in scores or scores[score.name].value is None:
            scores[score.name] = score
    return row.model_copy(update={"scores": list(scores.values())})


def group_records(records: Iterable[Measured]) -> list[Group]:
    """The groups, by dataset, the longer lists of pairs first."""
    found: dict[tuple[str, ...], list[Measured]] = {}
    for record in records:
        found.setdefault(_task(record), []).append(record)
    tasks = sorted(found, key=lambda task: (task[0], -found[task][0].result.manifest.n, task))
    names = [_name(found[task][0]) for task in tasks]
    counts = Counter(names)
    return [
        Group(
            name if counts[name] == 1 else f"{name}, {task[1][:_SHORT]}",
            tuple(sorted(found[task], key=_place)),
        )
        for task, name in zip(tasks, names, strict=True)
    ]


def _task(record: Measured) -> tuple[str, ...]:
    """What records of a group agree in."""
    result, dataset = record.result, record.result.dataset
    images = (dataset.split, dataset.images or "", dataset.annotations or "") if dataset else ()
    targets = result.targets.sha256 if result.targets else ""
    manifest = result.manifest
    return (record.dataset, manifest.sha256, manifest.protocol, targets, *images)


def _place(record: Measured) -> tuple[int, str]:
    """Records of the ablation after the others, in the order of the paper's Table 4."""
    if record.folder.name != ABLATION:
        return -1, label(record)
    rows = [row.method for row in table4().rows]
    return rows.index(record.method) if record.method in rows else len(rows), label(record)


def _name(record: Measured) -> str:
    return f"{record.dataset} ({record.result.manifest.n} pairs)"


def label(record: Measured) -> str:
    """What a table calls a record: its method, with the seed of its training in an ablation."""
    weights = record.result.weights
    if record.folder.name != ABLATION or weights is None:
        return record.method
    return f"{record.method}, seed {weights.training.get('seed')}"


def about(record: Measured) -> str:
    """A record's method in a line; of scored images nothing but that is known."""
    result = record.result
    return result.method.title if result.generated_here else "Images generated elsewhere"


@dataclass(frozen=True)
class Block:
    """Columns of one group's own.

    Attributes:
        group: the records.
        metrics: a column each.
    """

    group: Group
    metrics: tuple[str, ...]

    @property
    def columns(self) -> dict[str, Column]:
        """By metric."""
        return {name: Column(name, self.group.name) for name in self.metrics}

    def figures(self, rows: Sequence[Sequence[Score]]) -> list[dict[Column, Cell]]:
        """The lines of some rows of scores on the group's pairs, the best of each column marked."""
        cells = {column: self.cells(rows, name) for name, column in self.columns.items()}
        return [{column: cells[column][row] for column in cells} for row in range(len(rows))]

    def cells(self, rows: Sequence[Sequence[Score]], name: str) -> list[Cell]:
        """One metric of some rows of scores, the best one marked."""
        pairs = self.group.records[0].result.manifest.n
        scores = [_score(row, name) for row in rows]
        values = [None if score is None else score.value for score in scores]
        higher = next((score.higher_is_better for score in scores if score is not None), True)
        return marked(values, [_cell(score, pairs) for score in scores], higher)


def _score(scores: Sequence[Score], name: str) -> Score | None:
    return next((score for score in scores if score.name == name), None)


def _cell(score: Score | None, pairs: int) -> Cell:
    """Value and half of its interval, and n where it is not that of the pairs."""
    if score is None or score.value is None:
        return Cell(DASH)
    text, ends = number_text(score.value), None
    if score.low is not None and score.high is not None:
        ends = (score.low, score.high)
        half = (score.high - score.low) / 2
        text += f" ± {half:.2g}" if half > _ROUNDING else " ± 0"
    if score.n != pairs:
        text += f" (n = {score.n})"
    return Cell(text, exact=repr(score.value), ends=ends)
