"""Draw the contact sheets of the built-in persons for the documentation.

Usage::

    python scripts/contact_sheets.py [--output docs/images]

Writes ``mannequin_faces.png``, ``_hands``, ``_necklines``, ``_hair``, ``_poses``, ``_street``,
``_figures`` and ``_outfits``; the first four are close-ups.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from recapbench.data.parsing import LIP_PALETTE
from recapbench.mannequin import plan
from recapbench.mannequin.camera import View
from recapbench.mannequin.identity import FATTER, NEUTRAL, THINNER
from recapbench.mannequin.poses import BASE_POSES, TEST_POSES, base_pose
from recapbench.mannequin.render import Rendering, render

Picture = npt.NDArray[np.uint8]
LARGEST = 1_500_000
"""Bytes above which a sheet is stored with a palette."""


def close_up(number: int, framing: str, yaw: float, side: int = 256) -> Picture:
    """A square close-up of a training person standing."""
    person = plan.identity(plan.STUDIO_SET, number)
    clothes = plan.outfit(plan.STUDIO_SET, number)
    view = View(yaw=yaw, framing=framing)
    return render(person, base_pose("stand"), view, NEUTRAL, clothes, (side, side)).image


def draw(shot: plan.Shot) -> Rendering:
    """The picture of a shot."""
    return render(shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, shot.size)


def sheet(pictures: Iterable[Picture], columns: int) -> Picture:
    """Pictures of one size in rows of ``columns``; the rest of the last row is white."""
    cells = list(pictures)
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], 1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows)


def close_ups(numbers: Sequence[int], framing: str, yaws: Sequence[float], columns: int) -> Picture:
    """Close-ups of persons, each from several sides."""
    return sheet((close_up(n, framing, y) for n in numbers for y in yaws), columns)


def pose_sheet() -> Picture:
    """All base poses, the held-out ones last, worn by a few persons in turn."""
    pictures = []
    for i, name in enumerate([*BASE_POSES, *TEST_POSES]):
        number = (1, 9, 13, 24, 28, 31)[i % 6]
        person = plan.identity(plan.STUDIO_SET, number)
        clothes = plan.outfit(plan.STUDIO_SET, number)
        view = View(yaw=20.0)
        drawn = render(person, base_pose(name), view, NEUTRAL, clothes, (192, 192))
        pictures.append(drawn.image)
    return sheet(pictures, 9)


def street_sheet() -> Picture:
    """Street pictures and their labels."""
    pictures = []
    for number in range(8):
        for shot in plan.shots(plan.STREET_SET, number, "train")[:8]:
            drawn = draw(shot)
            pictures += [drawn.image, LIP_PALETTE[drawn.labels]]
    return sheet(pictures, 16)


def figure_sheet() -> Picture:
    """Thinner, unchanged and fatter figures from three sides."""
    pictures = []
    for number in (3, 8, 12, 15):
        person = plan.identity(plan.STUDIO_SET, number)
        clothes = plan.outfit(plan.STUDIO_SET, number)
        for name, yaw in (("stand", 0.0), ("walk_left", 60.0), ("stand", 150.0)):
            for figure in (THINNER, NEUTRAL, FATTER):
                view = View(yaw=yaw)
                drawn = render(person, base_pose(name), view, figure, clothes, (224, 224))
                pictures.append(drawn.image[:, 48:176])
    return sheet(pictures, 9)


def outfit_sheet() -> Picture:
    """Before and after of the outfit pairs of the test persons."""
    pairs = plan.outfit_pairs(plan.STUDIO_SET, range(16))
    return sheet((draw(shot).image for pair in pairs for shot in pair), 8)


def save(picture: Picture, path: Path) -> None:
    """Write a PNG, with a palette of 256 colours where it would grow too large."""
    image = Image.fromarray(picture)
    image.save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Write all sheets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    home = Path(__file__).resolve().parent.parent / "docs/images"
    parser.add_argument("--output", type=Path, default=home)
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    sheets = {
        "faces": lambda: close_ups(
            (4, 5, 7, 9, 13, 16, 18, 23, 24, 27, 31, 33), "head", (0, 50), 6
        ),
        "hands": lambda: close_ups((2, 3, 5, 7, 9, 13), "hand", (0, -60), 6),
        "necklines": lambda: close_ups((1, 2, 3, 8, 11, 15, 21, 22), "chest", (10, 150), 4),
        "hair": lambda: close_ups((4, 1, 28, 14, 22, 24, 29, 36, 12), "head", (30, 110, 180), 6),
        "poses": pose_sheet,
        "street": street_sheet,
        "figures": figure_sheet,
        "outfits": outfit_sheet,
    }
    for name, make in sheets.items():
        save(make(), folder / f"mannequin_{name}.png")


if __name__ == "__main__":
    main()
