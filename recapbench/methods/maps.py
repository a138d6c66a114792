"""Maps as convolutions want them."""

from __future__ import annotations

import torch
from torch import Tensor


def compute_dtype(device: torch.device) -> torch.dtype:
    """The type that convolutions run in: autocast's, or float32."""
    kind = device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32


def as_map(tensor_BCHW: Tensor) -> Tensor:
    """A map as the convolutions want it: channels last, in their type.

    Maps as large as the image would be copied at every use otherwise, and the copies cost more
    than the convolutions.
    """
    return tensor_BCHW.to(
        dtype=compute_dtype(tensor_BCHW.device), memory_format=torch.channels_last
    )
