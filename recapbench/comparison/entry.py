"""The runs to compare: read from their folders, and found to be of one and the same task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from recapbench.data.manifest import Manifest, from_pairs
from recapbench.errors import DataError
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.score import Score
from recapbench.leaderboard.soundness import value_problems, values_beside
from recapbench.request import RESULT, VALUES
from recapbench.results import Result, read_result

_SAME_PIXELS: Final = 1e-3
"""Relative difference that libraries and processors may make to a figure of the same images."""


@dataclass(frozen=True)
class Entry:
    """One run, or folder of scored images, among those to compare.

    Attributes:
        label: what tables and pictures call it; no two entries have the same.
        folder: where it lies.
        result: its record.
        values: of its single pairs.
    """

    label: str
    folder: Path
    result: Result
    values: PairValues

    def score(self, metric: str) -> Score | None:
        """The score of this name that has a value, if there is one."""
        found = next((score for score in self.result.scores if score.name == metric), None)
        return None if found is None or found.value is None else found

    @cached_property
    def manifest(self) -> Manifest:
        """The pairs, made again from the table of their values."""
        dataset = self.result.dataset
        return from_pairs(
            self.values.pairs,
            dataset=dataset.name if dataset else "",
            split=dataset.split if dataset else "",
            protocol=self.result.manifest.protocol,
            identities=len(set(self.values.persons)),
            where=str(self.folder / VALUES),
        )


def read_entries(folders: Sequence[Path]) -> tuple[Entry, ...]:
    """The runs of some folders, each with ``result.json`` and ``values.csv``.

    An entry is called by its method, or, where two are of the same, by its folder.

    Raises:
        DataError: if a file is missing or damaged, the files of a folder do not belong together,
            or the runs are not of the same task.
    """
    found = [(folder, read_result(folder / RESULT)) for folder in folders]
    labels = _labels([result.method.name for _, result in found], folders)
    entries = tuple(
        Entry(label, folder, result, values_beside(folder / RESULT))
        for label, (folder, result) in zip(labels, found, strict=True)
    )
    for entry in entries:
        _check_values(entry)
    for entry in entries[1:]:
        _check_same(entries[0], entry)
    return entries


def _labels(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Names, with the folder's in place of those that are not unique, or else the whole path."""
    counts = Counter(names)
    labels = [
        name if counts[name] == 1 else folder.resolve().name
        for name, folder in zip(names, folders, strict=True)
    ]
    return labels if len(set(labels)) == len(labels) else [str(folder) for folder in folders]


def _check_values(entry: Entry) -> None:
    """Refuse values that are not those of the record beside them."""
    for problem in value_problems(entry.result, entry.values):
        raise DataError(f"{entry.folder}: {problem}")


def _check_same(first: Entry, other: Entry) -> None:
    """Refuse two runs of which not everything but the method is the same."""
    ours, theirs = (dict(_task(entry.result)) for entry in (first, other))
    for what, expected in ours.items():
        if theirs[what] != expected:
            raise DataError(
                f"{first.folder} and {other.folder} cannot be compared: expected the same {what}, "
                f"got {expected} and {theirs[what]}"
            )
    for name, ours_, theirs_ in _shared_scores(first.result.scores, other.result.scores):
        _check_protocol(first, other, name, ours_, theirs_)
    for reference in first.result.references:
        for same in other.result.references:
            if same.name == reference.name:
                _check_reference(first, other, reference.name, reference.scores, same.scores)


def _task(result: Result) -> Iterator[tuple[str, Any]]:
    """What the runs of a comparison have in common, by what it is."""
    yield "pairs (digest of the manifest)", result.manifest.sha256
    yield "number of pairs", result.manifest.n
    yield "protocol of the pairs", result.manifest.protocol
    dataset = result.dataset
    yield "dataset", dataset.name if dataset else None
    yield "split", dataset.split if dataset else None
    yield "images (digest)", dataset.images if dataset else None
    yield "annotations (digest)", dataset.annotations if dataset else None
    yield "targets (digest)", result.targets.sha256 if result.targets else None


def _shared_scores(
    ours: Sequence[Score], theirs: Sequence[Score]
) -> Iterator[tuple[str, Score, Score]]:
    others = {score.name: score for score in theirs}
    for score in ours:
        if score.name in others:
            yield score.name, score, others[score.name]


def _check_protocol(first: Entry, other: Entry, name: str, ours: Score, theirs: Score) -> None:
    """Refuse two figures of one name that are not the same metric."""
    kinds = [(score.higher_is_better, score.extractor) for score in (ours, theirs)]
    if ours.value is not None and theirs.value is not None and kinds[0] != kinds[1]:
        raise DataError(
            f"{first.folder} and {other.folder} cannot be compared: {name} is of higher_is_better, "
            f"extractor {kinds[0]} in one and {kinds[1]} in the other"
        )


def _check_reference(
    first: Entry, other: Entry, row: str, ours: Sequence[Score], theirs: Sequence[Score]
) -> None:
    """Refuse runs that were scored otherwise: the same images have other figures."""
    for name, one, two in _shared_scores(ours, theirs):
        if None not in (one.value, two.value) and not _close(one.value, two.value, _SAME_PIXELS):
            raise DataError(
                f"{first.folder} and {other.folder} cannot be compared, as they were scored "
                f"otherwise: {name} of {row} is {one.value} in one and {two.value} in the other"
            )


def _close(first: float | None, second: float | None, relative: float) -> bool:
    if first is None or second is None:
        return first is second
    return math.isclose(first, second, rel_tol=relative, abs_tol=relative)
