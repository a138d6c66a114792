"""Plots of runs and trainings that lie in folders: breakdowns and curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import print_json, print_rows
from recapbench.cli.options import Json, metric_names
from recapbench.cli.plot.files import DEFAULT_FORMS, Folder, Forms, write_plot

if TYPE_CHECKING:
    from recapbench.leaderboard.plots.breakdown import Breakdown, Cell


def plot_breakdown(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs on the same pairs.")],
    by: Annotated[
        str,
        typer.Option(help="part, pose_distance; of built-in sets view, turn, garment, pattern."),
    ],
    metrics: Annotated[
        str | None, typer.Option(help="Metrics of single pairs; l1,ssim.def_gan by default.")
    ] = None,
    out: Folder = Path(),
    form: Forms = DEFAULT_FORMS,
    as_json: Json = False,
) -> None:
    """Draw the values of single pairs in groups, for one or several runs."""
    from recapbench.comparison.entry import read_entries
    from recapbench.comparison.picture import open_task
    from recapbench.leaderboard.plots.breakdown import (
        breakdown,
        breakdown_plot,
        common_metrics,
        find_grouping,
    )

    grouping = find_grouping(by)
    entries = read_entries(folders)
    values = {entry.label: entry.values for entry in entries}
    names = common_metrics(values, metric_names(metrics))
    first = entries[0]
    higher = {name: first.result.score(name).higher_is_better for name in names}
    figures = breakdown(values, open_task(first), grouping, higher)
    write_plot(out, f"breakdown-{by}", form, lambda one: breakdown_plot(figures, one))
    print_rows(_rows(figures), as_json)


def _rows(figures: Breakdown) -> list[dict[str, str]]:
    return [
        {"group": group.title, "n": str(group.n), "persons": str(group.persons), "run": run}
        | {
            metric: _text(figures.cells[run, metric, group.title])
            for metric in figures.higher_is_better
        }
        for group in figures.groups
        for run in figures.runs
    ]


def _text(cell: Cell) -> str:
    if cell.mean is None:
        return "–"
    ends = "" if cell.ends is None else f" [{cell.ends[0]:.4f}, {cell.ends[1]:.4f}]"
    return f"{cell.mean:.4f}{ends}"


def plot_training(
    folders: Annotated[list[Path], typer.Argument(help="Folders of trainings.")],
    out: Folder = Path(),
    form: Forms = DEFAULT_FORMS,
    as_json: Json = False,
) -> None:
    """Draw the losses of one or several trainings, and their looks at validation pairs."""
    from recapbench.leaderboard.plots.training import training_plot
    from recapbench.leaderboard.training_log import read_logs

    logs = read_logs(folders)
    write_plot(out, "training", form, lambda one: training_plot(logs, one))
    if as_json:
        print_json(
            [
                {"name": log.name, "plan": log.plan.model_dump(), "looks": log.looks}
                | {"losses": log.losses}
                for log in logs
            ]
        )
        return
    print_rows(
        [
            {
                "training": log.name,
                "steps": f"{log.reached:,} of {log.plan.steps:,}",
                "last look (l1)": f"{log.looks[-1][1]:.4f}" if log.looks else "–",
            }
            for log in logs
        ],
        False,
    )
