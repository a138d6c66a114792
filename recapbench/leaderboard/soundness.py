"""Whether a measured record agrees with what lies beside it and with what it vouches for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recapbench.data.datasets import find_dataset
from recapbench.data.images import decode_image
from recapbench.data.manifest import from_pairs
from recapbench.errors import DataError, RecapbenchError
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pair_values import PairValues, read_pair_values
from recapbench.leaderboard.board import Measured
from recapbench.leaderboard.vouched import Installation, claims
from recapbench.provenance import sha256_file
from recapbench.request import VALUES
from recapbench.results import Result

SAMPLES_PER_RECORD: Final = 12
_ROUNDING: Final = 1e-9
"""Relative difference of two sums of the same numbers."""


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
    names = [score.name for score in result.scores]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name} has more than one figure"
    for score in result.scores:
        metric = METRICS.get(score.name)
        if metric is not None and metric.higher_is_better != score.higher_is_better:
            yield f"{score.name}: expected higher_is_better {metric.higher_is_better}"
        if score.n > result.manifest.n:
            yield f"{score.name}: expected n of at most {result.manifest.n} pairs, got {score.n}"


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
    """What in the values of single pairs is not the record's: pairs, or means."""
    try:
        pairs = from_pairs(values.pairs, dataset="", split="", protocol="", identities=0)
    except DataError as error:
        yield f"values: {error}"
        return
    if pairs.sha256 != result.manifest.sha256:
        yield f"values: expected pairs of digest {result.manifest.sha256}, got {pairs.sha256}"
    scores = {score.name: score.value for score in result.scores}
    for name, column in values.metrics.items():
        known = [value for value in column if value is not None]
        mean, value = (math.fsum(known) / len(known) if known else None), scores.get(name)
        if not _same(mean, value):
            yield f"values: expected {name} with the mean {value}, got {mean}"


def _same(mean: float | None, value: float | None) -> bool:
    if mean is None or value is None:
        return mean is value
    return math.isclose(mean, value, rel_tol=_ROUNDING, abs_tol=_ROUNDING)


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
