"""The annotation cache of all 52,712 DeepFashion images: ``python bench_annotation_build.py``.

Names come from ``../shared/data/deepfashion/*.lst`` beside the checkout where they are, and are
made up elsewhere; joints and label maps are those of the built-in set, repeated. The cache is built
by a process of its own in a temporary home. With ``--kill 10`` it is built once more in another
home, killed with SIGKILL at ten random points, and the outcomes are compared byte by byte.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bench_annotations import rendered_preset

from recapbench.cli.console import progress
from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import find_dataset
from recapbench.data.split import Split

LISTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "deepfashion"
DEEPFASHION_IMAGES = 52_712
STARTED = "started"


def image_names(count: int) -> list[str]:
    """Names of DeepFashion, then made-up ones if more are asked for."""
    names = [
        name
        for path in (LISTS / "train.lst", LISTS / "test.lst")
        if path.is_file()
        for name in path.read_text().split()
    ]
    return [*names, *(f"made_up_{number:08d}.jpg" for number in range(len(names), count))][:count]


def repeated(split: Split, count: int) -> Split:
    """A split of so many images whose annotations are those of another, again and again."""
    entries = [
        split.entries[number % len(split)]._replace(name=name)
        for number, name in enumerate(image_names(count))
    ]
    keypoints = np.resize(split.keypoints, (count, *split.keypoints.shape[1:]))
    return dataclasses.replace(split, entries=tuple(entries), keypoints=keypoints)


def build(options: argparse.Namespace) -> None:
    """In the process that is measured: build, and print one JSON document."""
    split = find_dataset("mannequin").open("train", preset=options.preset)
    split = repeated(split, options.images)
    os.environ["RECAPBENCH_HOME"] = options.home
    print(STARTED, flush=True)
    start = time.monotonic()
    with progress() as report:
        cache = open_annotations(split, partial(report, "caching annotations"), options.workers)
    seconds = time.monotonic() - start
    document = {
        "seconds": seconds,
        "digest": cache.digest,
        "folder": str(cache.folder),
        "bytes": sum(path.stat().st_size for path in cache.folder.iterdir()),
        "peak_kib": peak_memory(),
    }
    print(json.dumps(document), flush=True)


def peak_memory() -> int:
    """Largest resident memory of this process, KiB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def start(options: argparse.Namespace, home: Path) -> subprocess.Popen[str]:
    """Start a build, and come back when it has begun."""
    words = [sys.executable, __file__, "--home", str(home), "--images", str(options.images)]
    words += ["--preset", options.preset]
    if options.workers:
        words += ["--workers", str(options.workers)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == STARTED, "the build did not start"
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    assert process.returncode == 0, f"the build ended with {process.returncode}"
    document: dict[str, Any] = json.loads(output)
    return document


def kill_and_finish(
    options: argparse.Namespace, home: Path, seconds: float
) -> tuple[dict[str, Any], int]:
    """Build, killed at random points; says also how often it had to begin anew."""
    chance = random.Random(options.seed)
    killed = anew = 0
    while killed < options.kill:
        process = start(options, home)
        try:
            process.wait(chance.uniform(0.0, 2 * seconds / options.kill))
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        finally:
            process.communicate()
        if process.returncode == 0:  # done before its time: that one does not count
            shutil.rmtree(home)
            anew += 1
    return finish(start(options, home)), anew


def same_content(one: str, other: str) -> bool:
    """Whether two folders hold the same files, byte by byte."""
    contents = [
        {path.name: path.read_bytes() for path in Path(folder).iterdir()} for folder in (one, other)
    ]
    return contents[0] == contents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=DEEPFASHION_IMAGES)
    parser.add_argument("--preset", help="of the built-in set; small if rendered, else tiny")
    parser.add_argument("--workers", type=int, help="threads; all cores")
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES")
    parser.add_argument("--seed", type=int, default=0, help="of the points at which it is killed")
    parser.add_argument("--home", help=argparse.SUPPRESS)  # the process that is measured
    options = parser.parse_args()
    options.preset = options.preset or rendered_preset("mannequin")
    if options.home:
        build(options)
        return
    find_dataset("mannequin").open("train", preset=options.preset)
    with tempfile.TemporaryDirectory() as temporary:
        whole = finish(start(options, Path(temporary) / "whole"))
        seconds, peak = whole["seconds"], whole["peak_kib"] / 1024
        print(
            f"{options.images} images in {seconds:.1f} s: {options.images / seconds:.0f} images/s, "
            f"{whole['bytes']} bytes, {whole['bytes'] / options.images:.0f} an image"
        )
        print(f"peak memory {peak:.0f} MiB; goal < 1024")
        print(f"digest {whole['digest']}")
        if options.kill:
            killed, anew = kill_and_finish(options, Path(temporary) / "killed", seconds)
            same = killed["digest"] == whole["digest"] and same_content(
                killed["folder"], whole["folder"]
            )
            print(f"killed {options.kill} times ({anew} times done too soon): digest", end=" ")
            print(killed["digest"], "the same bytes" if same else "DIFFERENT")
            if not same:
                sys.exit(1)


if __name__ == "__main__":
    main()
