"""Where the pages of the site lie, as paths from its root."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from recapbench.leaderboard.board import ABLATION, Measured
from recapbench.leaderboard.reported import Reported

INDEX: Final = "index.html"
PAPER: Final = "paper.html"
METRIC_LIST: Final = "metrics.html"
DATASET_TITLES: Final[Mapping[str, str]] = {
    "deepfashion": "DeepFashion",
    "market1501": "Market-1501",
}


def measured_slug(record: Measured) -> str:
    """Name of a run: its folder's, or method and seed of a training of the ablation."""
    if record.folder.name != ABLATION or record.result.weights is None:
        return _safe(record.folder.name)
    return _safe(f"{record.method}-seed{record.result.weights.training.get('seed')}")


def measured_page(record: Measured) -> str:
    """The page of a run."""
    return f"{_safe(record.dataset)}/{measured_slug(record)}.html"


def reported_slug(record: Reported) -> str:
    """The method of this library that a row is of, or what the row calls it."""
    return _safe(record.method.counterpart or record.method.slug)


def reported_page(record: Reported) -> str:
    """The page of a method that a paper gives figures of."""
    return f"{_safe(record.dataset)}/{reported_slug(record)}.html"


def compare_page(dataset: str) -> str:
    """The page that lays two images over each other."""
    return f"{_safe(dataset)}/compare.html"


def picture(dataset: str, name: str, row: int) -> str:
    """A picture of a row: the output of a method, or "source" or "target"."""
    return f"{_safe(dataset)}/images/{_safe(name)}/{row}.webp"


def dataset_title(name: str) -> str:
    """A dataset's name as papers write it, or as this library does."""
    return DATASET_TITLES.get(name, name)


def _safe(name: str) -> str:
    """A name that is a file's anywhere, and never leaves its folder."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".") or "_"
