"""Raises when it is imported."""

from __future__ import annotations

raise RuntimeError("the moon is full")
