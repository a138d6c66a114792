"""recapbench: the same images of persons, scored every way the field has scored them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from recapbench.data.datasets import find_dataset
    from recapbench.data.manifest import read_manifest
    from recapbench.data.query import Batch, Query
    from recapbench.errors import DataError, UsageError
    from recapbench.evaluation.evaluate import evaluate
    from recapbench.evaluation.score import Score
    from recapbench.methods.base import (
        ImageSpec,
        LayoutMethod,
        Method,
        MethodConfig,
        TrainableMethod,
    )
    from recapbench.methods.find import find_method
    from recapbench.methods.network import NetworkConfig, NetworkMethod
    from recapbench.results import Result, read_result

_PLACES: Final = {
    "Batch": "recapbench.data.query",
    "DataError": "recapbench.errors",
    "ImageSpec": "recapbench.methods.base",
    "LayoutMethod": "recapbench.methods.base",
    "Method": "recapbench.methods.base",
    "MethodConfig": "recapbench.methods.base",
    "NetworkConfig": "recapbench.methods.network",
    "NetworkMethod": "recapbench.methods.network",
    "Query": "recapbench.data.query",
    "Result": "recapbench.results",
    "Score": "recapbench.evaluation.score",
    "TrainableMethod": "recapbench.methods.base",
    "UsageError": "recapbench.errors",
    "evaluate": "recapbench.evaluation.evaluate",
    "find_dataset": "recapbench.data.datasets",
    "find_method": "recapbench.methods.find",
    "read_manifest": "recapbench.data.manifest",
    "read_result": "recapbench.results",
}

__all__ = [
    "Batch",
    "DataError",
    "ImageSpec",
    "LayoutMethod",
    "Method",
    "MethodConfig",
    "NetworkConfig",
    "NetworkMethod",
    "Query",
    "Result",
    "Score",
    "TrainableMethod",
    "UsageError",
    "evaluate",
    "find_dataset",
    "find_method",
    "read_manifest",
    "read_result",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import recapbench` alone loads no torch."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
