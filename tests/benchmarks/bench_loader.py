"""Training batches a second, 256x256, with 0, 1 and 2 worker processes: ``python bench_loader.py``.

By wall time, as several processes are at work; the three take turns, each with an empty memory of
decoded images, and the medians stand side by side. The clock starts when the first batch is there.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

from bench_annotations import rendered_preset

from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.datasets import find_dataset
from recapbench.data.examples import training_loader
from recapbench.data.manifest import Manifest
from recapbench.data.split import Split


def rate(
    split: Split, pairs: Manifest, cache: Annotations, workers: int, size: int, count: int
) -> float:
    """Batches a second."""
    batches = iter(
        training_loader(split, pairs, size, seed=0, num_workers=workers, annotations=cache)
    )
    next(batches)
    start = time.perf_counter()
    taken = sum(1 for _ in itertools.islice(batches, count))
    return taken / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mannequin")
    parser.add_argument("--preset")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    preset = options.preset or rendered_preset(options.dataset)
    split = find_dataset(options.dataset).open("train", preset=preset)
    pairs, cache = split.manifest(), open_annotations(split)
    rates: dict[int, list[float]] = {workers: [] for workers in options.workers}
    for _ in range(options.rounds):
        for workers, found in rates.items():
            found.append(rate(split, pairs, cache, workers, options.batch_size, options.batches))
    print(f"{options.dataset} {preset}: {len(split)} images, batches of {options.batch_size} pairs")
    for workers, found in rates.items():
        median = statistics.median(found)
        print(
            f"{workers} workers: {median:.1f} batches/s, {median * options.batch_size:.0f} pairs/s"
        )


if __name__ == "__main__":
    main()
