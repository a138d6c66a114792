"""`recapbench run` with several methods, and `recapbench compare` over runs that are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_table, progress
from recapbench.cli.options import Json
from recapbench.errors import EXIT_DONE, EXIT_FAILED, EXIT_PARTIAL, UsageError

if TYPE_CHECKING:
    from recapbench.comparison.entry import Entry
    from recapbench.comparison.job import Outcome
    from recapbench.comparison.record import Comparison
    from recapbench.request import RunRequest


def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or of `score --out`, on the same pairs.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for table, record and grid.")] = None,
    as_json: Json = False,
) -> None:
    """Rank runs that are there already, and show them side by side; --json prints the record."""
    from recapbench.comparison.build import check_folder, write_comparison
    from recapbench.comparison.build import compare as compared
    from recapbench.comparison.entry import read_entries

    if len(folders) < 2:
        raise UsageError("expected at least two folders to compare, got one")
    if double := sorted({str(folder) for folder in folders if folders.count(folder) > 1}):
        raise UsageError(f"{', '.join(double)} is named more than once")
    if out is not None:
        check_folder(out)
    entries = read_entries(folders)
    comparison = compared(entries)
    left_out = [] if out is None else write_comparison(out, comparison, entries)
    if as_json:
        print_json(comparison.document())
    else:
        show(comparison, entries, out, left_out)
    raise typer.Exit(code(entries, 0))


def run_several(
    requests: Sequence[RunRequest], out: Path, stall: float | None, as_json: bool
) -> NoReturn:
    """Run several methods, each in a process of its own, and print how they compare."""
    from recapbench.comparison.build import compare as compared
    from recapbench.comparison.build import write_comparison
    from recapbench.comparison.entry import read_entries

    _refuse(requests)
    outcomes = _outcomes(requests, out, stall)
    failed = [outcome.failure for outcome in outcomes if outcome.failure is not None]
    entries = read_entries([one.request.out for one in outcomes if one.failure is None])
    if entries:
        comparison = compared(entries, failed)
        left_out = write_comparison(out, comparison, entries)
        if not as_json:
            show(comparison, entries, out, left_out)
    if as_json:
        print_json([entry.result.document() for entry in entries])
    raise typer.Exit(code(entries, len(failed)))


def _refuse(requests: Sequence[RunRequest]) -> None:
    """Options that make no sense for several methods."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        error = UsageError(
            "several methods run one by one: launch each by itself with several processes, "
            "then `recapbench compare` their folders"
        )
        error.everywhere = True
        raise error
    if requests[0].target_parsing != "predicted":
        raise UsageError(
            "--target-parsing ground_truth is for a single method: run it by itself, then "
            "`recapbench compare` its folder with the others'"
        )


def _outcomes(requests: Sequence[RunRequest], out: Path, stall: float | None) -> list[Outcome]:
    """Run all, telling of each that fails as it does."""
    from recapbench.comparison.job import STALL, run_methods

    found = []
    try:
        with progress() as report:
            for outcome in run_methods(requests, out, stall or STALL, report):
                if outcome.failure is not None:
                    text = f"failed: {outcome.failure.reason}; its messages: {outcome.log}"
                    messages.print(text, soft_wrap=True)
                found.append(outcome)
    except KeyboardInterrupt:
        messages.print(f"interrupted; finish it with --resume --out {out}", soft_wrap=True)
        raise
    return found


def show(
    comparison: Comparison, entries: Sequence[Entry], out: Path | None, left_out: Sequence[str]
) -> None:
    """The table and its caption; what else there is to say goes to the messages."""
    from recapbench.comparison.build import PAGE, RECORD
    from recapbench.comparison.table import comparison_table, failures
    from recapbench.request import GRID
    from recapbench.summary import missing

    print_table(comparison_table(comparison))
    for line in failures(comparison):
        print_plain(line)
    for line in [*missing(*(entry.result for entry in entries)), *_grid_notes(left_out)]:
        messages.print(line, soft_wrap=True)
    if out is not None:
        for title, name in (("record", RECORD), ("table", PAGE), ("grid", GRID)):
            if (out / name).exists():
                messages.print(f"{title:<7} {out / name}", soft_wrap=True)


def _grid_notes(left_out: Sequence[str]) -> list[str]:
    return [f"not in the grid: {note}" for note in left_out]


def code(entries: Sequence[Entry], failed: int) -> int:
    """0; 4 if a method or one of its metrics failed; 1 if all methods did."""
    from recapbench.summary import exit_code

    if not entries:
        return EXIT_FAILED
    partial = failed or exit_code(*(entry.result for entry in entries)) != EXIT_DONE
    return EXIT_PARTIAL if partial else EXIT_DONE
