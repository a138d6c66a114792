"""Leaderboards of papers' figures: one for each list of test pairs, so far as papers say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recapbench.leaderboard.reported import NOT_STATED, Citation, Reported, ReportedFigure
from recapbench.page.links import reported_page
from recapbench.page.table import TRUE_LAYOUT, Figure, Head, Leaderboard, Row
from recapbench.page.words import count, given

_PARTS = (
    ("ssim", "SSIM's protocol"),
    ("inception", "network of IS and FID"),
    ("fid_real_images", "real images of FID"),
    ("mask", "mask"),
)
"""Parts of a protocol that may not differ within a column, and what they are."""


def reported_boards(records: Iterable[Reported]) -> list[Leaderboard]:
    """A leaderboard for each dataset, list of pairs and protocol; those that state it first."""
    found: dict[tuple[object, ...], list[Reported]] = {}
    for record in records:
        found.setdefault(_task(record), []).append(record)
    ordered = sorted(
        found.values(), key=lambda some: (some[0].dataset, some[0].protocol.pairs is None)
    )
    return [_leaderboard(some, place) for place, some in enumerate(ordered, start=1)]


def _task(record: Reported) -> tuple[object, ...]:
    """What rows of a leaderboard agree in."""
    protocol = record.protocol
    parts = (getattr(protocol, field) for field, _ in _PARTS)
    return (record.dataset, protocol.split, protocol.pairs, *parts)


@dataclass(frozen=True)
class _Line:
    """Rows of several tables that say the same of one method."""

    first: Reported
    figures: dict[str, ReportedFigure]
    tables: tuple[int, ...]
    resolution: str

    @property
    def competes(self) -> bool:
        """Whether it can be the best: not with the true label maps of the targets."""
        return self.first.parsing is None or not self.first.parsing.target

    def with_row(self, record: Reported) -> _Line | None:
        """This line with another row's figures; None if they are not of the same thing."""
        own, other = self.first, record
        if (own.method.slug, own.origin) != (other.method.slug, other.origin):
            return None
        if self.resolution != record.protocol.resolution:
            return None
        theirs = _by_column(record)
        if any(
            self.figures[key].value != theirs[key].value for key in self.figures.keys() & theirs
        ):
            return None
        tables = (*self.tables, record.table)
        return _Line(own, self.figures | theirs, tables, self.resolution)


def _lines(records: Sequence[Reported]) -> list[_Line]:
    lines: list[_Line] = []
    for record in records:
        for place, line in enumerate(lines):
            joined = line.with_row(record)
            if joined is not None:
                lines[place] = joined
                break
        else:
            tables, size = (record.table,), record.protocol.resolution
            lines.append(_Line(record, _by_column(record), tables, size))
    return lines


def _by_column(record: Reported) -> dict[str, ReportedFigure]:
    """Figures by what they are: the paper has two spellings of masked figures."""
    return {figure.nearest or figure.heading: figure for figure in record.figures}


def _leaderboard(records: Sequence[Reported], place: int) -> Leaderboard:
    first, lines = records[0], _lines(records)
    columns: dict[str, ReportedFigure] = {}
    for line in lines:
        for key, figure in line.figures.items():
            columns.setdefault(key, figure)
    keys = sorted(columns, key=_order)
    stated = first.protocol.pairs is not None
    return Leaderboard(
        anchor=f"{first.dataset}-reported-{place}",
        dataset=first.dataset,
        title=_title(first),
        facts=(*_facts(first), *((TRUE_LAYOUT,) if any(not one.competes for one in lines) else ())),
        heads=tuple(_head(key, columns[key]) for key in keys),
        rows=tuple(_row(line, keys, lines, stated) for line in lines),
        comparable=stated,
    )


def _order(key: str) -> tuple[int, str]:
    """SSIM, then IS, then FID, the masked figure after the plain one."""
    family = key.partition(".")[0]
    known = ("ssim", "mask_ssim", "is", "mask_is", "fid")
    return (known.index(family) if family in known else len(known), key)


def _head(key: str, figure: ReportedFigure) -> Head:
    family = (figure.nearest or figure.heading.lower()).partition(".")[0]
    return Head(figure.heading, family, NOT_STATED, figure.higher_is_better, True, False)


def _row(line: _Line, keys: Sequence[str], lines: Sequence[_Line], stated: bool) -> Row:
    record = line.first
    numbers = ", ".join(map(str, line.tables))
    tables = f"Table {numbers}" if len(line.tables) == 1 else f"Tables {numbers}"
    parts = [f"{_short(record.source.citation)}, {tables}", *given(record)]
    parts += [] if line.resolution == NOT_STATED else [line.resolution]
    own = record.method.citation == record.source.citation
    whose = "" if own else f"; method of {_short(record.method.citation)}"
    return Row(
        label=record.method.title,
        about=", ".join(parts) + whose,
        href=reported_page(record),
        origin=record.origin,
        n=NOT_STATED if record.protocol.pairs is None else count(record.protocol.pairs),
        figures=tuple(_cell(line, key, lines, stated) for key in keys),
    )


def _short(citation: Citation) -> str:
    """The first author's last name and the year."""
    return f"{citation.authors.split(',')[0].split()[-1]} {citation.year}"


def _cell(line: _Line, key: str, lines: Sequence[_Line], stated: bool) -> Figure | None:
    figure = line.figures.get(key)
    if figure is None:
        return None
    rivals = [other for other in lines if other.competes and key in other.figures]
    values = [other.figures[key].value for other in rivals]
    best = None
    if stated and line.competes and len(values) > 1:
        best = max(values) if figure.higher_is_better else min(values)
    return Figure(text=figure.text, value=figure.value, best=figure.value == best)


def _title(record: Reported) -> str:
    protocol = record.protocol
    if protocol.pairs is None:
        return "From the paper, test pairs not stated"
    return f"From the paper, {count(protocol.pairs)} test pairs of {protocol.split}"


def _facts(record: Reported) -> list[str]:
    source = record.source.citation
    facts = [f"As printed in {source.authors.split(',')[0]} et al., {source.title}, {source.year}."]
    if record.protocol.pairs is None:
        facts.append(
            "Each row may be of its authors' own test pairs: the figures cannot be ranked, so "
            "this table is not sorted and marks no best."
        )
    said = {field: getattr(record.protocol, field) for field, _ in _PARTS}
    missing = [what for field, what in _PARTS if said[field] == NOT_STATED]
    if missing:
        facts.append(f"The paper does not state: {', '.join(missing)}.")
    facts += [f"{what}: {said[field]}." for field, what in _PARTS if said[field] != NOT_STATED]
    return facts
