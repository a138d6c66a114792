"""`recapbench list`: what can be named on the command line."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from recapbench.cli.console import print_json, print_plain, print_rows
from recapbench.cli.options import Json

if TYPE_CHECKING:
    from recapbench.data.protocols import Protocol

Row: TypeAlias = Mapping[str, str | list[str]]
"""What there is to say about one name."""

_NO_ROOM: Final = {"metrics": ("description", "comparable", "traps", "papers")}
"""What is too long for a table of all names."""
_WIDTH: Final = 100
_MARGIN: Final = 13
_INDENT: Final = " " * (_MARGIN + 2)


def list_names(
    kind: Annotated[str, typer.Argument(help="methods, datasets, metrics or protocols.")],
    name: Annotated[str | None, typer.Argument(help="Print this one alone, and whole.")] = None,
    as_json: Json = False,
) -> None:
    """List what can be named on the command line, or say all there is to say about one name."""
    from recapbench.errors import unknown

    listers: dict[str, Callable[[], Sequence[Row]]] = {
        "methods": methods,
        "datasets": datasets,
        "metrics": metrics,
        "protocols": protocols,
    }
    if kind not in listers:
        raise unknown("kind of name", kind, listers)
    rows = listers[kind]()
    if name is not None:
        found = [row for row in rows if row["name"] == name]
        if not found:
            raise unknown(kind.removesuffix("s"), name, (str(row["name"]) for row in rows))
        rows = found
    if as_json:
        print_json(rows)
    elif name is not None:
        print_plain("\n\n".join(_whole(row) for row in rows))
    else:
        hidden = _NO_ROOM.get(kind, ())
        print_rows([{k: _flat(row[k]) for k in row if k not in hidden} for row in rows], False)


def _whole(row: Row) -> str:
    """All about one name: a paragraph for each thing there is to say, dashes where several are."""
    lines = []
    for key, value in row.items():
        texts = [value] if isinstance(value, str) else value
        dash = "- " if len(texts) > 1 else ""
        for index, text in enumerate(texts):
            head = (key if index == 0 else "").ljust(_MARGIN) + dash
            lines += textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=_INDENT)
    return "\n".join(lines)


def _flat(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def methods() -> list[dict[str, str]]:
    from recapbench import registry

    return [
        {
            "name": name,
            "from": plugin.distribution,
            "object": f"in conflict: {plugin.value}" if plugin.shared else plugin.value,
        }
        for name, plugin in registry.available(registry.METHODS).items()
    ]


def datasets() -> list[dict[str, str]]:
    from recapbench import registry

    return [_dataset(name) for name in registry.available(registry.DATASETS)]


def _dataset(name: str) -> dict[str, str]:
    """A row; of a dataset that cannot be had, the reason in place of its title."""
    from recapbench.data.datasets import find_dataset
    from recapbench.registry import PluginError

    try:
        record = find_dataset(name)
    except PluginError as error:
        return {"name": name, "title": str(error), "splits": "", "presets": "", "licence": ""}
    return {
        "name": name,
        "title": record.title,
        "splits": " ".join(record.splits),
        "presets": " ".join(record.presets),
        "licence": record.licence,
    }


def metrics() -> list[Row]:
    from recapbench.evaluation.metrics import list_metrics

    return [
        {
            "name": metric.name,
            "better": "higher" if metric.higher_is_better else "lower",
            "title": metric.title,
            "needs": list(metric.needs),
            "description": metric.description,
            "comparable": metric.comparable,
            "traps": list(metric.traps),
            "papers": list(metric.papers),
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
