"""The records of one table of a paper as rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from recapbench.leaderboard.reported import Parsing, Reported
from recapbench.leaderboard.tables.sheet import CHECK, DASH, EMPTY, Cell, Column, Line, marked

DATASETS: Final[Mapping[str, str]] = {"deepfashion": "DeepFashion", "market1501": "Market-1501"}
"""The paper's datasets by our names, in the order of its tables."""
METHODS: Final = Column("Methods", figures=False)
SOURCE: Final = Column("Source", "Parsing Map", figures=False)
TARGET: Final = Column("Target", "Parsing Map", figures=False)


class ReportedRows:
    """A table.

    Attributes:
        rows: in order; of each its records by dataset.
        figures: dataset and heading of each column of figures.
    """

    def __init__(self, records: Sequence[Reported]) -> None:
        ordered = sorted(records, key=lambda one: (one.row, list(DATASETS).index(one.dataset)))
        by_row = groupby(ordered, key=lambda one: one.row)
        self.records = ordered
        self.rows = [{one.dataset: one for one in row} for _, row in by_row]
        self.figures = [
            (dataset, heading) for dataset in DATASETS for heading in _headings(ordered, dataset)
        ]

    @property
    def heads(self) -> list[Reported]:
        """Of each row a record, for what does not depend on the dataset."""
        return [next(iter(row.values())) for row in self.rows]

    @property
    def with_parsing(self) -> bool:
        """Whether the table says which parsing maps were given."""
        return any(record.parsing is not None for record in self.records)

    def cells(self, dataset: str, heading: str) -> list[Cell]:
        """A figure of every row, the best one marked; a dash where there is none."""
        found = [row[dataset].figure(heading) if dataset in row else None for row in self.rows]
        cells = [Cell(DASH if figure is None else figure.text) for figure in found]
        values = [None if figure is None else figure.value for figure in found]
        higher = all(figure is None or figure.higher_is_better for figure in found)
        return marked(values, cells, higher)

    def methods_as_rows(self) -> tuple[list[Column], list[list[Line]]]:
        """Columns, and lines in sections: what was measured on other pairs stands apart."""
        own = {Column(head, DATASETS[of]): self.cells(of, head) for of, head in self.figures}
        lines: list[dict[Column, Cell]] = []
        for place, record in enumerate(self.heads):
            line = {METHODS: Cell(record.method.title)} | checks(record.parsing)
            lines.append(line | {column: cells[place] for column, cells in own.items()})
        kinds = [(record.origin, record.protocol.pairs) for record in self.heads]
        places = groupby(range(len(lines)), key=kinds.__getitem__)
        sections: list[list[Line]] = [[lines[place] for place in some] for _, some in places]
        leading = [METHODS, SOURCE, TARGET] if self.with_parsing else [METHODS]
        return [*leading, *own], sections

    def methods_as_columns(self) -> tuple[list[Column], list[list[Line]]]:
        """Columns, and the lines as one section; a line for each dataset and heading."""
        methods = [Column(record.method.title) for record in self.heads]
        lines: list[Line] = [
            {METHODS: Cell(DATASETS[of])} | dict(zip(methods, self.cells(of, heading), strict=True))
            for of, heading in self.figures
        ]
        return [METHODS, *methods], [lines]


def checks(parsing: Parsing | None) -> dict[Column, Cell]:
    """Check marks for the parsing maps that a row was given."""
    if parsing is None:
        return {}
    marks = {True: CHECK, False: EMPTY}
    return {SOURCE: Cell(marks[parsing.source]), TARGET: Cell(marks[parsing.target])}


def row_name(record: Reported) -> str:
    """What to call a row where there are no check marks."""
    if record.parsing is None:
        return record.method.title
    given = [name for name in ("source", "target") if getattr(record.parsing, name)]
    maps = f"{' and '.join(given)} parsing" if given else "no parsing"
    return f"{record.method.title} ({maps})"


def _headings(records: Sequence[Reported], dataset: str) -> list[str]:
    """Headings of a dataset's columns, in order."""
    figures = (figure for one in records if one.dataset == dataset for figure in one.figures)
    return list(dict.fromkeys(figure.heading for figure in figures))
