"""What is wrong with what a method returned: a sentence without its subject, or nothing."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor

from recapbench.methods.base import ImageSpec, LayoutMethod, Method

TOLERANCE: Final = 1e-3
"""How far a value may lie outside [-1, 1]: an eighth of a grey level."""


def result_problem(
    method: Method[Any], made: Any, count: int, spec: ImageSpec, given: Tensor | None = None
) -> str:
    """What is wrong with a result, or nothing.

    Args:
        method: that made it.
        made: images and layouts.
        count: number of pairs.
        spec: the size and the number of parts.
        given: the layouts (B,H,W) that the method was given, if it was given any.
    """
    if not (isinstance(made, tuple) and len(made) == 2):
        return f"returned something else: expected (images, layouts), got {type(made).__name__}"
    images, layouts = made
    problem = image_problem(images, count, spec)
    if problem or not isinstance(method, LayoutMethod):
        return problem
    return layout_problem(layouts, count, spec, given)


def image_problem(images: Any, count: int, spec: ImageSpec) -> str:
    """What is wrong with the images of so many pairs, or nothing."""
    if not isinstance(images, Tensor):
        return f"returned no images: expected a torch.Tensor, got {type(images).__name__}"
    expected = (count, 3, *spec.size)
    if tuple(images.shape) != expected:
        return f"returned images of shape {tuple(images.shape)}, expected {expected}"
    if images.dtype != torch.float32:
        return f"returned images of {_plain(images.dtype)}, expected float32"
    low, high = (float(value) for value in torch.aminmax(images.detach()))
    if not torch.isfinite(torch.tensor([low, high])).all():
        bad = int((~torch.isfinite(images)).sum())
        return f"returned values that are not finite: expected all of them, got {bad} that are not"
    if low < -1 - TOLERANCE or high > 1 + TOLERANCE:
        return f"returned values out of range: expected [-1, 1], got [{low:.4g}, {high:.4g}]"
    return ""


def layout_problem(layouts: Any, count: int, spec: ImageSpec, given: Tensor | None) -> str:
    """What is wrong with the layouts of so many pairs, or nothing."""
    if not isinstance(layouts, Tensor):
        return f"returned no layouts: expected a torch.Tensor, got {type(layouts).__name__}"
    expected = (count, *spec.size)
    if tuple(layouts.shape) != expected:
        return f"returned layouts of shape {tuple(layouts.shape)}, expected {expected}"
    if layouts.dtype != torch.int64:
        return f"returned layouts of {_plain(layouts.dtype)}, expected int64"
    low, high = (int(value) for value in torch.aminmax(layouts))
    if low < 0 or high >= spec.parts:
        return f"returned labels out of range: expected 0 to {spec.parts - 1}, got {low} to {high}"
    if given is not None and not torch.equal(layouts, given):
        wrong = int((layouts != given).sum())
        return f"returned another layout: expected the given one, got {wrong} other pixels"
    return ""


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
