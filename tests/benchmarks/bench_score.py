"""Cost of scoring a folder from 1,000 to 12,000 pairs: ``python bench_score.py``.

Photographs of 256x256 and blurred copies stand in for targets and outputs. A few distinct files
are reused through links: each is decoded as often as it is named. All paired metrics that need no
network are scored, with masks drawn from joints, by the very job behind ``recapbench score``.
The two sizes are run in turn, each in a process of its own, so that the peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE = 256
DISTINCT = 64


def photographs() -> list[np.ndarray]:
    """Crops of photographs, uint8 (256,256,3)."""
    from skimage import data

    whole = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    state = np.random.RandomState(0)
    crops = []
    for index in range(DISTINCT):
        image = whole[index % len(whole)]
        y, x = (state.randint(0, extent - SIDE + 1) for extent in image.shape[:2])
        crops.append(np.ascontiguousarray(image[y : y + SIDE, x : x + SIDE]))
    return crops


def make(root: Path, pairs: int) -> None:
    """Folders of ``pairs`` generated images and targets of one name, and their joints."""
    from PIL import Image, ImageFilter

    for name in ("files", "generated", "targets"):
        (root / name).mkdir()
    for index, image in enumerate(photographs()):
        picture = Image.fromarray(image)
        picture.save(root / "files" / f"t{index}.png")
        blur = ImageFilter.GaussianBlur(1 + index % 3)
        picture.filter(blur).save(root / "files" / f"g{index}.png")
    state = np.random.RandomState(1)
    rows = ["name:keypoints_y:keypoints_x"]
    for pair in range(pairs):
        for folder, kind in (("generated", "g"), ("targets", "t")):
            file = root / "files" / f"{kind}{pair % DISTINCT}.png"
            os.link(file, root / folder / f"{pair:05d}.png")
        y, x = state.randint(20, SIDE - 20, (2, 18)).tolist()
        rows.append(f"{pair:05d}.png: {y}: {x}")
    (root / "joints.csv").write_text("\n".join(rows) + "\n")


def measure(pairs: int) -> None:
    """Score ``pairs`` pairs once and print what it took."""
    from recapbench.evaluation.base import PairedMetric
    from recapbench.evaluation.metrics import METRICS
    from recapbench.scoring.job import ScoreRequest, score
    from recapbench.scoring.task import Inputs

    names = tuple(name for name, one in METRICS.items() if isinstance(one, PairedMetric))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, pairs)

        def run(limit: int | None) -> None:
            inputs = Inputs(
                generated=root / "generated",
                targets=root / "targets",
                keypoints=root / "joints.csv",
                limit=limit,
            )
            score(ScoreRequest(inputs=inputs, metrics=names, device="cpu"))

        run(8)  # compiles
        wall, cpu = time.perf_counter(), time.process_time()
        run(None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": cpu / pairs, "wall": wall / pairs, "peak": peak, "of": len(names)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=12000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--measure", type=int)
    options = parser.parse_args()
    if options.measure is not None:
        measure(options.measure)
        return
    sizes = (options.few, options.many, options.few) * options.rounds
    found: dict[int, list[dict[str, float]]] = {}
    for size in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(size)],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found.setdefault(size, []).append(json.loads(done.stdout))
    for size, runs in found.items():
        cpu, wall, peak = (
            statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "peak")
        )
        print(
            f"{size} pairs, {runs[0]['of']} metrics, with the row of real images: a pair takes "
            f"{cpu * 1e3:.2f} ms of CPU, {wall * 1e3:.2f} ms; peak {peak / 2**30:.2f} GiB"
        )
    few, many = (
        statistics.median(run["cpu"] for run in found[size]) for size in (options.few, options.many)
    )
    print(f"ratio {many / few:.3f}; goals: within 10 % of 1, peak < 2 GiB")


if __name__ == "__main__":
    main()
