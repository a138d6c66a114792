"""Whether a measured record agrees with what lies beside it and with what it vouches for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from recapbench.data.datasets import find_dataset
from recapbench.data.images import decode_image
from recapbench.data.manifest import from_pairs
from recapbench.errors import DataError, RecapbenchError
from recapbench.evaluation.base import KeypointMetric, NetworkMetric, PairedMetric
from recapbench.evaluation.bootstrap import interval
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.evaluation.score import Score
from recapbench.leaderboard.board import Measured
from recapbench.leaderboard.vouched import Installation, claims
from recapbench.provenance import sha256_file
from recapbench.request import VALUES
from recapbench.results import Result

SAMPLES_PER_RECORD: Final = 12
_ROUNDING: Final = 1e-9
"""Relative difference of two sums of the same numbers."""
_DRAWS: Final = 0.1
"""Share of an interval's width by which its ends may differ: another release of NumPy may draw
other resamples, and 1,000 of them leave an end uncertain by 0.02 of the width."""
_OF_PAIRS: Final = (PairedMetric, NetworkMetric, KeypointMetric)
"""Metrics whose figure is made from the values of single pairs."""


def sample_rows(pairs: int) -> list[int]:
    """The rows of a manifest of which samples are filed: evenly spread, the same for every method.

    Args:
        pairs: length of the manifest.
    """
    count = min(SAMPLES_PER_RECORD, pairs)
    return [place * pairs // count for place in range(count)]


def problems(record: Measured, here: Installation) -> Iterator[str]:
    """What is wrong with a record; a line each."""
    result = record.result
    if result.origin != "measured":
        yield f"expected origin measured, got {result.origin}"
    yield from score_problems(result)
    if record.values is not None:
        yield from value_problems(result, record.values)
    yield from _vouched(result, here)
    yield from _samples(record)


def score_problems(result: Result) -> Iterator[str]:
    """What is wrong with the figures by themselves."""
    yield from _figure_problems(result.scores, result.manifest.n)
    for name in _doubles(reference.name for reference in result.references):
        yield f"reference {name} is there more than once"
    for reference in result.references:
        for problem in _figure_problems(reference.scores, result.manifest.n):
            yield f"reference {reference.name}: {problem}"


def _figure_problems(scores: Sequence[Score], pairs: int) -> Iterator[str]:
    for name in _doubles(score.name for score in scores):
        yield f"{name} has more than one figure"
    for score in scores:
        metric = METRICS.get(score.name)
        if metric is not None and metric.higher_is_better != score.higher_is_better:
            yield f"{score.name}: expected higher_is_better {metric.higher_is_better}"
        if score.n > pairs:
            yield f"{score.name}: expected n of at most {pairs} pairs, got {score.n}"


def _doubles(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def values_beside(record: Path) -> PairValues:
    """The values of a record's single pairs, from the file beside it.

    Raises:
        DataError: if there is none, or it is malformed.
    """
    path = record.parent / VALUES
    if not path.is_file():
        raise DataError(
            f"{path}: expected the values of single pairs, got no such file: `recapbench run` "
            f"writes it, and `recapbench score --out` with --dataset or --manifest"
        )
    return read_pair_values(path)


def value_problems(result: Result, values: PairValues) -> Iterator[str]:
    """What in the values of single pairs is not the record's: pairs, means, or intervals."""
    try:
        pairs = from_pairs(values.pairs, dataset="", split="", protocol="", identities=0)
    except DataError as error:
        yield f"values: {error}"
        return
    if pairs.sha256 != result.manifest.sha256:
        yield f"values: expected pairs of digest {result.manifest.sha256}, got {pairs.sha256}"
    scores = {score.name: score for score in result.scores}
    for name in sorted(values.metrics.keys() - scores.keys()):
        yield f"values: {name} is no figure of the record"
    for name, score in scores.items():
        if name in values.metrics:
            yield from _column_problems(score, values)
        elif score.value is not None and isinstance(METRICS.get(name), _OF_PAIRS):
            yield f"values: expected a column {name}, got none"


def _column_problems(score: Score, values: PairValues) -> Iterator[str]:
    """What of a figure does not follow from the values of its pairs."""
    known, persons = values.known(score.name)
    count = len(known) if score.value is not None else 0
    if len(known) != count or (count and score.n != count):
        yield f"values: expected {score.name} of {score.n} pairs, got {len(known)}"
        return
    if not count or isinstance(METRICS.get(score.name), KeypointMetric):
        return  # PCKh is no mean over pairs: each weighs as much as it has joints
    mean, ends = math.fsum(known) / count, interval(known, persons)
    if not _same(mean, score.value):
        yield f"values: expected {score.name} with the mean {score.value}, got {mean}"
    low, high = ends or (None, None)
    draws = _DRAWS * (ends[1] - ends[0]) if ends else 0.0
    if not (_same(low, score.low, draws) and _same(high, score.high, draws)):
        yield (
            f"values: expected {score.name} with the interval {score.low} to {score.high}, "
            f"got {low} to {high}"
        )


def _same(ours: float | None, theirs: float | None, apart: float = 0.0) -> bool:
    """Whether two figures are one but for rounding, or for so much besides."""
    if ours is None or theirs is None:
        return ours is theirs
    return math.isclose(ours, theirs, rel_tol=_ROUNDING, abs_tol=_ROUNDING + apart)


def _vouched(result: Result, here: Installation) -> Iterator[str]:
    for claim in claims(result, here):
        if claim.sha256 is not None:
            got = sha256_file(here.path(claim.name))
            if got != claim.sha256:
                yield f"{claim.name}: expected digest {claim.sha256} by the record, got {got}"


def _samples(record: Measured) -> Iterator[str]:
    """What is wrong with the samples; a record may have none."""
    if not record.samples:
        return
    rows = sample_rows(record.result.manifest.n)
    if sorted(record.samples) != rows:
        yield f"samples: expected rows {rows}, got {sorted(record.samples)}"
    try:
        size = find_dataset(record.dataset).image_size
        for path in record.samples.values():
            decode_image(path.read_bytes(), size, path.name)
    except RecapbenchError as error:
        yield f"samples: {error}"
    except OSError as error:
        yield f"samples: cannot read {error.filename}: {error.strerror}"
