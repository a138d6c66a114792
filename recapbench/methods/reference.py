"""Reference rows: what a method must beat, and what it cannot."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from recapbench.data.query import Query
from recapbench.methods.base import Method, MethodConfig


class CopySource(Method[MethodConfig]):
    """Hands the source image back unchanged: the least that a method must be ahead of."""

    name: ClassVar[str] = "copy_source"
    title: ClassVar[str] = "The source image, unchanged"
    inputs: ClassVar[frozenset[str]] = frozenset({"source_image"})
    needs_weights: ClassVar[bool] = False

    def generate(self, query: Query) -> Tensor:
        """The source images (B,3,H,W) float32 in [-1, 1]."""
        return query.source_image.clone()
