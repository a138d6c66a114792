"""Random reads of joints and part labels: the annotation cache against one npz an image.

``python bench_annotations.py [--preset tiny]``. Both forms are written from the same annotations of
the built-in set and read in the same random order, in turn, at one thread, by CPU time. The npz is
NumPy's compressed one and holds joints and labels; the cache holds masks and names as well. What is
read is dropped at once: whoever keeps it pays on either side for fresh memory, 64 KiB an image.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from datasets import load_from_disk
from timing import cpu_time

from recapbench import paths
from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.datasets import find_dataset
from recapbench.data.split import Annotation, Split


def rendered_preset(name: str) -> str:
    """``small`` if its test split is rendered already, else ``tiny``."""
    found = (paths.home() / "datasets" / name).glob("small-*/test/index.json")
    return "small" if any(found) else "tiny"


def write_files(split: Split, folder: Path) -> int:
    """One npz an image; returns their bytes."""
    for name in split.names:
        keypoints, parsing = split.annotation(name)
        np.savez_compressed(folder / f"{name}.npz", keypoints=keypoints, parsing=parsing)
    return sum(path.stat().st_size for path in folder.iterdir())


def read_file(folder: Path, name: str) -> Annotation:
    with np.load(folder / f"{name}.npz") as file:
        return Annotation(file["keypoints"], file["parsing"])


def each(read: Callable[[str], object], names: list[str]) -> None:
    """Read one after the other, and keep none."""
    for name in names:
        read(name)


def same(split: Split, cache: Annotations, folder: Path) -> bool:
    return all(
        np.array_equal(ours, theirs)
        for name in split.names
        for ours, theirs in zip(cache.annotation(name), read_file(folder, name), strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="mannequin")
    parser.add_argument("--preset")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--reads", type=int, default=200, help="reads a round")
    options = parser.parse_args()
    preset = options.preset or rendered_preset(options.dataset)
    split = find_dataset(options.dataset).open("test", preset=preset)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["RECAPBENCH_HOME"] = temporary
        cache = open_annotations(split)
        folder = Path(temporary) / "npz"
        folder.mkdir()
        npz_bytes = write_files(split, folder)
        assert same(split, cache, folder)
        order = np.random.RandomState(0).choice(split.names, (options.rounds, options.reads))
        ours, theirs = [], []
        for names in order.tolist():
            ours.append(cpu_time(lambda names=names: each(cache.annotation, names)))
            theirs.append(cpu_time(lambda names=names: each(partial(read_file, folder), names)))
        cache_bytes = sum(path.stat().st_size for path in cache.folder.iterdir())
        table = load_from_disk(str(cache.folder)).data
        columns = ("keypoints", "parsing", "parsing_crc32")
        same_bytes = sum(table.column(column).nbytes for column in columns)
    a, b = (statistics.median(times) / options.reads * 1e6 for times in (ours, theirs))
    count = len(split)
    print(f"{options.dataset} {preset}: {count} images of {split.record.image_size}")
    print(f"cache {a:.1f} us a read, npz {b:.1f} us, ratio {b / a:.1f}; goal >= 10")
    print(
        f"bytes an image: joints and labels in the cache {same_bytes / count:.0f}, in npz "
        f"{npz_bytes / count:.0f}, ratio {same_bytes / npz_bytes:.2f}; goal <= 1"
    )
    print(f"the whole cache, with masks, names and schema: {cache_bytes / count:.0f} an image")


if __name__ == "__main__":
    main()
