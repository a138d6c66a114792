"""Memory of large tensors, used again once nobody holds them.

A batch's heatmaps are tens of megabytes. Memory of that size is fetched from the system anew each
time, page by page, which takes longer than to fill it: 4 ms an image at 256x256, 0.3 when reused.
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Shape = tuple[int, ...]


class TensorPool:
    """Float32 tensors of zeros whose memory returns here when the last tensor on it is gone.

    A tensor may be kept, changed and sliced like any other: its memory is not handed out again
    while the tensor, or any view of it, is alive. Safe for several threads.

    Args:
        spare: how many unused arrays to keep at most; the oldest are dropped.
    """

    def __init__(self, spare: int = 4) -> None:
        self._spare: deque[npt.NDArray[np.float32]] = deque(maxlen=spare)

    def zeros(self, shape: Shape) -> tuple[Tensor, npt.NDArray[np.float32]]:
        """A tensor of zeros, and the same memory as an array to write to before handing it on."""
        memory = self._take(shape)
        if memory is None:
            memory = np.zeros(shape, np.float32)
        else:
            memory.fill(0.0)
        lent = memory.view()
        # The tensor's storage alone holds `lent`: views of the tensor share the storage.
        weakref.finalize(lent, self._spare.append, memory).atexit = False
        return torch.from_numpy(lent), memory

    def _take(self, shape: Shape) -> npt.NDArray[np.float32] | None:
        """Spare memory of a shape. A tensor may be freed meanwhile, here or in another thread."""
        for _ in range(len(self._spare)):
            try:
                memory = self._spare.popleft()
            except IndexError:
                return None
            if memory.shape == shape:
                return memory
            self._spare.append(memory)
        return None
