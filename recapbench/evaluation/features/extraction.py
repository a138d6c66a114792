"""Images through a network: read ahead by threads, in batches that never change.

A batch is a block of 8 images filled up with black. Convolutions of another batch size round
differently; with fixed batches a feature depends neither on the number of images nor on that of
processes.

Legend: B images in a batch, n images, d features, c classes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from recapbench.data.cache import available_cores
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.features.extractors import Network
from recapbench.processes import BLOCK

if TYPE_CHECKING:
    from torch import Tensor

ReadImage: TypeAlias = Callable[[], Image]
"""A function that reads an image uint8 (H,W,3)."""
T = TypeVar("T")

_MAX_THREADS: Final = 4
_AHEAD: Final = 2  # blocks that wait, decoded, for the network


def in_blocks(calls: Sequence[Callable[[], T]]) -> Generator[list[T], None, None]:
    """Results in order, in blocks of 8; threads work on the next ones while one is looked at."""
    waiting: deque[list[Future[T]]] = deque()
    with ThreadPoolExecutor(min(_MAX_THREADS, available_cores())) as pool:
        for start in range(0, len(calls), BLOCK):
            waiting.append([pool.submit(call) for call in calls[start : start + BLOCK]])
            if len(waiting) > _AHEAD:
                yield [future.result() for future in waiting.popleft()]
        while waiting:
            yield [future.result() for future in waiting.popleft()]


def forward(
    images: Sequence[Image], network: Network, device: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (n,d) and logits (n,c) of at most 8 images uint8 (H,W,3); each size by itself."""
    rows: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
    for shape in dict.fromkeys(image.shape for image in images):
        indexes = [index for index, image in enumerate(images) if image.shape == shape]
        batch = np.zeros((BLOCK, *shape), dtype=np.uint8)
        for place, index in enumerate(indexes):
            batch[place] = images[index]
        features, logits = _run(batch, network, device)
        rows |= {index: (features[place], logits[place]) for place, index in enumerate(indexes)}
    ordered = [rows[index] for index in range(len(images))]
    return np.stack([row[0] for row in ordered]), np.stack([row[1] for row in ordered])


def _run(
    batch_BHWC: NDArray[np.uint8], network: Network, device: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One pass, in float32 throughout."""
    import torch

    images_BCHW = torch.from_numpy(batch_BHWC).permute(0, 3, 1, 2).contiguous().to(device)
    exact = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with torch.inference_mode(), exact:
        features, logits = network(images_BCHW)
    return _array(features), _array(logits)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.float().cpu().numpy(), dtype=np.float32)
