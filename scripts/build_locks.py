"""Make the locks of the field's datasets: counts and digests of manifests that may not be shipped.

``python scripts/build_locks.py DATA`` writes ``manifests/*.lock.json``, where ``DATA`` holds
``market1501/market-annotation-{train,test}.csv`` (Def-GAN's public keypoint files) and
``deepfashion/{train,test}.lst`` (PATN's public lists). Of DeepFashion no keypoint file is at hand:
its locks carry published counts, and say so, beside what the bare lists give. ``--check`` writes
nothing and fails if a lock differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from recapbench.data import pairing
from recapbench.data.locks import (
    Expectation,
    Figures,
    Lock,
    lock_document,
    lock_name,
    md5,
    read_lock,
)
from recapbench.data.protocols import PROTOCOLS, Protocol
from recapbench.provenance import write_json

FOLDER = Path(__file__).resolve().parent.parent / "manifests"

KEYPOINTS = {
    ("market1501", "def_gan", "train"): "market1501/market-annotation-train.csv",
    ("market1501", "def_gan", "test"): "market1501/market-annotation-test.csv",
}
NAMES = {
    ("deepfashion", "patn", "train"): "deepfashion/train.lst",
    ("deepfashion", "patn", "test"): "deepfashion/test.lst",
}
NOTE = (
    "Published with the protocol. An expectation to check on a user's machine: the keypoint file "
    "of this split was not at hand when the lock was made."
)


def figures(protocol: Protocol, split: str, path: Path, option: str) -> Figures:
    make = pairing.from_keypoints if option == "--keypoints" else pairing.from_names
    built = make(protocol.dataset, protocol, split, path)
    out = f"{protocol.dataset}-{protocol.name}-{split}.csv"
    return Figures(
        images=built.images,
        kept=built.kept,
        ordered_pairs=built.ordered_pairs,
        pairs=len(built.manifest),
        identities=built.manifest.identities,
        sha256=built.manifest.sha256,
        md5=md5(built.manifest),
        input=path.name,
        input_sha256=built.manifest.made_from[option.removeprefix("--")],
        command=(
            f"recapbench manifest build --dataset {protocol.dataset} --protocol {protocol.name} "
            f"{option} {path.name} --split {split} --out {out}"
        ),
    )


def make_lock(protocol: Protocol, split: str, data: Path) -> Lock:
    key = (protocol.dataset, protocol.name, split)
    proven = bare = expected = None
    if key in KEYPOINTS:
        proven = figures(protocol, split, data / KEYPOINTS[key], "--keypoints")
    if key in NAMES:
        bare = figures(protocol, split, data / NAMES[key], "--names")
    for expectation in protocol.expected:
        if expectation.split == split and proven is None:
            expected = Expectation(pairs=expectation.pairs, note=NOTE)
    return Lock(
        dataset=protocol.dataset,
        protocol=protocol.tag,
        split=split,
        proven=proven,
        expected=expected,
        bare=bare,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with market1501/ and deepfashion/")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    for protocol in PROTOCOLS.values():
        for expectation in protocol.expected:
            lock = make_lock(protocol, expectation.split, options.data)
            path = FOLDER / lock_name(lock.dataset, lock.protocol, lock.split)
            if not options.check:
                write_json(path, lock_document(lock))
            elif not path.is_file() or read_lock(path) != lock:
                print(f"{path.name} is not what the files make: run scripts/build_locks.py")
                return 1
            print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
