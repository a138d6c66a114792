"""Named random streams: the same key gives the same numbers for ever, on every machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Stream:
    """Random numbers named by a key such as ``("mannequin", "train", "body", 7)``.

    Built on ``random.Random`` seeded with the SHA-256 of the key; only ``Random.random`` is used,
    the one method whose sequence Python promises to keep. Two keys that differ in any part give
    unrelated streams.
    """

    def __init__(self, *key: str | int) -> None:
        text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
        self._random = Random(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")).random

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A float in [low, high)."""
        return low + (high - low) * self._random()

    def normal(self) -> float:
        """A standard normal number (Box-Muller)."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self._random()))
        return radius * math.cos(2.0 * math.pi * self._random())

    def integers(self, low: int, high: int) -> int:
        """An integer in [low, high)."""
        return low + int(self._random() * (high - low))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def choice(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of ``items``; ``weights`` need not sum to one."""
        if weights is None:
            return items[self.integers(0, len(items))]
        mark = self._random() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.integers(0, last + 1)
            order[last], order[other] = order[other], order[last]
        return order
