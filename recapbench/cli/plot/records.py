"""Plots of the records of leaderboards: ablation, metric against metric, number of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import messages, print_json, print_rows
from recapbench.cli.options import DatasetName, Json, Leaderboards, metric_names
from recapbench.cli.plot.files import DEFAULT_FORMS, Folder, Forms, tell, write_plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recapbench.evaluation.score import Score
    from recapbench.leaderboard.ablation import Ablation
    from recapbench.leaderboard.plots.choice import Field


def plot_ablation(
    dataset: DatasetName,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics by name, as l1,ssim.def_gan; six by default.")
    ] = None,
    root: Leaderboards = None,
    out: Annotated[Path, typer.Option(help="Folder for the plot and the page.")] = Path(),
    as_json: Json = False,
) -> None:
    """Draw the ablation of the paper's Table 4 from its records, and print it as a table."""
    from recapbench.leaderboard.ablation import read_ablation
    from recapbench.leaderboard.ablation_page import ablation_page
    from recapbench.leaderboard.plots.ablation import ablation_plot
    from recapbench.provenance import write_atomic

    asked = metric_names(metrics)
    ablation = read_ablation(dataset, root)
    names = ablation.metrics(asked)
    stem = f"ablation-{dataset}"
    files = {
        f"{stem}.svg": ablation_plot(ablation, names, "svg"),
        f"{stem}.png": ablation_plot(ablation, names, "png"),
        f"{stem}.md": ablation_page(ablation, names, f"{stem}.svg").encode(),
    }
    for name, content in files.items():
        write_atomic(out / name, content)
        messages.print(f"wrote {out / name}", soft_wrap=True)
    if as_json:
        print_json([run.result.document() for run in ablation.runs])
    else:
        print_rows(_table(ablation, names), False)


def _table(ablation: Ablation, metrics: Sequence[str]) -> list[dict[str, str]]:
    from recapbench.leaderboard.figures import arrow, cell

    return [
        {"row": row.paper.title, "seeds": str(len(row.runs)), "parameters": f"{row.parameters:,}"}
        | {f"{name} {arrow(ablation, name)}": cell(row, name) for name in metrics}
        for row in ablation.rows
    ]


def plot_metrics(
    dataset: DatasetName,
    x: Annotated[str, typer.Option("--x", help="Metric across, as l1.")] = "l1",
    y: Annotated[str, typer.Option("--y", help="Metric up.")] = "fid.effnet_lite0",
    root: Leaderboards = None,
    out: Folder = Path(),
    form: Forms = DEFAULT_FORMS,
    as_json: Json = False,
) -> None:
    """Draw one metric against another, a point for each method with both intervals."""
    from recapbench.leaderboard.plots.choice import not_drawn
    from recapbench.leaderboard.plots.metrics import metrics_plot, versus

    figures = versus(_field(dataset, root), x, y)
    write_plot(out, f"metrics-{dataset}", form, lambda one: metrics_plot(figures, one))
    tell(not_drawn(figures.left_out))
    if as_json:
        points = {name: [_score(one) for one in pair] for name, pair in figures.points.items()}
        print_json({"task": figures.task, "points": points, "left_out": dict(figures.left_out)})
        return
    rows = [
        {"method": name, x: _figure(first), y: _figure(second)}
        for name, (first, second) in figures.points.items()
    ]
    print_rows(rows, False)


def plot_sample_size(
    dataset: DatasetName,
    metric: Annotated[str, typer.Option(help="A figure of whole sets.")] = "fid.effnet_lite0",
    root: Leaderboards = None,
    out: Folder = Path(),
    form: Forms = DEFAULT_FORMS,
    as_json: Json = False,
) -> None:
    """Draw how a figure of whole sets depends on the number of images."""
    from recapbench.leaderboard.plots.choice import not_drawn
    from recapbench.leaderboard.plots.sample_size import by_size, sample_size_plot

    figures = by_size(_field(dataset, root), metric)
    write_plot(out, f"sample-size-{dataset}", form, lambda one: sample_size_plot(figures, one))
    tell(not_drawn(figures.left_out))
    lines = figures.lines.items()
    if as_json:
        sizes = {name: [one.model_dump(mode="json") for one in line] for name, line in lines}
        print_json({"task": figures.task, "lines": sizes, "left_out": dict(figures.left_out)})
        return
    rows = [
        {"method": name, "images": f"{one.n:,}", metric: f"{one.mean:.4g}", "parts": str(one.draws)}
        for name, line in lines
        for one in line
    ]
    print_rows(rows, False)


def _field(dataset: str, root: Path | None) -> Field:
    from recapbench.data.datasets import find_dataset
    from recapbench.leaderboard.board import read_board
    from recapbench.leaderboard.plots.choice import choose_field

    find_dataset(dataset)
    return choose_field(read_board(root), dataset)


def _figure(score: Score) -> str:
    ends = "" if score.low is None else f" [{score.low:.4g}, {score.high:.4g}]"
    return f"{score.value:.4g}{ends}"


def _score(score: Score) -> dict[str, object]:
    return score.model_dump(mode="json", include={"name", "value", "low", "high", "interval", "n"})
