"""Devices by name, and the precision that suits them."""

from __future__ import annotations

from typing import Literal

import torch

from recapbench.errors import UsageError

Precision = Literal["bf16", "fp32"]
"""Type of the convolutions in training: bfloat16 under autocast, or float32."""


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


def best_precision(device: torch.device) -> Precision:
    """bfloat16 where the processor multiplies in it, else float32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if device.type == "cpu":
        capability = torch.backends.cpu.get_cpu_capability()
        return (
            "bf16" if "AVX512" in capability and torch.cpu._is_avx512_bf16_supported() else "fp32"
        )
    return "fp32"
