"""Pictures of images: grids of several methods, and attention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recapbench.cli.console import print_plain, progress
from recapbench.cli.options import DatasetName, Device, Preset
from recapbench.cli.plot.files import DEFAULT_FORMS, Folder, Forms, write_plot
from recapbench.errors import UsageError


def plot_grid(
    folders: Annotated[list[Path], typer.Argument(help="Folders of runs on the same pairs.")],
    rows: Annotated[int, typer.Option(min=1, help="How many pairs, evenly spread.")] = 6,
    pick: Annotated[
        str | None, typer.Option(help="Pairs by their rows in the manifest from 0, as 3,17.")
    ] = None,
    titles: Annotated[
        str | None, typer.Option(help="Titles of the runs between commas; their names by default.")
    ] = None,
    out: Folder = Path(),
    form: Forms = DEFAULT_FORMS,
) -> None:
    """Draw source, wanted pose, the output of each run and target, as a figure for a paper."""
    from recapbench.comparison.entry import read_entries
    from recapbench.comparison.picture import open_outputs, open_task
    from recapbench.grid import method_tiles, method_titles, spread
    from recapbench.leaderboard.plots.grid import grid_plot

    entries = read_entries(folders)
    names = _titles(titles, [entry.label for entry in entries])
    split, manifest = open_task(entries[0]), entries[0].manifest
    chosen = spread(manifest, split, rows) if pick is None else _rows(pick, len(manifest))
    tiles = method_tiles({entry.label: open_outputs(entry, split) for entry in entries}, chosen)
    write_plot(out, "grid", form, lambda one: grid_plot(method_titles(names), tiles, one))
    print_plain(", ".join(f"{row}: {manifest[row].target}" for row in chosen))


def _titles(text: str | None, names: list[str]) -> list[str]:
    titles = names if text is None else [title.strip() for title in text.split(",")]
    if len(titles) != len(names):
        raise UsageError(f"--titles: expected {len(names)} titles, got {len(titles)}")
    return titles


def _rows(text: str, count: int) -> list[int]:
    rows = []
    for word in text.split(","):
        if not (word.strip().isdecimal() and int(word) < count):
            raise UsageError(f"--pick: expected rows from 0 to {count - 1}, got {word.strip()!r}")
        rows.append(int(word))
    return rows


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
        Path | None, typer.Option(help="PNG to write; attention-<dataset>.png by default.")
    ] = None,
) -> None:
    """Draw where SAT looks in the source for marked pixels of its output."""
    from recapbench.leaderboard.attention_sheet import SheetRequest, attention_sheet
    from recapbench.provenance import write_atomic

    path = Path(f"attention-{dataset}.png") if out is None else out
    if path.is_dir():
        raise UsageError(f"--out: expected a PNG to write, got the folder {path}")
    request = SheetRequest(dataset, weights, pairs, points, preset, device)
    with progress() as report:
        picture = attention_sheet(request, report)
    write_atomic(path, picture)
    print_plain(str(path))
