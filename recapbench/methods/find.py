"""Methods by name, and what a dataset fixes for them."""

from __future__ import annotations

from typing import Any

from recapbench import registry
from recapbench.data.datasets import DatasetRecord
from recapbench.methods.base import ImageSpec, Method


def find_method(name: str) -> type[Method[Any]]:
    """The class of a registered method; a UsageError suggests the nearest name."""
    cls = registry.load(registry.METHODS, name)
    if not (isinstance(cls, type) and issubclass(cls, Method)):
        raise registry.PluginError(f"method {name!r} is no subclass of Method but {cls!r}")
    return cls


def image_spec(record: DatasetRecord) -> ImageSpec:
    """What a dataset fixes for a method."""
    return ImageSpec(*record.image_size, parts=record.parts, settings=record.settings)
