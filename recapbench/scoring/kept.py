"""The folder that a scored result is kept in: ``result.json``, and ``values.csv`` of its pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from recapbench.errors import UsageError
from recapbench.evaluation.pair_values import PairValues
from recapbench.outputs import REQUEST
from recapbench.provenance import write_atomic, write_json
from recapbench.request import RESULT, VALUES
from recapbench.results import Result


def check_out(out: Path, images: Iterable[Path | None]) -> None:
    """Refuse a folder that a result cannot be kept in.

    Args:
        out: the folder; it need not be there.
        images: folders of images, among which nothing is written.

    Raises:
        UsageError: if it is a file, lies among images, or holds a result or a run already.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {out}")
    for folder in images:
        if folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"--out: {out} lies in {folder}: nothing is written among images")
    held = [name for name in (REQUEST, RESULT, VALUES) if (out / name).exists()]
    if held:
        raise UsageError(
            f"--out: {out} holds a result already ({', '.join(held)}): name another folder"
        )


def keep(out: Path, result: Result, values: PairValues | None) -> None:
    """Write a result and, before it, the values of its pairs; each file whole or not at all.

    Args:
        out: the folder.
        result: the record.
        values: of its single pairs; None where nobody knows which pairs they are.

    Raises:
        StorageError: if the folder cannot be written.
    """
    if values is not None:
        write_atomic(out / VALUES, values.encoded())
    write_json(out / RESULT, result.document())
