"""Where SAT looks for pixels inside patterned garments of the built-in studio set.

Usage::

    python scripts/attention_report.py [--pairs 100] [--pixels 5] [--weights FILE]

For pixels of the test split's targets that lie in a patterned garment, two figures of the attention
(equations 1 and 2): its mass inside the same part of the source, which the equations make 1; and
its mass in the right half of that part. A half is the wearer's own left or right of the garment's
vertical mid-line: what the renderer knows of every pixel is the place on the garment that it shows.
So the left half is on the image's right in a picture from the front and on its left in one from the
back, and a picture from the side shows hardly more than one half. Beside it stands the share that
equal attention to every position of the part would have. What is in neither figure's half is in the
other, mirrored one, where a symmetric garment looks the same.

Left out, and counted: pixels whose garment the source does not show, or whose part the model's
layout has otherwise.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.datasets import find_dataset
from recapbench.data.examples import loader
from recapbench.data.manifest import Pair
from recapbench.data.query import Query
from recapbench.data.split import Split
from recapbench.evaluation.bootstrap import interval
from recapbench.mannequin import plan
from recapbench.mannequin.body import body
from recapbench.mannequin.camera import project
from recapbench.mannequin.dataset import PRESETS
from recapbench.mannequin.person import person
from recapbench.mannequin.poses import bone_transforms
from recapbench.mannequin.raster import SUBPIXEL, rasterise, skin_vertices
from recapbench.methods.find import image_spec
from recapbench.methods.sat_lgr.method import SatLgr

DATASET: Final = plan.STUDIO_SET
SAMPLES: Final = 2
"""Samples a pixel along each axis, as the renderer has."""
KINDS: Final = ("top", "dress", "coat", "pants", "jumpsuit", "skirt")
"""Garments with a left and a right half that are alike."""
PLAIN: Final = ("solid", "denim")
MARGIN: Final = 0.1
"""Places nearer to the mid-line than this, in dm, are in neither half."""


@dataclass(frozen=True)
class Reading:
    """What the attention of one pixel does.

    Attributes:
        person: who wears the garment.
        turn: degrees between the views of source and target, 0 to 180.
        inside: mass inside the same part of the source.
        right: mass in the right half of that part.
        even: the same, were attention equal everywhere in the part.
    """

    person: str
    turn: float
    inside: float
    right: float
    even: float


def shot_of(name: str) -> plan.Shot:
    """The shot of a picture of the test split, from its name."""
    number, index = (int(word) for word in Path(name).stem.split("_")[1:])
    return plan.shots(DATASET, number, "test", PRESETS["small"].images)[index]


def sideways(shot: plan.Shot, step: int) -> npt.NDArray[np.float64]:
    """How far left of the mid-line, in dm, the place on the person lies that a picture shows.

    Args:
        shot: the picture.
        step: of every ``step`` x ``step`` pixels, the first one is looked at.

    Returns:
        (H/step, W/step): positive on the wearer's left, NaN off the person.
    """
    height, width = (SAMPLES * size for size in shot.size)
    shared, model = body(), person(shot.identity, shot.figure, shot.outfit)
    transforms = bone_transforms(shot.pose, shared, model.heads)
    posed = skin_vertices(model.places, model.skin_index, model.skin_weight, transforms)
    carriers = transforms[model.joint_bones]
    joints = (carriers[:, :, :3] * model.joints[:, None, :]).sum(axis=2) + carriers[:, :, 3]
    seen = project(posed, joints, shot.view, height, width)
    _, face_at, weights = rasterise(
        np.rint(seen.to_samples(seen.places) * SUBPIXEL).astype(np.int64),
        1.0 / seen.places[:, 2],
        model.faces,
        model.layer_of,
        model.tested,
        model.attributes,
        model.cuts,
        model.cut_of,
        model.covers,
        height,
        width,
    )
    every = slice(SAMPLES // 2, None, SAMPLES * step)
    face_at, weights = face_at[every, every], weights[every, every]
    last = 1.0 - weights.sum(axis=2, keepdims=True)
    corners = model.attributes[model.faces[face_at], 0]
    places = (np.concatenate([weights, last], axis=2) * corners).sum(axis=2)
    return np.where(face_at < 0, np.nan, places)


def patterned(shot: plan.Shot) -> list[int]:
    """Labels of the patterned garments that somebody wears."""
    worn = shot.outfit.garments
    return [g.label for g in worn if g.kind in KINDS and g.pattern not in PLAIN]


def choose(
    labels_hw: npt.NDArray[np.int64],
    sides_hw: npt.NDArray[np.float64],
    garments: Sequence[int],
    count: int,
    seed: int,
) -> list[tuple[int, int]]:
    """Some positions of the target in patterned garments, clearly in one half or the other."""
    inside = np.isin(labels_hw, garments) & (np.abs(sides_hw) > MARGIN)
    places = np.argwhere(inside)
    chosen = np.random.RandomState(seed).permutation(len(places))[:count]
    return [(int(row), int(column)) for row, column in places[chosen]]


def read_pair(
    method: SatLgr,
    query: Query,
    shots: tuple[plan.Shot, plan.Shot],
    target_labels: npt.NDArray[np.uint8],
    pixels: int,
    seed: int,
) -> tuple[list[Reading], Counter[str]]:
    """The readings of one pair, and how many pixels were left out, by reason.

    Args:
        method: the model.
        query: one pair.
        shots: its source and target.
        target_labels: true parts of the target, (H, W).
        pixels: how many to look at.
        seed: of their choice.
    """
    source, target = shots
    step = 2 ** (method.config.sat_layer - 1)
    layout_hw = method.generate_with_layout(query)[1][0, ::step, ::step].numpy()
    source_hw = query.source_parsing[0, ::step, ::step].numpy()
    true_hw = target_labels[::step, ::step].astype(np.int64)
    here_hw, there_hw = sideways(target, step), sideways(source, step)
    places = choose(true_hw, here_hw, patterned(target), pixels, seed)
    if not places:
        return [], Counter()
    maps = method.attentions(query, [(step * row, step * column) for row, column in places])[0]
    turn = abs((target.view.yaw - source.view.yaw + 180) % 360 - 180)
    found, left_out = [], Counter[str]()
    for (row, column), weights in zip(places, maps.numpy(), strict=True):
        part = true_hw[row, column]
        same_hw = source_hw == part
        if layout_hw[row, column] != part:
            left_out["the layout has another part there"] += 1
        elif not same_hw.any():
            left_out["the source does not show the garment"] += 1
        else:
            right_hw = same_hw & (np.sign(there_hw) == np.sign(here_hw[row, column]))
            found.append(
                Reading(
                    str(target.identity.number),
                    turn,
                    float(weights[same_hw].sum()),
                    float(weights[right_hw].sum()),
                    float(right_hw.sum() / same_hw.sum()),
                )
            )
    return found, left_out


def read_all(
    method: SatLgr, split: Split, pairs: Iterable[Pair], pixels: int
) -> tuple[list[Reading], Counter[str]]:
    """The readings of many pairs."""
    found, left_out = [], Counter[str]()
    queries = loader(split, list(pairs), method.inputs, batch_size=1)
    for seed, query in enumerate(queries):
        labels = split.labels(query.target_names[0])
        shots = shot_of(query.source_names[0]), shot_of(query.target_names[0])
        mine, others = read_pair(method, query, shots, labels, pixels, seed)
        found += mine
        left_out += others
    return found, left_out


def line(name: str, readings: Sequence[Reading]) -> str:
    """A row of the table: means over pixels, and the interval over persons."""
    if not readings:
        return f"{name:<28}{0:>7}"
    persons = [reading.person for reading in readings]
    cells = []
    for values in ([r.right for r in readings], [r.even for r in readings]):
        ends = interval(values, persons)
        text = "" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]"
        cells.append(f"{np.mean(values):.3f}{text}")
    return f"{name:<28}{len(readings):>7}  {cells[0]:<24}{cells[1]:<24}"


def report(readings: Sequence[Reading], left_out: Counter[str]) -> str:
    """The whole table."""
    worst = max(abs(reading.inside - 1) for reading in readings)
    both = [reading for reading in readings if 0 < reading.even < 1]
    rows = [
        f"{len(readings)} pixels of {len({r.person for r in readings})} persons; left out: "
        + (", ".join(f"{n} ({why})" for why, n in sorted(left_out.items())) or "none"),
        f"mass inside the same part: 1, to within {worst:.1e}",
        "",
        f"{'mass in the right half':<28}{'pixels':>7}  {'attention':<24}{'equal everywhere':<24}",
        line("all", readings),
        line("both halves in the source", both),
        line("turned by up to 45 degrees", [r for r in both if r.turn <= 45]),
        line("45 to 135", [r for r in both if 45 < r.turn <= 135]),
        line("more than 135", [r for r in both if r.turn > 135]),
    ]
    return "\n".join(row.rstrip() for row in rows)


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=100, help="pairs, evenly spaced")
    parser.add_argument("--pixels", type=int, default=5, help="pixels of each pair")
    parser.add_argument("--weights", type=Path, help="file of weights; those of the package")
    options = parser.parse_args()
    record = find_dataset(DATASET)
    weights = options.weights or SatLgr.shipped_weights(DATASET)
    method = SatLgr.open(DATASET, image_spec(record), weights)
    split = record.open("test", "small")
    manifest = split.manifest()
    every = max(1, len(manifest) // options.pairs)
    pairs = [manifest[i] for i in range(0, len(manifest), every)][: options.pairs]
    print(report(*read_all(method, split, pairs, options.pixels)))


if __name__ == "__main__":
    main()
