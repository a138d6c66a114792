"""SSIM of an RGB pair in each protocol against skimage, one thread: ``python bench_ssim.py``.

Both sides are timed in turn in one run, by CPU time; the ratio of the medians is the figure.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from skimage.metrics import structural_similarity
from timing import cpu_time

from recapbench.evaluation.structural.ssim import DEF_GAN, GFLA, PG2, STANDARD, SsimProtocol, ssim

GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def by_skimage(generated: np.ndarray, target: np.ndarray, protocol: SsimProtocol) -> float:
    own = int(generated.max()) - int(generated.min())
    options: dict[str, dict[str, Any]] = {
        "def_gan": GAUSSIAN | {"data_range": own},
        "standard": GAUSSIAN | {"data_range": 255},
        "pg2": {},
        "gfla": {"win_size": 51, "data_range": 1},
    }
    if protocol is GFLA:
        generated, target = generated / 255.0, target / 255.0
    return structural_similarity(generated, target, channel_axis=2, **options[protocol.name])


def medians(rounds: int, *sides: Callable[[], object]) -> list[float]:
    """Median seconds of CPU time of each side, taken in turn."""
    times = [[cpu_time(side) for side in sides] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


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
    for protocol in (DEF_GAN, STANDARD, PG2, GFLA):
        images = (generated, target, protocol)
        difference = abs(ssim(*images) - by_skimage(*images))  # compiles, too
        ours, theirs = medians(
            options.rounds, lambda i=images: ssim(*i), lambda i=images: by_skimage(*i)
        )
        print(
            f"{protocol.name:9} recapbench {ours * 1e3:.2f} ms, skimage {theirs * 1e3:.2f} ms, "
            f"ratio {theirs / ours:.1f}; difference {difference:.1e}"
        )
    print("goals: ratio >= 12, difference <= 1e-12")


if __name__ == "__main__":
    main()
