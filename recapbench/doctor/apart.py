"""Looks in a process of its own, and in another one where it ended too early."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import Final

from recapbench.doctor.finding import Finding
from recapbench.doctor.looks import Look, Tell
from recapbench.isolation import Ended, run_isolated

STALL: Final = 120.0
"""Seconds for one look: torch's first import from a slow disk takes long."""


def look_apart(looks: Sequence[Look], tell: Tell, stall: float = STALL) -> Iterator[Finding]:
    """Look in a child process; one that ends or hangs at a look is followed by one for the rest.

    Args:
        looks: what to look at, in order.
        tell: told what is looked at now.
        stall: seconds without a sign of life after which a look is ended.

    Yields:
        The findings of every look, in order; none where the system has no process groups.
    """
    rest = list(looks) if os.name == "posix" else []
    while rest:
        ended = run_isolated(_words(rest), stall=stall, progress=tell)
        answers = [json.loads(line) for line in ended.output.splitlines()]
        for findings in answers:
            yield from (Finding(**finding) for finding in findings)
        rest = rest[len(answers) :]
        if rest:
            yield rest.pop(0).broken(_reason(ended, stall))


def _words(looks: Sequence[Look]) -> list[str]:
    """The command line of the child."""
    return ["doctor", *(f"--look={look}" for look in looks)]


def _reason(ended: Ended, stall: float) -> str:
    """Why the child did not finish a look."""
    if ended.stalled or ended.code <= 0:
        return ended.reason(stall)
    return f"ended with exit code {ended.code} ({ended.place}), its last words: {ended.error}"
