"""A renderer of paper dolls: quick, deterministic, and wrong on purpose about everything else."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recapbench.data.datasets import DatasetRecord
from recapbench.data.split import Split
from recapbench.mannequin.dataset import MANNEQUIN, Renderer, open_set


@dataclasses.dataclass(frozen=True)
class Trait:
    value: int

    def attributes(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


class Shot(NamedTuple):
    identity: Trait
    index: int
    pose: Trait
    view: Trait
    figure: Trait
    outfit: Trait


class Drawing(NamedTuple):
    image: np.ndarray
    labels: np.ndarray
    keypoints: np.ndarray


def shots(set_name: str, number: int, split: str, count: int) -> list[Shot]:
    person = Trait(number + 1000 * (split == "test") + 5000 * len(set_name))
    zero = Trait(0)
    return [Shot(person, i, Trait(i), zero, zero, Trait(number)) for i in range(count)]


def figure_pairs(set_name: str, numbers: Sequence[int]) -> list[tuple[Shot, Shot]]:
    befores = [shots(set_name, number, "test", 1)[0] for number in numbers]
    return [(shot, shot._replace(figure=Trait(1))) for shot in befores]


def render(
    identity: Trait, pose: Trait, view: Trait, figure: Trait, outfit: Trait, size: tuple[int, int]
) -> Drawing:
    """A noisy figure; ``DOLL_SECONDS`` makes it slow, ``DOLL_COUNT`` names a file of calls."""
    time.sleep(float(os.environ.get("DOLL_SECONDS", "0")))
    if counter := os.environ.get("DOLL_COUNT"):
        with Path(counter).open("a") as file:
            file.write(f"{identity.value}\n")
    state = np.random.RandomState([identity.value, pose.value, figure.value])
    height, width = size
    image = state.randint(0, 256, (height, width, 3)).astype(np.uint8)
    labels = np.zeros(size, np.uint8)
    labels[height // 4 : -height // 4, width // 4 : -width // 4] = state.randint(0, 20, (1, 1))
    joints = state.uniform(0, 1, (18, 2)) * (width - 1, height - 1)
    seen = state.randint(0, 3, (18, 1))
    return Drawing(image, labels, np.concatenate([joints, seen], 1).astype(np.float32))


def renderer() -> Renderer:
    edits = {"figure_pairs": figure_pairs, "outfit_pairs": figure_pairs}
    return Renderer(shots, render, edits, "dolls")


def loader(
    record: DatasetRecord, split: str, preset: str, progress: Any, workers: Any, verify: bool
) -> Split:
    return open_set(record, split, preset, progress, workers, verify, renderer)


DOLLS = dataclasses.replace(MANNEQUIN, loader="dolls:loader")
"""The built-in set as paper dolls."""
