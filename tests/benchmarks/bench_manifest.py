"""All ordered pairs of 50,000 images, against the public way: ``python bench_manifest.py``.

Three sides make the same pairs from the same names and persons, in turn in one run, timed by CPU
time; the ratios of the medians are the figures. The public script filters the whole table, joints
included, once per person; the second side is pandas' ``groupby`` with ``itertools.permutations``.
Theirs end with a table of names, ours with a manifest of checked names; no side writes a file.
"""

from __future__ import annotations

import argparse
import statistics
from itertools import permutations

import numpy as np
import pandas as pd
from timing import cpu_time

from recapbench.data.manifest import Manifest
from recapbench.data.protocols import Protocol

JOINTS = str(list(range(18)))
ALL_PAIRS = Protocol("all_pairs", 1, "every pair, none drawn")


def by_filter(names: list[str], persons: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"name": names, "keypoints_y": JOINTS, "keypoints_x": JOINTS, "person": persons}
    )
    sources: list[str] = []
    targets: list[str] = []
    for person in pd.unique(frame["person"]):
        pairs = list(permutations(frame[frame["person"] == person]["name"], 2))
        if pairs:
            first, second = zip(*pairs, strict=True)
            sources += list(first)
            targets += list(second)
    return pd.DataFrame({"from": sources, "to": targets})


def by_groups(names: list[str], persons: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({"name": names, "person": persons})
    groups = frame.groupby("person", sort=False)["name"]
    pairs = [pair for _, group in groups for pair in permutations(group, 2)]
    return pd.DataFrame(pairs, columns=["from", "to"])


def ours(names: list[str], persons: list[str]) -> Manifest:
    return ALL_PAIRS.manifest(names, persons, dataset="set", split="train", made_from={})


def images(count: int) -> tuple[list[str], list[str]]:
    """Names in random order, as the files of the field have them; persons have 1 to 7 images."""
    generator = np.random.default_rng(0)
    sizes = generator.integers(1, 8, count)
    people = np.repeat(np.arange(count), sizes)[:count]
    persons = [f"{person:05d}" for person in generator.permutation(people).tolist()]
    names = [f"{person}_c1s1_{i:06d}_00.jpg" for i, person in enumerate(persons)]
    return names, persons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=9, help="of ours and of groupby")
    parser.add_argument("--slow-rounds", type=int, default=2, help="of the filter per person")
    options = parser.parse_args()
    names, persons = images(options.images)
    manifest = ours(names, persons)
    frame = by_groups(names, persons)
    assert list(map(tuple, frame.itertuples(index=False))) == list(manifest)
    times: dict[str, list[float]] = {"ours": [], "groups": [], "filter": []}
    for number in range(options.rounds):
        times["ours"].append(cpu_time(lambda: ours(names, persons)))
        times["groups"].append(cpu_time(lambda: by_groups(names, persons)))
        if number < options.slow_rounds:
            times["filter"].append(cpu_time(lambda: by_filter(names, persons)))
    mine, groups, slow = (statistics.median(times[side]) for side in ("ours", "groups", "filter"))
    counts = f"{len(names)} images, {len(set(persons))} persons, {len(manifest)} pairs"
    print(f"{counts}; pandas {pd.__version__}, names of type {frame['from'].dtype}")
    print(f"recapbench {mine * 1e3:.1f} ms")
    print(f"groupby + permutations {groups * 1e3:.1f} ms, ratio {groups / mine:.1f}, goal >= 7")
    print(f"filter per person {slow * 1e3:.0f} ms, ratio {slow / mine:.0f}, goal >= 150")


if __name__ == "__main__":
    main()
