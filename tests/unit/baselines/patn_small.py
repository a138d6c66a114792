"""A PATN of a few channels, and random batches for it."""

from __future__ import annotations

import torch

from recapbench.data.query import Batch, Query
from recapbench.methods.base import ImageSpec
from recapbench_baselines.patn.method import Patn

STUDIO = ImageSpec(32, 32, 20, "deepfashion")
STREET = ImageSpec(32, 16, 7, "market1501")
SMALL = {
    "width": 4,
    "blocks": 3,
    "discriminator_width": 2,
    "discriminator_blocks": 1,
    "perceptual": "effnet_lite0",
}


def make(spec: ImageSpec = STREET, kind: type[Patn] = Patn, **overrides: object) -> Patn:
    torch.manual_seed(0)
    return kind(kind.configure(spec, SMALL | overrides), spec)


def batch(
    spec: ImageSpec = STREET, count: int = 2, seed: int = 0, place: tuple[int, int] | None = None
) -> Batch:
    random = torch.Generator().manual_seed(seed)
    height, width = spec.size

    def image() -> torch.Tensor:
        return torch.rand(count, 3, height, width, generator=random) * 2 - 1

    def pose() -> torch.Tensor:
        return (torch.rand(count, 18, height, width, generator=random) < 0.05).float()

    def labels() -> torch.Tensor:
        return torch.randint(0, spec.parts, (count, height, width), generator=random)

    tensors = {
        "source_image": image(),
        "source_pose": pose(),
        "target_pose": pose(),
        "source_parsing": labels(),
    }
    names = tuple(str(i) for i in range(count))
    query = Query(names, names, tensors)
    return Batch(query, image(), labels(), torch.ones(count, 1, height, width), place)
