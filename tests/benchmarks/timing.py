"""How the benchmarks take time."""

from __future__ import annotations

import time
from collections.abc import Callable


def cpu_time(call: Callable[[], object]) -> float:
    """Seconds of CPU time that a call takes, all threads together."""
    start = time.process_time()
    call()
    return time.process_time() - start
