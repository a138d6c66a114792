"""`recapbench plot`: pictures of results."""

from __future__ import annotations

import typer

from recapbench.cli.plot.images import plot_attention, plot_grid
from recapbench.cli.plot.records import plot_ablation, plot_metrics, plot_sample_size
from recapbench.cli.plot.runs import plot_breakdown, plot_training

plot_app = typer.Typer(
    help="Pictures of results: tables as plots, breakdowns, curves, grids, attention.",
    no_args_is_help=True,
)
plot_app.command("ablation")(plot_ablation)
plot_app.command("metrics")(plot_metrics)
plot_app.command("sample-size")(plot_sample_size)
plot_app.command("breakdown")(plot_breakdown)
plot_app.command("training")(plot_training)
plot_app.command("grid")(plot_grid)
plot_app.command("attention")(plot_attention)
