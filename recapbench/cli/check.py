"""`recapbench check`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from recapbench.cli.console import messages, print_json, print_table, progress
from recapbench.cli.options import Config, Json, Settings, overrides
from recapbench.isolation import answers, parent

if TYPE_CHECKING:
    from recapbench.conformance.report import CheckReport
    from recapbench.conformance.request import CheckRequest


def check(
    method: Annotated[str, typer.Argument(help="Name of a method.")],
    dataset: Annotated[str, typer.Option(help="Whose pairs it is given.")] = "mannequin_street",
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights in place of those shipped, or of fresh random ones."),
    ] = None,
    config: Config = None,
    settings: Settings = None,
    pairs: Annotated[int, typer.Option(min=2, help="Pairs at once.")] = 4,
    device: Annotated[str, typer.Option(help="Where it runs: cpu, cuda, ...")] = "cpu",
    time_limit: Annotated[
        float, typer.Option(min=1, help="Seconds without a sign of life that fail a check.")
    ] = 120.0,
    as_json: Json = False,
) -> None:
    """Check whether a method keeps the contract: inputs, images, repeating, devices, training."""
    from recapbench.conformance.job import check as execute
    from recapbench.conformance.request import CheckRequest

    request = CheckRequest(
        method=method,
        dataset=dataset,
        weights=weights,
        config=config,
        overrides=overrides(settings),
        pairs=pairs,
        device=device,
        time_limit=time_limit,
    )
    if (watched := parent()) is not None:
        _serve(request, watched.report)
        return
    with progress() as report:
        found = execute(request, report)
    if as_json:
        print_json(found.document())
    else:
        print_table(_table(found))
        messages.print(found.counts)
    raise typer.Exit(found.exit_code)


def _serve(request: CheckRequest, report: Callable[[str, int, int], None]) -> None:
    """Make the checks for the process that started this one."""
    from recapbench.conformance.checks import serve

    with answers() as rows:
        serve(request, rows, report)


def _table(found: CheckReport) -> Table:
    """A row per check."""
    title = (
        f"{found.method} of {found.distribution} ({found.object})\n"
        f"{found.pairs} pairs of {found.dataset} on {found.device}"
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in found.rows:
        table.add_row(row.check, row.status, row.detail)
    return table
