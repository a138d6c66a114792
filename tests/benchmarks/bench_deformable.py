"""The deformable skips against a literal loop over pairs and parts: ``python bench_deformable.py``.

Two pairs of the built-in sets at 256x256, four at 128x64, one thread; all four levels of either
size, at the paper's width and at that of the CPU settings. All sides are given joints and features:

- ``loop``: for each pair, part and level the mask, the affine map and `grid_sample` at the nearest
  position, then the largest of the ten;
- ``ours``: the places of all parts and pairs, and one gather a level.

Sides are timed in turn, by CPU time, forward alone and with the gradients of the features; the goal
is a ratio of medians of at least 5 in all. ``places`` is the time that ours takes to fit the maps
and to draw the masks, once for all levels and included in its whole; the loop is given its maps.

Results are the same to the last bit. In bfloat16 two parts often have the same largest value, and
the two sides hand its gradient to different ones of them.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from functools import partial

import torch
from bench_annotations import rendered_preset
from timing import cpu_time
from torch import Tensor
from torch.nn import functional

from recapbench.data.datasets import find_dataset
from recapbench_baselines.def_gan.affines import PARTS, Skeleton, part_affines
from recapbench_baselines.def_gan.masks import draw, part_boxes
from recapbench_baselines.def_gan.warp import Places, places, warp

LEVELS = 4
PAIRS = {"mannequin": 2, "mannequin_street": 4}
WIDTHS = {"mannequin": (64, 16), "mannequin_street": (64, 24)}


@dataclass(frozen=True)
class Case:
    """Joints of pairs, and features at each level with the gradients that come back."""

    source_BJ3: Tensor
    target_BJ3: Tensor
    size: tuple[int, int]
    features: list[Tensor]
    gradients: list[Tensor]


def case(dataset: str, width: int, dtype: torch.dtype) -> Case:
    """Neighbouring pairs of the training manifest, random features, channels last."""
    split = find_dataset(dataset).open("train", preset=rendered_preset(dataset))
    pairs = list(split.manifest())[: PAIRS[dataset]]
    source, target = (
        torch.stack([torch.tensor(split.annotation(pair[side]).keypoints) for pair in pairs])
        for side in (0, 1)
    )
    size = split.record.image_size
    random = torch.Generator().manual_seed(0)
    shapes = [
        (len(pairs), width * min(2**level, 8), size[0] >> level, size[1] >> level)
        for level in range(LEVELS)
    ]
    features, gradients = (
        [
            torch.randn(shape, generator=random)
            .to(dtype=dtype, memory_format=torch.channels_last)
            .requires_grad_()
            for shape in shapes
        ]
        for _ in range(2)
    )
    return Case(source, target, size, features, [gradient.detach() for gradient in gradients])


@dataclass(frozen=True)
class Fitted:
    """What the loop is given beside the features; the time of it is not counted."""

    affine_BN23: Tensor
    known_BN: Tensor
    boxes_BN23: Tensor

    @staticmethod
    def of(given: Case) -> Fitted:
        target = Skeleton.of(given.target_BJ3)
        affine_BN23, known_BN = part_affines(Skeleton.of(given.source_BJ3), target)
        return Fitted(affine_BN23.float(), known_BN, part_boxes(target))


def loop(features_BCHW: Tensor, fitted: Fitted, stride: int) -> Tensor:
    """One level, pair by pair and part by part."""
    height, width = features_BCHW.shape[2:]
    y_HW, x_HW = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    extent = torch.tensor([width, height])
    found = []
    for pair, features_CHW in enumerate(features_BCHW.float()):
        moved = []
        for part in range(len(PARTS)):
            rows = fitted.affine_BN23[pair, part]
            to_HW2 = torch.stack([a * x_HW + (b * y_HW + c / stride) for a, b, c in rows], dim=2)
            nearest_HW2 = torch.floor(to_HW2 + 0.5)  # halves upwards, as ours
            grid_HW2 = ((nearest_HW2 * 2 + 1) / extent - 1).clamp(-3, 3)
            moved_CHW = functional.grid_sample(
                features_CHW[None], grid_HW2[None], "nearest", align_corners=False
            )[0]
            if part:
                box_BN23 = fitted.boxes_BN23[pair, part - 1][None, None]
                moved_CHW = moved_CHW * draw(box_BN23, height, width, stride)[0, 0]
            moved.append(moved_CHW * fitted.known_BN[pair, part])
        found.append(torch.stack(moved).amax(dim=0))
    return torch.stack(found).to(features_BCHW.dtype)


def run_ours(given: Case, level: int, where: list[Places], backward: bool) -> list[Tensor]:
    return finish(given, level, warp(given.features[level], where[level]), backward)


def run_loop(given: Case, level: int, fitted: Fitted, backward: bool) -> list[Tensor]:
    return finish(given, level, loop(given.features[level], fitted, 1 << level), backward)


def finish(given: Case, level: int, moved: Tensor, backward: bool) -> list[Tensor]:
    """The result, and with ``backward`` the gradient of the features."""
    if not backward:
        return [moved.detach()]
    features = given.features[level]
    features.grad = None
    moved.backward(given.gradients[level])
    assert features.grad is not None
    return [moved.detach(), features.grad]


def report(dataset: str, width: int, dtype: torch.dtype, rounds: int) -> None:
    given = case(dataset, width, dtype)
    height, columns = given.size
    print(f"{height}x{columns}, {PAIRS[dataset]} pairs, width {width}, {dtype}")
    arguments = given.source_BJ3, given.target_BJ3, given.size, LEVELS
    where, fitted = places(*arguments), Fitted.of(given)
    for backward in (False, True):
        times: dict[str, list[list[float]]] = {"ours": [], "loop": []}
        fits = []
        for _ in range(rounds + 1):
            fits.append(cpu_time(partial(places, *arguments)))
            ours, theirs = [], []
            for level in range(LEVELS):
                ours.append(cpu_time(partial(run_ours, given, level, where, backward)))
                theirs.append(cpu_time(partial(run_loop, given, level, fitted, backward)))
            times["ours"].append(ours)
            times["loop"].append(theirs)
        show(backward, times, fits)
    compare(given, where, fitted)


def show(backward: bool, times: dict[str, list[list[float]]], fits: list[float]) -> None:
    """Medians without the first round, in milliseconds."""
    fit = statistics.median(fits[1:]) * 1e3
    by_level = {
        side: [statistics.median(level) * 1e3 for level in zip(*rounds[1:], strict=True)]
        for side, rounds in times.items()
    }
    ours, theirs = by_level["ours"], by_level["loop"]
    pairs = zip(theirs, ours, strict=True)
    levels = ", ".join(f"{b:.1f}/{a:.2f} = {b / a:.0f}" for b, a in pairs)
    whole, literal = fit + sum(ours), sum(theirs)
    what = "forward and backward" if backward else "forward"
    print(f"  {what}: loop/ours by level, ms: {levels}")
    print(
        f"    all levels: loop {literal:.1f} ms, ours {whole:.1f} ms with places {fit:.1f} ms, "
        f"ratio {literal / whole:.1f}; goal >= 5"
    )


def compare(given: Case, where: list[Places], fitted: Fitted) -> None:
    """Largest differences of results and gradients over the levels."""
    gaps = [0.0, 0.0]
    for level in range(LEVELS):
        ours = [tensor.clone() for tensor in run_ours(given, level, where, True)]
        theirs = run_loop(given, level, fitted, True)
        for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            gaps[index] = max(gaps[index], float((a.float() - b.float()).abs().max()))
    print(f"  largest difference of results {gaps[0]:.1e}, of gradients {gaps[1]:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for dataset, widths in WIDTHS.items():
        for width in widths:
            report(dataset, width, torch.float32, options.rounds)
        report(dataset, widths[-1], torch.bfloat16, options.rounds)


if __name__ == "__main__":
    main()
