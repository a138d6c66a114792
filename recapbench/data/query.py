"""What a method may see (Query) and what training adds to it (Batch)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

INPUTS: Final[frozenset[str]] = frozenset(
    {
        "source_image",
        "source_keypoints",
        "target_keypoints",
        "source_pose",
        "target_pose",
        "source_parsing",
        "target_parsing",
    }
)
"""Every input that a method may declare. The target image is not among them."""


class Query:
    """The declared inputs of B pairs. Reading an input that was not declared is an error.

    ========================  ==================  =========================================
    input                     shape, dtype        meaning
    ========================  ==================  =========================================
    ``source_image``          (B,3,H,W) float32   RGB in [-1, 1]
    ``source_keypoints``      (B,18,3) float32    x, y in pixels; visibility 0, 1 or 2
    ``target_keypoints``      (B,18,3) float32    the same for the wanted pose
    ``source_pose``           (B,18,H,W) float32  heatmaps of the source pose, 0 or 1
    ``target_pose``           (B,18,H,W) float32  heatmaps of the wanted pose
    ``source_parsing``        (B,H,W) int64       part labels of the source
    ``target_parsing``        (B,H,W) int64       part labels of the target; only for methods
                                                  that declare it
    ========================  ==================  =========================================
    """

    def __init__(
        self,
        source_names: tuple[str, ...],
        target_names: tuple[str, ...],
        tensors: Mapping[str, Tensor],
    ) -> None:
        self.source_names = source_names
        self.target_names = target_names
        self._tensors = dict(tensors)

    def __len__(self) -> int:
        return len(self.source_names)

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs that this query carries."""
        return frozenset(self._tensors)

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self._tensors[name]
        except KeyError:
            raise KeyError(
                f"input {name!r} was not declared by the method; declared: {sorted(self._tensors)}"
            ) from None

    @property
    def source_image(self) -> Tensor:
        """RGB (B,3,H,W) float32 in [-1, 1]."""
        return self["source_image"]

    @property
    def source_keypoints(self) -> Tensor:
        """(B,18,3) float32: x, y, visibility."""
        return self["source_keypoints"]

    @property
    def target_keypoints(self) -> Tensor:
        """(B,18,3) float32: x, y, visibility."""
        return self["target_keypoints"]

    @property
    def source_pose(self) -> Tensor:
        """(B,18,H,W) float32 heatmaps."""
        return self["source_pose"]

    @property
    def target_pose(self) -> Tensor:
        """(B,18,H,W) float32 heatmaps."""
        return self["target_pose"]

    @property
    def source_parsing(self) -> Tensor:
        """(B,H,W) int64 labels."""
        return self["source_parsing"]

    @property
    def target_parsing(self) -> Tensor:
        """(B,H,W) int64 labels."""
        return self["target_parsing"]

    def only(self, inputs: Iterable[str]) -> Query:
        """The same pairs with these inputs alone."""
        return Query(
            self.source_names, self.target_names, {name: self[name] for name in sorted(inputs)}
        )

    def to(self, device: torch.device | str) -> Query:
        """The same query on another device."""
        moved = {name: t.to(device, non_blocking=True) for name, t in self._tensors.items()}
        return Query(self.source_names, self.target_names, moved)

    def rows(self, where: slice) -> Query:
        """The query of some of the pairs."""
        return Query(
            self.source_names[where],
            self.target_names[where],
            {name: tensor[where] for name, tensor in self._tensors.items()},
        )

    def split(self) -> list[Query]:
        """One query per pair."""
        return [self.rows(slice(i, i + 1)) for i in range(len(self))]


@dataclass(frozen=True)
class Batch:
    """A training batch: a query with every input but ``target_parsing``, and the truth.

    Attributes:
        query: the inputs of B pairs.
        target_image: RGB (B,3,H,W) float32 in [-1, 1].
        target_parsing: part labels (B,H,W) int64.
        target_mask: pose mask of the target (B,1,H,W) float32, 0 or 1.
        place: which pairs of the step these are, where several processes or passes share it:
            the first one's number, and how many pairs the step has in all. A method draws its
            random numbers for all of them and takes those of its own.
    """

    query: Query
    target_image: Tensor
    target_parsing: Tensor
    target_mask: Tensor
    place: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.query)

    @property
    def of_step(self) -> tuple[slice, int]:
        """Where these pairs stand among those of the step, and how many the step has."""
        first, total = self.place if self.place is not None else (0, len(self))
        return slice(first, first + len(self)), total

    def part(self, rows: range, first: int, total: int) -> Batch:
        """Some neighbouring pairs, which have the places from ``first`` on in their step."""
        where = slice(rows.start, rows.stop)
        return Batch(
            self.query.rows(where),
            self.target_image[where],
            self.target_parsing[where],
            self.target_mask[where],
            (first, total),
        )

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return Batch(
            self.query.to(device),
            self.target_image.to(device, non_blocking=True),
            self.target_parsing.to(device, non_blocking=True),
            self.target_mask.to(device, non_blocking=True),
            self.place,
        )
