"""`recapbench plot`: pictures of results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import messages, print_json, print_plain, print_rows, progress
from recapbench.cli.options import DatasetName, Device, Json, Preset, metric_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recapbench.leaderboard.ablation import Ablation

plot_app = typer.Typer(help="Pictures of results: ablation, attention.", no_args_is_help=True)


@plot_app.command("ablation")
def plot_ablation(
    dataset: DatasetName,
    metrics: Annotated[
        str | None, typer.Option(help="Metrics by name, as l1,ssim.def_gan; six by default.")
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of the records; those shipped by default.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the plot and the page.")] = Path(),
    as_json: Json = False,
) -> None:
    """Draw the ablation of the paper's Table 4 from its records, and print it as a table."""
    from recapbench.leaderboard.ablation import read_ablation
    from recapbench.leaderboard.ablation_page import ablation_page
    from recapbench.leaderboard.ablation_plot import ablation_plot
    from recapbench.provenance import write_atomic

    asked = metric_names(metrics)
    ablation = read_ablation(dataset, records)
    names = ablation.metrics(asked)
    stem = f"ablation-{dataset}"
    files = {
        f"{stem}.svg": ablation_plot(ablation, names, "svg"),
        f"{stem}.png": ablation_plot(ablation, names, "png"),
        f"{stem}.md": ablation_page(ablation, names, f"{stem}.svg").encode(),
    }
    for name, content in files.items():
        write_atomic(out / name, content)
        messages.print(f"wrote {out / name}", soft_wrap=True, highlight=False)
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


@plot_app.command("attention")
def plot_attention(
    dataset: DatasetName,
    weights: Annotated[Path | None, typer.Option(help="Weights in place of those shipped.")] = None,
    pairs: Annotated[int, typer.Option(min=1, max=50, help="How many pairs.")] = 3,
    points: Annotated[
        int, typer.Option(min=1, help="Pixels of each: face, upper garment, arm, shoe, ...")
    ] = 4,
    preset: Preset = None,
    device: Device = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG to write [default: attention-<dataset>.png].")
    ] = None,
) -> None:
    """Draw where SAT looks in the source for marked pixels of its output."""
    from recapbench.leaderboard.attention_sheet import SheetRequest, attention_sheet
    from recapbench.provenance import write_atomic

    path = Path(f"attention-{dataset}.png") if out is None else out
    request = SheetRequest(dataset, weights, pairs, points, preset, device)
    with progress() as report:
        picture = attention_sheet(request, report)
    write_atomic(path, picture)
    print_plain(str(path))
