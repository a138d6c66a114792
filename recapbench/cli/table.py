"""`recapbench table`: the paper's tables, and all that is known of a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from recapbench.cli.console import messages
from recapbench.cli.options import Leaderboards, metric_names


def table(
    paper: Annotated[
        int | None, typer.Option(metavar="N", help='Table N of "Recapture as You Want": 1 to 4.')
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Every record of a dataset.")] = None,
    with_measured: Annotated[
        bool, typer.Option("--with-measured", help="With --paper: add our own figures below.")
    ] = False,
    metrics: Annotated[
        str | None, typer.Option(help="With --dataset: metrics by name, or all; a few by default.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="text, markdown, latex or csv (without notes).")
    ] = "text",
    root: Leaderboards = None,
) -> None:
    """Print a table of the leaderboards: reported and measured figures, never mixed."""
    from recapbench.data.datasets import find_dataset
    from recapbench.errors import UsageError, unknown
    from recapbench.leaderboard.board import read_board
    from recapbench.leaderboard.tables.dataset import dataset_sheet
    from recapbench.leaderboard.tables.paper import paper_sheet
    from recapbench.leaderboard.tables.writers import WRITERS

    if form not in WRITERS:
        raise unknown("format", form, WRITERS)
    if (paper is None) == (dataset is None):
        raise UsageError("expected either --paper N or --dataset NAME")
    if paper is not None:
        if metrics is not None:
            raise UsageError("--metrics goes with --dataset")
        sheet = paper_sheet(read_board(root), paper, with_measured)
    else:
        if with_measured:
            raise UsageError("--with-measured goes with --paper")
        name = find_dataset(dataset or "").name
        sheet = dataset_sheet(read_board(root), name, metric_names(metrics))
    typer.echo(WRITERS[form](sheet), nl=False)
    if form == "csv":
        for note in sheet.notes:
            messages.print(note, soft_wrap=True)
