"""`recapbench list`: what can be named on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from recapbench.cli.console import print_rows
from recapbench.cli.options import Json

if TYPE_CHECKING:
    from recapbench.data.protocols import Protocol


def list_names(
    kind: Annotated[str, typer.Argument(help="methods, datasets, metrics or protocols.")],
    as_json: Json = False,
) -> None:
    """List what can be named on the command line."""
    from recapbench.errors import unknown

    listers: dict[str, Callable[[], list[dict[str, str]]]] = {
        "methods": methods,
        "datasets": datasets,
        "metrics": metrics,
        "protocols": protocols,
    }
    if kind not in listers:
        raise unknown("kind of name", kind, listers)
    print_rows(listers[kind](), as_json)


def methods() -> list[dict[str, str]]:
    from recapbench import registry

    return [
        {"name": name, "from": point.dist.name if point.dist else "", "object": point.value}
        for name, point in registry.available(registry.METHODS).items()
    ]


def datasets() -> list[dict[str, str]]:
    from recapbench import registry
    from recapbench.data.datasets import find_dataset

    records = [find_dataset(name) for name in registry.available(registry.DATASETS)]
    return [
        {
            "name": record.name,
            "title": record.title,
            "splits": " ".join(record.splits),
            "presets": " ".join(record.presets),
            "licence": record.licence,
        }
        for record in records
    ]


def metrics() -> list[dict[str, str]]:
    from recapbench.evaluation.metrics import list_metrics

    return [
        {
            "name": metric.name,
            "better": "higher" if metric.higher_is_better else "lower",
            "title": metric.title,
        }
        for metric in list_metrics()
    ]


def protocols() -> list[dict[str, str]]:
    from recapbench.data.protocols import PROTOCOLS

    return [
        {
            "name": protocol.tag,
            "dataset": protocol.dataset or "any",
            "pairs": _expected(protocol),
            "description": protocol.description,
        }
        for protocol in PROTOCOLS.values()
    ]


def _expected(protocol: Protocol) -> str:
    """How many pairs each split has, as far as that is known."""
    counts = [
        f"{one.split} {one.pairs:,}{'' if one.proven else ' (published)'}"
        for one in protocol.expected
    ]
    return ", ".join(counts)
