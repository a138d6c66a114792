"""Test the trained rows of the paper's Table 4 and file their records.

Usage::

    python scripts/run_ablation.py --weights DIR [--out leaderboards] [--device cpu]

Every ``weights.safetensors`` below ``DIR`` whose training of a row is finished generates the test
pairs of its dataset. The Result is filed as ``<out>/<dataset>/ablation/<method>-seed<k>.json``, the
values of single pairs in the ``.csv`` beside it. Weights that the record there already names by
digest are skipped. The images lie in a temporary folder and go with it. In the end the records of
every dataset are checked to be of one budget, and the index of the leaderboards is written anew.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from recapbench.errors import RecapbenchError
from recapbench.leaderboard.ablation import read_ablation, record_name
from recapbench.leaderboard.board import ABLATION
from recapbench.leaderboard.table4 import table4
from recapbench.leaderboard.verify import update_index
from recapbench.methods.weights_file import WeightsHeader, read_header
from recapbench.provenance import sha256_file, write_atomic, write_json
from recapbench.request import VALUES, RunRequest
from recapbench.results import read_result
from recapbench.run import run
from recapbench.training.folder import WEIGHTS

ROOT = Path(__file__).resolve().parent.parent


def finished(folder: Path) -> Iterator[tuple[Path, WeightsHeader]]:
    """Weights of rows of the table below a folder whose training took all its steps."""
    rows = {row.method for row in table4().rows}
    for path in sorted(folder.rglob(WEIGHTS)):
        header = read_header(path)
        taken, steps = header.training.get("steps_taken"), header.training.get("steps")
        if header.method not in rows:
            _say(f"{path}: {header.method} is no row of the table")
        elif steps is None or taken != steps:
            _say(f"{path}: {taken} of {steps} steps, not finished")
        else:
            yield path, header


def place(out: Path, header: WeightsHeader) -> Path:
    """Where the record of a training belongs."""
    return out / header.dataset / ABLATION / record_name(header.method, header.training["seed"])


def is_filed(record: Path, weights: Path) -> bool:
    """Whether a record names these very weights."""
    if not record.exists():
        return False
    part = read_result(record).weights
    return part is not None and part.sha256 == sha256_file(weights)


def file_record(
    weights: Path, header: WeightsHeader, record: Path, device: str | None = None
) -> None:
    """Generate and score the test pairs, and write the Result."""
    with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
        request = RunRequest(
            method=header.method,
            dataset=header.dataset,
            preset=header.training.get("preset") or None,
            weights=weights,
            out=Path(folder),
            device=device,
        )
        result = run(request, _progress)
        write_atomic(record.with_suffix(".csv"), (request.out / VALUES).read_bytes())
    write_json(record, result.document())


def file_all(weights: Path, out: Path, device: str | None = None) -> list[str]:
    """File what is finished and not filed yet; names of the datasets that have records now.

    Raises:
        DataError: if the weights are damaged, or the records of a dataset are not of one budget.
    """
    datasets = set()
    for path, header in finished(weights):
        record = place(out, header)
        datasets.add(header.dataset)
        if is_filed(record, path):
            _say(f"{record}: there already")
            continue
        file_record(path, header, record, device)
        print(record)
    for dataset in sorted(datasets):
        missing = read_ablation(dataset, out).missing
        _say(f"{dataset}: {'without ' + ', '.join(missing) if missing else 'every row'}")
    if datasets:
        update_index(out)
    return sorted(datasets)


def _progress(stage: str, done: int, total: int) -> None:
    if done in (0, total) or done % 50 == 0:
        _say(f"{stage}: {done} of {total}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--out", type=Path, default=ROOT / "leaderboards")
    parser.add_argument("--device", help="cpu, cuda, ...; CUDA if there is one")
    arguments = parser.parse_args()
    try:
        found = file_all(arguments.weights, arguments.out, arguments.device)
    except RecapbenchError as error:
        _say(f"error: {error}")
        return error.exit_code
    if not found:
        _say(f"{arguments.weights}: expected finished trainings of Table 4's rows, found none")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
