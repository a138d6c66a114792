"""What the processes of one training owe each other: a device each, and word of who has gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import PartialState

from recapbench.devices import choose_device
from recapbench.errors import RecapbenchError, UsageError
from recapbench.processes import Processes


@contextmanager
def contact(processes: Processes) -> Iterator[None]:
    """Say so if another process has gone while this one talks to it.

    Raises:
        RecapbenchError: in place of the RuntimeError that gloo and NCCL raise.
    """
    try:
        yield
    except RuntimeError as error:
        if processes.count == 1:
            raise
        raise RecapbenchError(
            f"process {processes.rank} of {processes.count} has lost another one; start them all "
            f"again with --resume ({_reason(error)})"
        ) from error


def _reason(error: RuntimeError) -> str:
    """The first sentence of a library's message, without the place in its source."""
    return re.sub(r"^\[[^]]*\]\s*", "", str(error)).splitlines()[0].split(". ")[0]


def training_device(name: str | None, processes: Processes) -> torch.device:
    """The device asked for; of several processes, the one that the launch gives to each.

    Raises:
        UsageError: if this machine has no such device, or the launch gives others.
    """
    asked = choose_device(name)
    if processes.count == 1:
        return asked
    given = PartialState().device
    if name is not None and asked.type != given.type:
        raise UsageError(
            f"this launch trains on {given.type}, and --device asks for {name}: leave it out, or "
            f"hide the GPUs with CUDA_VISIBLE_DEVICES="
        )
    return given
