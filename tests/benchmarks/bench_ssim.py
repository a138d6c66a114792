"""SSIM def_gan of a 256x256 RGB pair against skimage, one thread: ``python bench_ssim.py``.

Both sides are timed in turn in one run, by CPU time; the ratio of the medians is the figure.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from skimage.metrics import structural_similarity
from timing import cpu_time

from recapbench.evaluation.ssim import ssim


def by_skimage(generated: np.ndarray, target: np.ndarray) -> float:
    data_range = int(generated.max()) - int(generated.min())
    return structural_similarity(
        generated,
        target,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=data_range,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    size = (options.side, options.side, 3)
    generated = generator.integers(0, 256, size, dtype=np.uint8)
    shift = generator.integers(-30, 31, size)
    target = np.clip(generated.astype(int) + shift, 0, 255).astype(np.uint8)
    difference = abs(ssim(generated, target) - by_skimage(generated, target))  # compiles, too
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(cpu_time(lambda: ssim(generated, target)))
        theirs.append(cpu_time(lambda: by_skimage(generated, target)))
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"recapbench {a * 1e3:.2f} ms, skimage {b * 1e3:.2f} ms, ratio {b / a:.1f}")
    print(f"difference {difference:.1e}; goals: ratio >= 12, difference <= 1e-12")


if __name__ == "__main__":
    main()
