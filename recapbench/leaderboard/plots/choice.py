"""Which records of a dataset stand in one plot: those of the same pairs, and what is said of the
others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recapbench.errors import DataError, UsageError, unknown
from recapbench.evaluation.score import Score
from recapbench.leaderboard.board import Board, Measured
from recapbench.results import Result


@dataclass(frozen=True)
class Field:
    """Methods that were measured on the same pairs of the same images.

    Attributes:
        dataset: name.
        results: record of each method, by the name of its folder.
        left_out: why other records of the dataset are not among them, by name.
    """

    dataset: str
    results: Mapping[str, Result]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """What the figures are of, for a caption."""
        result = next(iter(self.results.values()))
        of = result.dataset
        preset = f", preset {of.preset}" if of is not None and of.preset else ""
        split = f" {of.split}" if of is not None else ""
        return f"{self.dataset}{split}{preset}, {result.manifest.n} pairs"

    def scores(self, metric: str) -> dict[str, Score]:
        """Each method's figure of a metric, as far as its record names it.

        Raises:
            UsageError: if no record names the metric.
        """
        found = {name: scores[metric] for name, scores in self._scores() if metric in scores}
        if not found:
            known = sorted({one for _, scores in self._scores() for one in scores})
            raise unknown("metric of these records", metric, known)
        kinds = {(score.higher_is_better, score.extractor) for score in found.values()}
        if len(kinds) > 1:
            raise DataError(
                f"the records on {self.dataset} mean different things by {metric}: expected one "
                f"direction and extractor, got {sorted(kinds, key=repr)}"
            )
        return found

    def _scores(self) -> Iterator[tuple[str, dict[str, Score]]]:
        for name, result in self.results.items():
            yield name, {score.name: score for score in result.scores}


def choose_field(board: Board, dataset: str) -> Field:
    """The records of a dataset on the pairs that most of them have, the longest list first.

    Raises:
        DataError: if there is no measured record of the dataset.
    """
    measured = [one for one in board.measured if one.dataset == dataset]
    if not measured:
        known = sorted({one.dataset for one in board.measured})
        raise DataError(
            f"expected measured records of {dataset} in {board.root}, got none; "
            f"there are some of {', '.join(known) or 'no dataset'}"
        )
    counts = Counter(_task(one.result) for one in measured)
    task = max(counts, key=lambda key: (counts[key], key[0], repr(key)))
    return Field(
        dataset,
        {one.folder.name: one.result for one in measured if _task(one.result) == task},
        {one.folder.name: _other(one) for one in measured if _task(one.result) != task},
    )


def _task(result: Result) -> tuple[Any, ...]:
    """What records of one plot have in common."""
    of = result.dataset
    images = (of.split, of.preset, of.images, of.annotations) if of is not None else ()
    return (result.manifest.n, result.manifest.sha256, result.manifest.protocol, *images)


def _other(one: Measured) -> str:
    manifest = one.result.manifest
    return f"measured on {manifest.n} other pairs, manifest {manifest.sha256[:12]}"


def reason(score: Score | None, metric: str) -> str:
    """Why a record has no value of a metric."""
    if score is None:
        return f"{metric} is not in its record"
    return f"no value of {metric}: {score.reason}"


def not_drawn(left_out: Mapping[str, str]) -> list[str]:
    """The lines of a caption for what is not in a plot."""
    return [f"Not drawn: {name}: {why}." for name, why in left_out.items()]


def interval_text(metric: str, scores: Sequence[Score]) -> str:
    """What the intervals of a metric are, as the records say."""
    kinds = dict.fromkeys(score.interval or "none" for score in scores)
    return f"{metric}: {'; '.join(kinds)}"


def expect_some(drawn: Mapping[str, Any], what: str, left_out: Mapping[str, str]) -> None:
    """Refuse a plot without anything in it.

    Raises:
        UsageError: saying why each record is left out.
    """
    if not drawn:
        why = "; ".join(f"{name}: {text}" for name, text in left_out.items())
        raise UsageError(f"there is no record with {what}: {why}")
