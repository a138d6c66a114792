"""From two folders of PNG files to FID against torch-fidelity, one thread: ``bench_inception.py``.

Both sides read the same files, with one file of random weights, in turn in one run, by CPU time;
neither keeps features. The ratio of the medians is the figure, beside the difference of the FIDs.

torch-fidelity's FID takes the eigenvalues of a singular matrix when n < 2048, which costs it some
digits and, for few images, most of its time: the ratio of the features alone is printed too, and
the FID of its features by our distance.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from timing import cpu_time
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.utils import create_feature_extractor, extract_featuresdict_from_input_id

from recapbench.evaluation.features.extractors import INCEPTION_TF
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import read_png
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "evaluation"))
from random_inception import write_random_inception


def write_images(root: Path, n: int) -> list[Path]:
    """Two folders of crops of photographs, the first with noise."""
    photographs = [data.coffee(), data.astronaut(), data.chelsea(), data.rocket()]
    generator = np.random.default_rng(0)
    for name in ("generated", "real"):
        (root / name).mkdir()
        for index in range(n):
            image = photographs[index % 4]
            y, x = (int(generator.integers(0, side - 255)) for side in image.shape[:2])
            crop = image[y : y + 256, x : x + 256].astype(int)
            noise = generator.integers(-20, 21, crop.shape) * (name == "generated")
            saved = np.clip(crop + noise, 0, 255).astype(np.uint8)
            Image.fromarray(saved).save(root / name / f"{index:05}.png")
    return [root / "generated", root / "real"]


class Ours:
    """Features by the store, without its disk cache; FID by the low-rank or Cholesky distance."""

    def __init__(self, weights: Path, folders: list[Path]) -> None:
        self.network = INCEPTION_TF.load(weights, "cpu")
        self.folders = folders

    def extract(self) -> None:
        store = FeatureStore()  # a network put in by hand: nothing is kept
        store.network = lambda name: self.network  # type: ignore[method-assign]
        self.sides = [
            store.features("inception_tf", [partial(read_png, p) for p in sorted(folder.iterdir())])
            for folder in self.folders
        ]

    def distance(self) -> None:
        self.fid = frechet_distance(*(FeatureStatistics.of(s.features) for s in self.sides))


class Theirs:
    """torch-fidelity's own functions from the folders on, without its workers."""

    def __init__(self, weights: Path, folders: list[Path]) -> None:
        path = str(weights)
        self.settings = {"cuda": False, "save_cpu_ram": True, "verbose": False}
        self.settings |= {"input1": str(folders[0]), "input2": str(folders[1])}
        self.network = create_feature_extractor(
            "inception-v3-compat",
            ["2048"],
            cuda=False,
            verbose=False,
            feature_extractor_weights_path=path,
        )

    def extract(self) -> None:
        self.sides = [
            extract_featuresdict_from_input_id(side, self.network, **self.settings)["2048"]
            for side in (1, 2)
        ]

    def distance(self) -> None:
        found = (fid_features_to_statistics(side) for side in self.sides)
        self.fid = fid_statistics_to_metric(*found, False)["frechet_inception_distance"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64, help="in each folder")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        weights = root / "random.pth"
        write_random_inception(weights)
        folders = write_images(root, options.images)
        sides = [Ours(weights, folders), Theirs(weights, folders)]
        features: list[list[float]] = [[], []]
        whole: list[list[float]] = [[], []]
        for _ in range(options.rounds):
            for index, side in enumerate(sides):
                features[index].append(cpu_time(side.extract))
                whole[index].append(features[index][-1] + cpu_time(side.distance))
    for what, times in (("features", features), ("to FID", whole)):
        a, b = (statistics.median(seen) for seen in times)
        print(f"{what}: recapbench {a:.2f} s, torch-fidelity {b:.2f} s, ratio {b / a:.2f}")
    ours, theirs = (side.fid for side in sides)
    same = frechet_distance(*(FeatureStatistics.of(s.numpy()) for s in sides[1].sides))
    print(f"FID {ours:.8f}; torch-fidelity's {theirs:.8f}, from its features {same:.8f}")
    print(f"moved by {abs(ours / same - 1):.1e} (its own rounding {abs(theirs / same - 1):.1e})")
    print("goals: ratio >= 1.5, moved by <= 1e-5")


if __name__ == "__main__":
    main()
