"""`recapbench data show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import print_plain, progress
from recapbench.cli.options import Preset
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.data.manifest import Manifest, Pair
    from recapbench.data.split import Split


def data_show(
    dataset: Annotated[str, typer.Argument(help="Name of a dataset.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    split: Annotated[str, typer.Option(help="Split of the dataset.")] = "test",
    preset: Preset = None,
    manifest: Annotated[Path | None, typer.Option(help="Pairs to choose from.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many pairs.")] = 4,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw pairs at random; spread evenly by default.")
    ] = None,
    names: Annotated[
        str | None, typer.Option(metavar="SOURCE,TARGET", help="This pair; more after commas.")
    ] = None,
) -> None:
    """Draw pairs with their skeletons, pose masks and part labels on one sheet."""
    from recapbench.data.datasets import find_dataset
    from recapbench.data.overlay import overlay_sheet
    from recapbench.data.pictures import png_bytes
    from recapbench.provenance import write_atomic

    if names is not None and (manifest is not None or seed is not None):
        raise UsageError("--names chooses the pairs: it goes without --manifest and --seed")
    with progress() as report:
        opened = find_dataset(dataset).open(
            split, preset, lambda done, total: report("rendering persons", done, total)
        )
        if names is not None:
            pairs = _named(names)
        else:
            pairs = _chosen(_manifest(opened, manifest), opened, limit, seed)
        picture = overlay_sheet(opened, pairs)
    write_atomic(out, png_bytes(picture))
    print_plain(str(out))


def _named(names: str) -> list[Pair]:
    """Pairs as they were asked for."""
    from recapbench.data.manifest import Pair

    given = [name.strip() for name in names.split(",")]
    if len(given) % 2 or not all(given):
        raise UsageError(f"--names: expected SOURCE,TARGET, got {names!r}")
    return [Pair(*given[start : start + 2]) for start in range(0, len(given), 2)]


def _manifest(split: Split, path: Path | None) -> Manifest:
    from recapbench.data.manifest import read_manifest
    from recapbench.errors import DataError

    manifest = split.manifest() if path is None else read_manifest(path)
    split.check(manifest)
    if not len(manifest):
        raise DataError(f"{path or split.name}: expected pairs, got none")
    return manifest


def _chosen(manifest: Manifest, split: Split, limit: int, seed: int | None) -> list[Pair]:
    """Pairs in the manifest's order: drawn at random, or spread evenly over the persons."""
    import numpy as np

    from recapbench.grid import spread

    if seed is None:
        rows = spread(manifest, split, limit)
    else:
        drawn = np.random.RandomState(seed).permutation(len(manifest))[:limit]
        rows = sorted(drawn.tolist())
    return [manifest[row] for row in rows]
