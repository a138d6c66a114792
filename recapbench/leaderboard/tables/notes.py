"""What stands below a table: how its figures came about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from recapbench.leaderboard.reported import NOT_STATED, Reported, ReportedProtocol
from recapbench.leaderboard.tables.measured import Block
from recapbench.leaderboard.tables.reported_rows import row_name

_Thing = TypeVar("_Thing")
_Key = TypeVar("_Key")

_FACTS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("ssim", "protocol of SSIM", ("SSIM",)),
    ("inception", "network of IS and FID", ("IS", "FID")),
    ("fid_real_images", "real images of FID", ("FID",)),
    ("mask", "mask of masked figures", ("M-", "Mask-")),
)
"""Fields of a protocol, what they are, and parts of the headings that they matter to."""


def reported_notes(records: Sequence[Reported], datasets: Mapping[str, str]) -> Iterator[str]:
    """Who measured what, on which pairs, under which protocol, as far as the records say."""
    for (by, notes), some in _gathered(records, lambda one: (one.by, tuple(one.notes))).items():
        yield " ".join([f"{_rows(some, records)}: {by}.", *notes])
    for dataset, title in datasets.items():
        there = [record for record in records if record.dataset == dataset]
        if there:
            parts = _gathered(there, lambda one: _pairs(one.protocol))
            texts = [f"{_rows(some, there)}: {pairs}" for pairs, some in parts.items()]
            yield f"{title}. {'; '.join(texts)}."
    yield _protocol(records)


def measured_notes(blocks: Iterable[Block]) -> Iterator[str]:
    """The tasks of our own figures, what their intervals are, and why some are not there."""
    blocks = list(blocks)
    for block in blocks:
        yield block.group.task()
    shown = [
        score
        for block in blocks
        for record in block.group.records
        for score in record.result.scores
        if score.name in block.metrics
    ]
    kinds = _gathered([one for one in shown if one.interval], lambda one: str(one.interval))
    for kind, scores in kinds.items():
        yield f"± half of the interval, {_names(score.name for score in scores)}: {kind}."
    reasons = _gathered([one for one in shown if one.reason], lambda one: str(one.reason))
    for reason, scores in reasons.items():
        yield f"–, {_names(score.name for score in scores)}: {reason}."


def _protocol(records: Sequence[Reported]) -> str:
    """What was measured how; a part that no heading has to do with is left out."""
    headings = {figure.heading for record in records for figure in record.figures}
    parts = []
    for field, what, about in _FACTS:
        if any(part in heading for part in about for heading in headings):
            said = dict.fromkeys(getattr(record.protocol, field) for record in records)
            parts.append(f"{what}: {' or '.join(said)}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _pairs(protocol: ReportedProtocol) -> str:
    if protocol.pairs is None and protocol.resolution == NOT_STATED:
        return "pairs and size of images not stated"
    size = "not stated" if protocol.resolution == NOT_STATED else protocol.resolution
    return f"{protocol.pairs:,} test pairs of {protocol.split}, size of images {size}"


def _rows(some: Sequence[Reported], of: Sequence[Reported]) -> str:
    """Names of rows, or that it is all of them."""
    if len(some) == len(of) > 1:
        return "All rows"
    return _names(row_name(record) for record in some)


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _gathered(things: Iterable[_Thing], key: Callable[[_Thing], _Key]) -> dict[_Key, list[_Thing]]:
    found: dict[_Key, list[_Thing]] = {}
    for thing in things:
        found.setdefault(key(thing), []).append(thing)
    return found
