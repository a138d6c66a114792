"""What the command line prints: results to standard output, the rest to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import typer
from rich.console import Console
from rich.table import Table

from recapbench.isolation import parent


def _console(*, stderr: bool = False, width: int | None = None) -> Console:
    """One to which all is text: methods and folders may have brackets and colons in their names."""
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


messages = _console(stderr=True)
"""For progress and messages."""


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per stage on standard error; where that is no terminal, a line per stage.

    In a process that another one runs and watches, that one is told, and shows it.
    """
    if (watched := parent()) is not None:
        yield watched.report
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:44}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
                if not messages.is_terminal:
                    messages.print(f"{stage} ...")
            if bars.tasks and done == total and bars.tasks[tasks[stage]].finished:
                bars.reset(tasks[stage], total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


class _Documents:
    """Where documents are printed: standard output, or what was kept of it for them alone."""

    def __init__(self) -> None:
        self._kept: IO[str] | None = None

    def keep_apart(self) -> None:
        """Whatever else prints from now on, code of others among it, does so to standard error."""
        stdout = sys.__stdout__
        if self._kept is not None or stdout is None or stdout is not sys.stdout:
            return
        stdout.flush()
        self._kept = os.fdopen(os.dup(1), "w", encoding=stdout.encoding, errors="backslashreplace")
        os.dup2(2, 1)

    def print(self, text: str) -> None:
        """Print a document."""
        print(text, file=self._kept, flush=True)


_documents = _Documents()


def json_alone(asked: bool) -> bool:
    """Callback of ``--json``: nothing but the document reaches standard output."""
    if asked:
        _documents.keep_apart()
    return asked


def print_plain(text: str) -> None:
    typer.echo(text)


def print_json(document: object) -> None:
    _documents.print(json.dumps(document, indent=2, ensure_ascii=False))


def print_rows(rows: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ():
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    print_table(table)


def print_table(table: Table) -> None:
    """Whole, however narrow the terminal; a pipe gets the full width."""
    console = _console()
    if not console.is_terminal:
        console = _console(width=200)
    console.print(table)
