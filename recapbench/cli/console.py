"""What the command line prints: results to standard output, the rest to standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from recapbench.isolation import parent

messages = Console(stderr=True)
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
        TextColumn("{task.description:44}"),
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
                    messages.print(f"{stage} ...", highlight=False)
            if bars.tasks and done == total and bars.tasks[tasks[stage]].finished:
                bars.reset(tasks[stage], total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def print_plain(text: str) -> None:
    typer.echo(text)


def print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


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
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    console.print(table)
