"""Binary heatmaps of a pose, 18 x 256x256 uint8, against one meshgrid per joint, one thread.

``python bench_heatmaps.py``. Both sides are timed in turn in one run, by CPU time, once as they are
made and once with every value read afterwards, as untouched zeros cost the system nothing yet.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
from timing import cpu_time

from recapbench.data.pose import heatmaps

RADIUS = 4


def by_meshgrid(keypoints: np.ndarray, side: int) -> np.ndarray:
    maps = np.zeros((len(keypoints), side, side), np.uint8)
    for joint, (x, y, visibility) in enumerate(keypoints):
        if visibility > 0:
            columns, rows = np.meshgrid(np.arange(side), np.arange(side))
            maps[joint] = (columns - x) ** 2 + (rows - y) ** 2 <= RADIUS**2
    return maps


def poses(count: int, side: int) -> np.ndarray:
    """Whole pixels inside the image, every joint there."""
    generator = np.random.default_rng(0)
    places = generator.integers(0, side, (count, 18, 2))
    return np.concatenate([places, np.full((count, 18, 1), 2)], 2).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    side = options.side
    given = poses(options.rounds, side)
    times: dict[str, list[float]] = {name: [] for name in ("ours", "grid", "ours+", "grid+")}
    for pose in given:
        assert np.array_equal(heatmaps(pose, (side, side)), by_meshgrid(pose, side))
        times["ours"].append(cpu_time(lambda pose=pose: heatmaps(pose, (side, side))))
        times["grid"].append(cpu_time(lambda pose=pose: by_meshgrid(pose, side)))
        times["ours+"].append(cpu_time(lambda pose=pose: heatmaps(pose, (side, side)).max()))
        times["grid+"].append(cpu_time(lambda pose=pose: by_meshgrid(pose, side).max()))
    a, b, c, d = (statistics.median(values) * 1e3 for values in times.values())
    print(f"stamp {a:.3f} ms, meshgrid {b:.3f} ms, ratio {b / a:.1f}; goal >= 20")
    print(f"and read: stamp {c:.3f} ms, meshgrid {d:.3f} ms, ratio {d / c:.1f}")


if __name__ == "__main__":
    main()
