"""Frechet distance at d 2048 against eigenvalues and sqrtm: ``python bench_frechet.py``.

Sides are timed in turn in one run, by CPU time, from the statistics (n >= d) or from the features
(n < d). sqrtm is slow and is timed only with ``--sqrtm``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.linalg import sqrtm
from torch_fidelity.metric_fid import fid_statistics_to_metric

from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance


def features(n: int, d: int, seed: int) -> np.ndarray:
    """Correlated features with a falling spectrum, as those of a network have."""
    generator = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1) ** -0.7
    mixing = np.linalg.qr(np.random.default_rng(99).normal(size=(d, d)))[0]
    return (generator.normal(size=(n, d)) * spectrum) @ mixing + 0.01 * generator.normal(size=d)


def by_eigenvalues(a: FeatureStatistics, b: FeatureStatistics) -> float:
    sides = ({"mu": x.mean, "sigma": x.covariance} for x in (a, b))
    return fid_statistics_to_metric(*sides, False)["frechet_inception_distance"]


def by_sqrtm(a: FeatureStatistics, b: FeatureStatistics) -> float:
    first, second, gap = a.covariance, b.covariance, a.mean - b.mean
    overlap = np.trace(sqrtm(first @ second).real)
    return float(gap @ gap + np.trace(first + second) - 2 * overlap)


def cpu_time(
    distance: Callable[[FeatureStatistics, FeatureStatistics], float],
    a: FeatureStatistics,
    b: FeatureStatistics,
) -> tuple[float, float]:
    start = time.process_time()
    value = distance(a, b)
    return time.process_time() - start, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--sqrtm", action="store_true")
    options = parser.parse_args()
    sides = {"recapbench": frechet_distance, "eigvals": by_eigenvalues}
    if options.sqrtm:
        sides["sqrtm"] = by_sqrtm
    for n in (2 * options.dim, options.dim // 4):
        a, b = (FeatureStatistics.of(features(n, options.dim, seed)) for seed in (0, 1))
        times: dict[str, list[float]] = {name: [] for name in sides}
        values = {}
        for _ in range(options.rounds):
            for name, distance in sides.items():
                seconds, values[name] = cpu_time(distance, a, b)
                times[name].append(seconds)
        ours = statistics.median(times["recapbench"])
        for name, seen in times.items():
            median = statistics.median(seen)
            print(
                f"n {n}, d {options.dim}: {name:10} {median:8.2f} s, ratio {median / ours:6.1f}, "
                f"value {values[name]:.10f}"
            )
    print("goals: n >= d: eigvals >= 1.6, sqrtm >= 6; n < d: eigvals >= 25")


if __name__ == "__main__":
    main()
