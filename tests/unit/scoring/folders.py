"""Folders of generated images as others leave them: painted persons with Market-1501's names."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from trees import csv_row, jpeg, market_name, painted

Pixels = npt.NDArray[np.uint8]
SIZE = (128, 64)
N = 13
"""Pairs: neither two nor eight divides it."""


@dataclass(frozen=True)
class Folders:
    """Real images as JPEG, pairs of them, and a blurred target for each pair as PNG."""

    root: Path
    pairs: list[tuple[str, str]]
    real: dict[str, Pixels]
    keypoints: dict[str, npt.NDArray[np.float32]]

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def manifest(self) -> Path:
        return self.root / "pairs.csv"

    @property
    def joints(self) -> Path:
        return self.root / "joints.csv"

    @property
    def generated(self) -> Path:
        return self.root / "generated"

    def output(self, row: int) -> Pixels:
        """What stands in for the output of a pair."""
        target = Image.fromarray(self.real[self.pairs[row][1]])
        return np.asarray(target.filter(ImageFilter.GaussianBlur(0.6 + 0.2 * (row % 4))))

    def write(self, name: str, files: dict[str, Pixels]) -> Path:
        """A folder of PNGs."""
        folder = self.root / name
        folder.mkdir()
        for file, pixels in files.items():
            Image.fromarray(pixels).save(folder / file)
        return folder


def make(root: Path) -> Folders:
    """Everything in a new folder; the generated files have Def-GAN's names."""
    shots = [shot for shot in painted(SIZE, persons=3) if shot.split == "test"]
    (root / "images").mkdir(parents=True)
    real, keypoints = {}, {}
    for shot in shots:
        path = root / "images" / market_name(shot)
        path.write_bytes(jpeg(shot.image))
        real[path.name] = np.asarray(Image.open(path))
        keypoints[path.name] = shot.keypoints
    names: dict[int, list[str]] = {}
    for shot in shots:
        names.setdefault(shot.person, []).append(market_name(shot))
    pairs = [pair for group in names.values() for pair in permutations(group, 2)][:N]
    found = Folders(root, pairs, real, keypoints)
    found.manifest.write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    rows = [csv_row(name, joints) for name, joints in keypoints.items()]
    found.joints.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    found.write("generated", {f"{a}_{b}.png": found.output(r) for r, (a, b) in enumerate(pairs)})
    return found
