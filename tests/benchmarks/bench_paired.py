"""What each metric of pairs costs that needs no network: ``python bench_paired.py``.

Milliseconds of CPU time per pair in memory, each metric alone and all together, where they share
what they can. Masks are given; drawing them and decoding files come on top.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from timing import cpu_time

from recapbench.evaluation.base import PairedMetric
from recapbench.evaluation.metrics import list_metrics
from recapbench.evaluation.pairs import Pair


def make_pairs(count: int, height: int, width: int) -> list[Pair]:
    generator = np.random.default_rng(0)
    rows, columns = np.indices((height, width))
    ellipse = (rows / height - 0.5) ** 2 / 0.2 + (columns / width - 0.5) ** 2 / 0.05 < 1
    pairs = []
    for _ in range(count):
        target = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        shift = generator.integers(-30, 31, target.shape)
        generated = np.clip(target.astype(int) + shift, 0, 255).astype(np.uint8)
        pairs.append(Pair(generated, target, {"def_gan": ellipse, "pg2": ellipse}))
    return pairs


def milliseconds(pairs: list[Pair], measures: list[Callable[[Pair], object]]) -> float:
    def run(pair: Pair) -> None:
        for measure in measures:
            measure(pair)

    run(pairs[0])  # compiles
    return statistics.median(cpu_time(lambda p=pair: run(p)) for pair in pairs[1:]) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=40)
    options = parser.parse_args()
    pairs = make_pairs(options.pairs + 1, options.height, options.width)
    metrics = [m for m in list_metrics() if isinstance(m, PairedMetric) and not m.keypoints]
    for metric in metrics:
        print(f"{metric.name:20} {milliseconds(pairs, [metric.measure]):6.2f} ms")
    together = milliseconds(pairs, [metric.measure for metric in metrics])
    print(f"{'all together':20} {together:6.2f} ms; 12,000 pairs {together * 12:.0f} s")


if __name__ == "__main__":
    main()
