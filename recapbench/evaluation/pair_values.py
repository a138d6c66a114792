"""The values of single pairs: what intervals of differences and breakdowns are made from.

A table has a row for each pair in the order of the manifest, and a column for each metric that is a
mean over pairs; an empty field where a pair has no value.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from recapbench.errors import DataError

_HEAD: Final = ("source", "target", "person")


@dataclass(frozen=True)
class PairValues:
    """Values of the pairs of one run.

    Attributes:
        pairs: source and target of each.
        persons: the person of each.
        metrics: name -> value of each pair, None where it has none.
    """

    pairs: tuple[tuple[str, str], ...]
    persons: tuple[str, ...]
    metrics: Mapping[str, Sequence[float | None]]

    def known(self, metric: str) -> tuple[list[float], list[str]]:
        """The values of a metric that are there, and the person of each."""
        column = self.metrics[metric]
        rows = [(v, p) for v, p in zip(column, self.persons, strict=True) if v is not None]
        return [value for value, _ in rows], [person for _, person in rows]

    def encoded(self) -> bytes:
        """The table as CSV; numbers in full."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_HEAD, *self.metrics])
        for index, (pair, person) in enumerate(zip(self.pairs, self.persons, strict=True)):
            values = (column[index] for column in self.metrics.values())
            fields = ("" if value is None else repr(value) for value in values)
            writer.writerow([*pair, person, *fields])
        return text.getvalue().encode()


def read_pair_values(path: Path) -> PairValues:
    """A table from its file.

    Raises:
        DataError: if it is missing or malformed; the line is named.
    """
    try:
        rows = list(csv.reader(StringIO(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise DataError(f"{path}: expected the values of single pairs, got no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if not rows or tuple(rows[0][:3]) != _HEAD:
        raise DataError(f"{path}: expected a table that begins with {','.join(_HEAD)}")
    names = rows[0][3:]
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise DataError(f"{path}: line {line} has {len(row)} fields, expected {len(rows[0])}")
        for name, text in zip(names, row[3:], strict=True):
            columns[name].append(_number(text, f"{path}: line {line}, {name}"))
    return PairValues(
        pairs=tuple((row[0], row[1]) for row in rows[1:]),
        persons=tuple(row[2] for row in rows[1:]),
        metrics=columns,
    )


def _number(text: str, where: str) -> float | None:
    if text == "":
        return None
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"{where}: expected a number, got {text!r}") from None
    if not math.isfinite(value):
        raise DataError(f"{where}: expected a finite number, got {text}")
    return value
