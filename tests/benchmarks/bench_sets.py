"""What the figures of whole sets cost, from kept features of d 2048 on.

``OMP_NUM_THREADS=1 python bench_sets.py`` prints the CPU seconds of each metric with its interval
and its figures by size, and the peak of the memory of the process, for each number of images.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from recapbench.evaluation.base import score_of_set
from recapbench.evaluation.features.store import FeatureSet
from recapbench.evaluation.metrics import get_metric

METRICS = ("is.def_gan", "is.standard", "fid.test_targets", "kid", "precision", "recall")


def kept(folder: Path, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features and logits in files, memory-mapped."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(99).normal(size=(2048, 2048)))[0]
    mixing = (turn * np.arange(1, 2049)[:, None] ** -0.7).astype(np.float32)
    arrays = []
    for name, width in (("features", 2048), ("logits", 1008)):
        path = folder / f"{name}{n}-{seed}.npy"
        rows = np.lib.format.open_memmap(path, "w+", dtype=np.float32, shape=(n, width))
        for start in range(0, n, 1000):
            size = (min(1000, n - start), width)
            values = generator.normal(0.02 * seed, 1, size).astype(np.float32)
            rows[start : start + 1000] = values @ mixing if width == 2048 else values
        rows.flush()
        arrays.append(np.load(path, mmap_mode="r"))
    return arrays[0], arrays[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[500, 2000, 12000])
    parser.add_argument("--metrics", nargs="+", default=METRICS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for n in options.images:
            people = tuple(f"p{i % (n // 10)}" for i in range(n))
            sides = [FeatureSet(*kept(Path(folder), n, seed), people) for seed in (0, 1)]
            for name in options.metrics:
                start, wall = time.process_time(), time.perf_counter()
                score = score_of_set(get_metric(name), sides[0], sides[1])
                cpu, wall = time.process_time() - start, time.perf_counter() - wall
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
                print(
                    f"n {n:6} {name:17} {cpu:7.1f} s CPU, {wall:7.1f} s, peak {peak:.2f} GiB, "
                    f"{score.value:.6f} [{score.low:.6f}, {score.high:.6f}]",
                    flush=True,
                )
    print("goal: peak below 2 GiB for 12,000 images")


if __name__ == "__main__":
    main()
