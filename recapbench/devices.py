"""Devices by name."""

from __future__ import annotations

import torch

from recapbench.errors import UsageError


def choose_device(name: str | None) -> torch.device:
    """The device asked for, or CUDA where there is one.

    Raises:
        UsageError: if this machine has no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"device {name!r} cannot be used: {reason}") from None
    return device
