"""Downloads of DeepFashion and Market-1501 as a user has them, with rendered or painted persons.

Raw folders and names with real categories, JPEGs, keypoint files in the field's CSV, and label maps
as human parsers write them: what is read from such a tree goes through the very code that reads a
user's download.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from recapbench.data.datasets import find_dataset
from recapbench.data.names import CATEGORIES, defgan_name, patn_name
from recapbench.data.parsing import encode_labels

SPLITS = ("train", "test")
SIDES = ("front", "side", "back", "full", "additional")
LIP_OF_MARKET = np.array([0, 2, 13, 5, 9, 15, 16], np.uint8)
"""A label of LIP's 20 for each of the 7 parts; merging gives the part again."""

NAMINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "defgan": defgan_name,
    "patn": patn_name,
}


class Shot(NamedTuple):
    """One picture to put into a tree: RGB (H,W,3), LIP labels (H,W), joints (18,3)."""

    split: str
    person: int
    place: int
    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    keypoints: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tree:
    """Where the parts of a download lie."""

    root: Path
    annotations: Path
    parsing: Path

    def keypoints(self, split: str) -> Path:
        return self.annotations / f"{split}.csv"

    def names(self, split: str) -> list[str]:
        rows = self.keypoints(split).read_text().splitlines()[1:]
        return [row.partition(":")[0] for row in rows]

    def arguments(self, split: str, parsing: bool = True) -> tuple[str, ...]:
        """Options of `recapbench data prepare`."""
        options = ("--root", str(self.root), "--split", split)
        options += ("--keypoints", str(self.keypoints(split)))
        return options + (("--parsing", str(self.parsing)) if parsing else ())


def rendered(dataset: str, preset: str = "tiny") -> list[Shot]:
    """Pictures of a built-in set; its 7 parts as LIP labels that merge into them."""
    record = find_dataset(dataset)
    shots = []
    for split in SPLITS:
        opened = record.open(split, preset)
        for name in opened.names:
            person, _, place = name.removesuffix(".png").rpartition("_")
            labels = opened.labels(name)
            if record.parts != 20:
                labels = LIP_OF_MARKET[labels]
            keypoints = opened.keypoints[opened.position(name)]
            number = int(person.rpartition("_")[2])
            shots.append(Shot(split, number, int(place), opened.image(name), labels, keypoints))
    return shots


def painted(size: tuple[int, int], persons: int = 2, images: int = 3) -> list[Shot]:
    """Blurred noise with stripes of labels and joints anywhere: quick to make."""
    state = np.random.RandomState(5)
    shots = []
    for split in SPLITS:
        for person in range(persons):
            for place in range(images):
                coarse = state.randint(0, 256, (8, 8, 3)).astype(np.uint8)
                image = np.asarray(Image.fromarray(coarse).resize(size[::-1]))
                labels = np.tile(np.arange(size[1]) * 20 // size[1], (size[0], 1))
                joints = state.uniform(0, 1, (18, 2)) * (size[1] - 1, size[0] - 1)
                seen = np.full((18, 1), 2.0)
                keypoints = np.concatenate([joints, seen], 1).astype(np.float32)
                shots.append(Shot(split, person, place, image, labels.astype(np.uint8), keypoints))
    return shots


def jpeg(image: npt.NDArray[np.uint8], **options: object) -> bytes:
    """JPEG of quality 95, as the field's pictures."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=95, **options)
    return buffer.getvalue()


def raw_path(shot: Shot) -> str:
    """A path of the official layout: test persons get item ids of their own."""
    gender = ("WOMEN", "MEN")[shot.person % 2]
    categories = CATEGORIES[gender]
    category = categories[shot.person // 2 % len(categories)]
    item = shot.person + 1 + 5000 * (shot.split == "test")
    view = f"{shot.place % 10}_{SIDES[shot.place // 10 % len(SIDES)]}"
    return f"{gender}/{category}/id_{item:08d}/{1 + shot.person % 3:02d}_{view}.jpg"


def deepfashion_tree(
    folder: Path, shots: Iterable[Shot], naming: str = "defgan", images: str = "img"
) -> Tree:
    """The in-shop layout, joints under the names of a family, label maps flat under them."""
    tree = _empty(folder, "In-shop")
    rows: dict[str, list[str]] = {split: [] for split in SPLITS}
    for shot in shots:
        raw = raw_path(shot)
        name = NAMINGS[naming](raw)
        _write(tree.root / images / raw, jpeg(shot.image))
        _write(tree.parsing / f"{name.rpartition('.')[0]}.png", encode_labels(shot.labels, 20))
        rows[shot.split].append(csv_row(name, shot.keypoints))
    return _annotated(tree, rows)


def market_name(shot: Shot) -> str:
    """A name of Market-1501; test persons get numbers of their own."""
    person = shot.person + 2 + 700 * (shot.split == "test")
    return (
        f"{person:04d}_c{1 + shot.place % 6}s1_{1000 + shot.place:06d}_{shot.place % 100:02d}.jpg"
    )


def market_tree(folder: Path, shots: Iterable[Shot], distractors: bool = True) -> Tree:
    """Market's two folders; the test folder has distractors too, of both kinds."""
    tree = _empty(folder, "Market-1501")
    rows: dict[str, list[str]] = {split: [] for split in SPLITS}
    for shot in shots:
        names = [market_name(shot)]
        if distractors and shot.split == "test":
            names += [f"{kind}{names[0][4:]}" for kind in ("-1", "0000") if shot.person == 0]
        for name in names:
            _write(tree.root / f"bounding_box_{shot.split}" / name, jpeg(shot.image))
            _write(tree.parsing / f"{Path(name).stem}.png", encode_labels(shot.labels, 20))
            rows[shot.split].append(csv_row(name, shot.keypoints))
    (tree.root / "bounding_box_test" / "Thumbs.db").write_bytes(b"as in the real download")
    return _annotated(tree, rows)


def csv_row(name: str, keypoints: npt.NDArray[np.float32]) -> str:
    """A row of the field's CSV: whole pixels, -1 where a joint is missing."""
    whole = np.floor(keypoints[:, :2] + 0.5).astype(int)
    whole[keypoints[:, 2] == 0] = -1
    return f"{name}: {whole[:, 1].tolist()}: {whole[:, 0].tolist()}"


def listing(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below a folder with its time and digest."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def flip_byte(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _empty(folder: Path, title: str) -> Tree:
    return Tree(folder / title, folder / "annotations", folder / "parsing")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _annotated(tree: Tree, rows: dict[str, list[str]]) -> Tree:
    for split, lines in rows.items():
        text = "\n".join(["name:keypoints_y:keypoints_x", *lines]) + "\n"
        _write(tree.keypoints(split), text.encode())
    return tree
