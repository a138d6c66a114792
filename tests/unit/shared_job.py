"""A job for one or two real processes: ``python shared_job.py PICTURES ANSWER``.

Every process scores the same pictures, meets the same errors, and writes what it got into
``ANSWER`` followed by its rank.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recapbench.errors import DataError, RecapbenchError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import read_png
from recapbench.evaluation.pairs import PairSet
from recapbench.processes import Processes, open_processes

PAIRED = ["ssim.def_gan", "mask_ssim.def_gan", "mask_ssim.pg2", "l1", "psnr", "pckh"]
OF_SETS = ["is.effnet_lite0", "fid.effnet_lite0"]
COUNTS = (13, 21)  # neither is a multiple of two, or of a block


def pair_set(folder: Path, n: int) -> PairSet:
    generator = np.random.default_rng(0)
    joints = generator.uniform(0, 30, (n, 18, 3)).astype(np.float32)
    return PairSet(
        generated=[folder / f"made{i}.png" for i in range(n)],
        targets=[folder / f"real{i}.png" for i in range(n)],
        target_keypoints=list(joints),
        generated_keypoints=list(joints[::-1]),
        identities=[str(i // 3) for i in range(n)],
    )


def figures(folder: Path, n: int, processes: Processes) -> dict[str, Any]:
    pairs, store = pair_set(folder, n), FeatureStore(processes=processes)
    scores = evaluate(pairs, metrics=PAIRED + OF_SETS, store=store, processes=processes)
    readers = [lambda path=path: read_png(path) for path in pairs.generated]
    features = store.features("effnet_lite0", readers)
    return {
        "scores": [score.model_dump(mode="json") for score in scores],
        "features": hashlib.sha256(np.ascontiguousarray(features.features).data).hexdigest(),
    }


def message(call: Callable[[], object]) -> str | None:
    try:
        call()
    except RecapbenchError as error:
        return f"{type(error).__name__}: {error}"
    return None


def fails_in(processes: Processes, rank: int, error: Exception) -> Callable[[], int]:
    def call() -> int:
        if processes.rank == rank:
            raise error
        return processes.rank

    return call


def main(folder: Path, answer: Path) -> None:
    processes = open_processes()
    last = processes.count - 1
    missing = pair_set(folder, COUNTS[1] + 1)  # the last pair has no files
    document = {
        "together": processes.together(lambda: f"rank {processes.rank}"),
        "once": processes.once(lambda: processes.rank),
        "ours": message(
            lambda: processes.together(fails_in(processes, last, DataError("a bad file")))
        ),
        "others": message(
            lambda: processes.together(fails_in(processes, last, ValueError("a bug")))
        )
        if processes.count > 1
        else None,
        "first only": message(
            lambda: processes.once(fails_in(processes, 0, DataError("no such file")))
        ),
        "bad pair": message(lambda: evaluate(missing, metrics=["l1"], processes=processes)),
        "bad image": message(
            lambda: evaluate(missing, metrics=["is.effnet_lite0"], processes=processes)
        ),
        **{str(n): figures(folder, n, processes) for n in COUNTS},
    }
    answer.with_suffix(f".{processes.rank}").write_text(json.dumps(document))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
