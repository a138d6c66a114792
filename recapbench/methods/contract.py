"""The boundary between this library and a method's own code: nothing passes it unchecked.

Whatever a method raises becomes a PluginError that names the method and its distribution; what it
returns is compared with what `Method.generate` promises; and what it was given must be untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from recapbench import registry
from recapbench.data.query import Query
from recapbench.errors import RecapbenchError
from recapbench.methods.base import ImageSpec, LayoutMethod, Method
from recapbench.methods.returned import result_problem
from recapbench.registry import PluginError, plugin_errors

MethodT = TypeVar("MethodT", bound=Method[Any])


@cache
def called(cls: type[Method[Any]]) -> str:
    """A method for a message, with its distribution if it is registered: "method 'x' of dist 1"."""
    plugin = registry.available(registry.METHODS).get(cls.name)
    return f"method {cls.name!r}" if plugin is None else str(plugin)


@dataclass(frozen=True)
class Generated:
    """What a method made of B pairs.

    Attributes:
        images: RGB (B,3,H,W) float32, finite, in [-1, 1] within `TOLERANCE`.
        layouts: part labels (B,H,W) int64 that they were rendered from; None for a method that
            has none.
    """

    images: Tensor
    layouts: Tensor | None


def shipped_weights(
    cls: type[Method[Any]], dataset: str, spec: ImageSpec, overrides: Mapping[str, Any] | None
) -> Path | None:
    """The weights that come with a method for a dataset, if any; its settings are checked first.

    Raises:
        UsageError: for bad settings, as the method says.
        PluginError: for whatever else the method raises.
    """
    with plugin_errors(f"{called(cls)} failed to configure", passing=(RecapbenchError,)):
        cls.configure(spec, overrides)
        return cls.shipped_weights(dataset)


def open_checked(
    cls: type[MethodT],
    dataset: str,
    spec: ImageSpec,
    weights: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> MethodT:
    """``cls.open(...)``, with its errors and its result checked.

    Raises:
        UsageError: for bad settings, as the method says.
        DataError: for damaged weights, as the method says.
        PluginError: for whatever else it raises, or if it gives something other than itself.
    """
    who = called(cls)
    with plugin_errors(f"{who} failed to open for {dataset}", passing=(RecapbenchError,)):
        method = cls.open(dataset, spec, weights, overrides)
    if not isinstance(method, cls):
        raise PluginError(f"{who}: expected open to return a {cls.__name__}, got {type(method)}")
    config = getattr(method, "config", None)
    if not isinstance(config, cls.config_class):
        raise PluginError(
            f"{who}: expected config of {cls.config_class.__name__} as Method.__init__ sets it, "
            f"got {type(config).__name__}"
        )
    if getattr(method, "spec", None) != spec:
        raise PluginError(
            f"{who}: expected spec {spec} as Method.__init__ sets it, "
            f"got {getattr(method, 'spec', None)}"
        )
    return method


def move_checked(method: Method[Any], device: torch.device) -> None:
    """``method.to(device)``; whatever it raises is a PluginError."""
    with plugin_errors(f"{called(type(method))} failed to move to {device}"):
        method.to(device)


def generate_checked(method: Method[Any], query: Query, spec: ImageSpec) -> Generated:
    """``method.generate(query)``, or ``generate_with_layout``, with everything checked.

    Args:
        method: opened, on the query's device.
        query: the inputs that the method declares, of B pairs.
        spec: the size and the parts that it must keep to.

    Raises:
        PluginError: if the method raises or exits, returns anything but what `Method.generate`
            says, or changes its inputs in place.
    """
    before = versions(query)
    made = call_generate(method, query)
    given = query.target_parsing if "target_parsing" in query.inputs else None
    problem = changed(query, before) or result_problem(method, made, len(query), spec, given)
    if problem:
        raise PluginError(f"{called(type(method))} {problem} ({_pairs(query)})")
    images, layouts = made
    return Generated(images.detach(), layouts)


def call_generate(method: Method[Any], query: Query) -> Any:
    """What a method returns, with the layouts or None for them: not checked yet.

    Raises:
        PluginError: if the method raises or exits.
    """
    with plugin_errors(f"{called(type(method))} failed to generate ({_pairs(query)})"):
        if isinstance(method, LayoutMethod):
            return method.generate_with_layout(query)
        return method.generate(query), None


def _pairs(query: Query) -> str:
    """The pairs of a query: the first one, and how many there are besides."""
    if not len(query):
        return "no pairs"
    more = f" and {len(query) - 1} more" if len(query) > 1 else ""
    return f"pair {query.source_names[0]} -> {query.target_names[0]}{more}"


def versions(query: Query) -> dict[str, int]:
    """How often each tensor has been changed in place; PyTorch counts it for tensors and views."""
    return {
        name: query[name]._version
        for name in sorted(query.inputs)
        if not query[name].is_inference()  # these are not counted
    }


def changed(query: Query, before: Mapping[str, int]) -> str:
    """What is wrong if inputs were changed in place since ``versions``, or nothing."""
    names = [name for name, version in before.items() if query[name]._version != version]
    if not names:
        return ""
    return f"changed its inputs in place: expected them untouched, got another {', '.join(names)}"
