"""All checks of a method, in order, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import IO, Any, Final

from recapbench import registry
from recapbench.conformance import declaring, generating, repeating, training
from recapbench.conformance.data import Data, Tell
from recapbench.conformance.report import CHECKS, ENDING, REFUSALS, Finding, Row, failed, skipped
from recapbench.conformance.request import CheckRequest
from recapbench.conformance.subject import Subject
from recapbench.errors import RecapbenchError
from recapbench.registry import PluginError, plugin_errors

LOOKS: Final[Mapping[str, Callable[[Subject], Finding]]] = {
    "import": declaring.imports,
    "declaration": declaring.declares,
    "opening": declaring.opens,
    "generation": generating.generates,
    "declared inputs": generating.reads,
    "images": generating.returns,
    "inputs unchanged": generating.leaves_inputs,
    "layouts": generating.layouts,
    "same seed, same images": repeating.is_deterministic,
    "batch independence": repeating.batches,
    "target unseen": repeating.ignores_target,
    "both image sizes": repeating.both_sizes,
    "devices": repeating.moves,
    "speed": repeating.speed,
    "training": training.trains,
    "weights file": training.keeps_weights,
    "resuming": training.resumes,
}
"""What each of `CHECKS` does."""


def serve(request: CheckRequest, stream: IO[str], tell: Tell) -> None:
    """Make all checks here, and write each row as a line of JSON as soon as it is there.

    Args:
        request: what to check.
        stream: to write to; an error of the request is written there too.
        tell: told what is done now.
    """

    def write(document: dict[str, Any]) -> None:
        stream.write(json.dumps(document) + "\n")
        stream.flush()

    try:
        plugin = registry.find(registry.METHODS, request.method)
        subject = Subject(plugin, request, Data(request.dataset, request.pairs, tell))
        for row in rows(subject, tell):
            write(row.model_dump())
    except tuple(REFUSALS.values()) as error:
        kind = next(name for name, kind in REFUSALS.items() if isinstance(error, kind))
        write({"error": kind, "message": str(error)})


def rows(subject: Subject, tell: Tell) -> Iterator[Row]:
    """All checks of a method, made one after the other.

    Raises:
        RecapbenchError: if what is wrong is the request, and not the method.
    """
    made: dict[str, Finding] = {}
    for number, name in enumerate(CHECKS):
        subject.tell = partial(tell, name, number, len(CHECKS))
        subject.tell()
        made[name] = _look(name, subject, made)
        yield Row(check=name, status=made[name].status, detail=made[name].detail)
    tell(ENDING, len(CHECKS), len(CHECKS))


def _look(name: str, subject: Subject, made: Mapping[str, Finding]) -> Finding:
    for need in CHECKS[name]:
        if made[need].status in ("fail", "skipped"):
            return skipped(f"needs {need!r}")
    try:
        with plugin_errors(f"{subject.plugin} failed", passing=(RecapbenchError,)):
            return LOOKS[name](subject)
    except PluginError as error:
        return failed(str(error))
