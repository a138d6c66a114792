"""A method's page: what it is, its figures, its record, and what it makes of a few pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.score import Score, SizeFigure, number_text
from recapbench.leaderboard.board import Board, Measured
from recapbench.leaderboard.reported import NOT_STATED, Citation, Reported
from recapbench.leaderboard.tables.measured import about, label
from recapbench.page.links import measured_page, reported_page
from recapbench.page.samples import Sample, Samples
from recapbench.page.words import count, direction, given, interval


@dataclass(frozen=True)
class Fact:
    """A term and what is to be said of it.

    Attributes:
        term: what it is.
        text: the value.
        code: whether it is a digest or a command, to be set in type of one width.
        parts: what it consists of, if it is a record of its own.
    """

    term: str
    text: str
    code: bool = False
    parts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class ScoreLine:
    """A figure of a record, or why there is none."""

    name: str
    known: bool
    better: str
    text: str
    interval: str
    n: str
    extractor: str
    reason: str


@dataclass(frozen=True)
class Sizes:
    """A figure of parts of the set."""

    name: str
    figures: tuple[SizeFigure, ...]


@dataclass(frozen=True)
class Run:
    """What the page says of one measured record.

    Attributes:
        card: what it is in short.
        scores: every figure with a value.
        missing: those without, by reason.
        sizes: figures by number of images.
        notes: of the record.
        record: what it can be checked by.
        training: how the weights were made.
        settings: of the method.
        samples: outputs, with the images that they were made from where those are stored.
    """

    card: tuple[Fact, ...]
    scores: tuple[ScoreLine, ...]
    missing: Mapping[str, tuple[str, ...]]
    sizes: tuple[Sizes, ...]
    notes: tuple[str, ...]
    record: tuple[Fact, ...]
    training: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class PaperRow:
    """What the page says of one reported record.

    Attributes:
        record: it.
        title: of the method, with the table and the true label maps that it was given.
        stated: who measured what, as far as that is stated.
        missing: what is not.
    """

    record: Reported
    title: str
    stated: tuple[Fact, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class MethodPage:
    """A page.

    Attributes:
        path: from the site's root.
        dataset: name.
        label: of the method.
        title: in a line; empty where the citation says it.
        citation: where it was published, as far as a reported record says it.
        runs: scored here; one, or none.
        reported: rows of papers, with the parts of their protocol that are stated and the names
            of those that are not.
    """

    path: str
    dataset: str
    label: str
    title: str
    citation: Citation | None
    runs: tuple[Run, ...]
    reported: tuple[PaperRow, ...]


def method_pages(board: Board, samples: Samples) -> list[MethodPage]:
    """A page for each method on each dataset, in the order of their paths."""
    runs = {measured_page(one): one for one in (*board.measured, *board.ablation)}
    rows: dict[str, list[Reported]] = {}
    for record in board.reported:
        rows.setdefault(reported_page(record), []).append(record)
    citations = _citations(board.reported)
    return [
        _page(path, runs.get(path), rows.get(path, []), citations, samples)
        for path in sorted(runs.keys() | rows)
    ]


def _citations(reported: Sequence[Reported]) -> dict[str, Citation]:
    """Where the methods of this library were published, as far as reported records say it."""
    return {
        record.method.counterpart: record.method.citation
        for record in reported
        if record.method.counterpart is not None
    }


def _page(
    path: str,
    run: Measured | None,
    rows: Sequence[Reported],
    citations: Mapping[str, Citation],
    samples: Samples,
) -> MethodPage:
    reported = tuple(_paper_row(row) for row in rows)
    if run is None:
        of = rows[0].method
        name = of.counterpart or of.title
        return MethodPage(path, rows[0].dataset, name, "", of.citation, (), reported)
    return MethodPage(
        path=path,
        dataset=run.dataset,
        label=label(run),
        title=about(run),
        citation=citations.get(run.method),
        runs=(_run(run, samples),),
        reported=reported,
    )


def _paper_row(record: Reported) -> PaperRow:
    citation, protocol = record.source.citation, record.protocol
    source = f"{citation.authors}: {citation.title}, {citation.year}"
    pairs = None if protocol.pairs is None else f"{count(protocol.pairs)} of {protocol.split}"
    parts = {
        "Test pairs": pairs or NOT_STATED,
        "Size of images": protocol.resolution,
        "SSIM's protocol": protocol.ssim,
        "Network of IS and FID": protocol.inception,
        "Real images of FID": protocol.fid_real_images,
        "Mask": protocol.mask,
    }
    stated = (Fact(term, text) for term, text in parts.items() if text != NOT_STATED)
    place = f"{record.source.place}, row {record.row}"
    return PaperRow(
        record,
        ", ".join([record.method.title, record.source.place, *given(record)]),
        (Fact("Source", f"{source}, {place}"), Fact("Measured by", record.by), *stated),
        tuple(term for term, text in parts.items() if text == NOT_STATED),
    )


def _run(record: Measured, samples: Samples) -> Run:
    result = record.result
    weights = result.weights
    training: Mapping[str, Any] = {} if weights is None else weights.training
    missing: dict[str, list[str]] = {}
    for score in result.scores:
        if score.reason is not None:
            missing.setdefault(score.reason, []).append(score.name)
    return Run(
        card=tuple(_card(record)),
        scores=tuple(_line(score) for score in result.scores if score.value is not None),
        missing={reason: tuple(names) for reason, names in missing.items()},
        sizes=tuple(Sizes(score.name, score.sizes) for score in result.scores if score.sizes),
        notes=tuple(result.notes),
        record=tuple(_record(record)),
        training=tuple(_flat(training)),
        settings=tuple(_flat(result.method.config or {})),
        samples=samples.of(record),
    )


def _line(score: Score) -> ScoreLine:
    assert score.value is not None
    return ScoreLine(
        name=score.name,
        known=score.name in METRICS,
        better=direction(score.higher_is_better),
        text=number_text(score.value),
        interval=interval(score.low, score.high),
        n=count(score.n),
        extractor=score.extractor or "",
        reason=score.interval or "",
    )


def _card(record: Measured) -> Iterator[Fact]:
    result = record.result
    if result.method.parameters is not None:
        yield Fact("Parameters", f"{result.method.parameters:,}")
    if result.method.inputs is not None:
        yield Fact("Inputs", ", ".join(name.replace("_", " ") for name in result.method.inputs))
    if result.target_parsing is not None:
        yield Fact("Target layout", result.target_parsing.replace("_", " "))
    if result.weights is not None:
        yield Fact("Weights", result.weights.file, code=True)
        if (effort := result.weights.effort) is not None:
            yield Fact("Training", effort)
    yield Fact("Pairs", f"{count(result.manifest.n)}, {result.manifest.protocol}")
    if result.seconds is not None:
        per_pair = f"{1000 * result.seconds / result.manifest.n:.0f} ms a pair"
        yield Fact("Generation", f"{per_pair} on {result.device}")


def _record(record: Measured) -> Iterator[Fact]:
    result = record.result
    yield Fact("Schema", result.schema_, code=True)
    yield Fact("Origin", result.origin)
    if result.method.distribution is not None:
        yield Fact("Distribution", result.method.distribution)
    if result.weights is not None:
        yield Fact("Weights", result.weights.sha256, code=True)
    yield Fact("Pairs", result.manifest.sha256, code=True)
    if result.dataset is not None:
        preset = f", preset {result.dataset.preset}" if result.dataset.preset else ""
        yield Fact("Split", f"{result.dataset.split}{preset}")
        digests = {"Images": result.dataset.images, "Annotations": result.dataset.annotations}
        yield from (Fact(term, text, code=True) for term, text in digests.items() if text)
    yield Fact("Outputs", result.outputs.sha256, code=True)
    if result.seed is not None:
        yield Fact("Seed", str(result.seed))
    yield Fact("Device", result.device)
    if result.commit is not None:
        yield Fact("Commit", result.commit, code=True)
    if result.versions:
        yield Fact("Versions", ", ".join(f"{name} {one}" for name, one in result.versions.items()))


def _flat(values: Mapping[str, Any]) -> Iterator[Fact]:
    """Facts of a record's free part, in its order."""
    for key, value in values.items():
        term = key.replace("_", " ")
        if isinstance(value, Mapping):
            yield Fact(term, f"{len(value)} entries", parts=tuple(_flat(value)))
        else:
            text = "none" if value is None else str(value)
            yield Fact(term, text, code=key == "command" or _is_digest(text))


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
