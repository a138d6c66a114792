"""What is right about all bad plugins."""

from __future__ import annotations

from recapbench.methods.base import Method, MethodConfig


class Fine(Method[MethodConfig]):
    """Reads the source image; each subclass breaks one rule."""

    title = "A bad plugin"
    inputs = frozenset({"source_image"})
    needs_weights = False

    def generate(self, query):
        return query.source_image.clone()
