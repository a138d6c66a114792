"""What was computed for the pair at hand, for metrics that need the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from recapbench.evaluation.pairs import Pair

T = TypeVar("T")


class PairMemo(threading.local):
    """Remembers what was computed for one pair: the last one, in each thread.

    Pairs do not change, so a value holds as long as the pair is the very same object.
    """

    def __init__(self) -> None:
        self._pair: Pair | None = None
        self._values: dict[Hashable, Any] = {}

    def once(self, pair: Pair, key: Hashable, call: Callable[[], T]) -> T:
        """The value of this pair under this key; it is computed at the first call."""
        if self._pair is not pair:
            self._pair, self._values = pair, {}
        if key not in self._values:
            self._values[key] = call()
        value: T = self._values[key]
        return value
