"""The precision that suits a device."""

from __future__ import annotations

import torch

from recapbench.training.folder import Precision


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
