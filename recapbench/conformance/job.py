"""A check in a process of its own, which a bad method cannot take others with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

from recapbench import registry
from recapbench.conformance.report import CHECKS, ENDING, REFUSALS, CheckReport, Row
from recapbench.conformance.request import CheckRequest
from recapbench.isolation import Ended, run_isolated, setting_word
from recapbench.registry import Plugin

Tell = Callable[[str, int, int], None]
"""Called with what is done now, how much is done, and how much there is."""

_NAMES: Final = (*CHECKS, ENDING)


def check(request: CheckRequest, tell: Tell) -> CheckReport:
    """Check a method in a process of its own.

    Args:
        request: what to check.
        tell: told how far it is.

    Raises:
        UsageError: for an unknown name, or settings that the method refuses.
        DataError: for damaged data or weights.
        MissingWeightsError: if the method needs weights and there are none.
    """
    plugin = registry.find(registry.METHODS, request.method)

    def show(stage: str, done: int, total: int) -> None:
        tell("checking" if stage in _NAMES else stage, done, total)

    ended = run_isolated(words_of(request), stall=request.time_limit, progress=show)
    rows: list[Row] = []
    astray = None
    for line in ended.output.splitlines():
        document = json.loads(line)
        if "error" in document:
            raise REFUSALS[document["error"]](document["message"])
        row = Row.model_validate(document)
        if row.check == _NAMES[len(rows)] and row.check != ENDING:
            rows.append(row)
        else:
            astray = astray or row.check
    return CheckReport(
        method=plugin.name,
        distribution=plugin.distribution,
        object=plugin.value,
        dataset=request.dataset,
        device=request.device,
        pairs=request.pairs,
        rows=(*rows, *_unmade(len(rows), plugin, _fault(ended, request, len(rows), astray))),
    )


def words_of(request: CheckRequest) -> list[str]:
    """The command line of a request, for a child that serves it."""
    words = ["check", request.method, "--dataset", request.dataset, "--device", request.device]
    words += ["--pairs", str(request.pairs)]
    if request.weights is not None:
        words += ["--weights", str(request.weights)]
    if request.config is not None:
        words += ["--config", request.config]
    for key, value in request.overrides.items():
        words += ["--set", setting_word(key, value)]
    return words


def _unmade(made: int, plugin: Plugin, fault: str | None) -> Iterator[Row]:
    """Rows of the checks that the child did not come to, the first of which ended it."""
    for number, name in enumerate(_NAMES[made:]):
        if fault is None:
            yield Row(check=name, status="pass", detail="the process ends by itself")
        elif number == 0:
            yield Row(check=name, status="fail", detail=f"{plugin}: {fault}")
        else:
            yield Row(check=name, status="skipped", detail=f"the process ended at {_NAMES[made]!r}")


def _fault(ended: Ended, request: CheckRequest, made: int, astray: str | None) -> str | None:
    """What was wrong with how the child ended, if anything was."""
    if astray is not None:
        return f"{astray!r} was answered out of turn: did the method fork this process?"
    if made == len(CHECKS) and ended.code == 0 and not ended.stalled:
        return None
    if ended.stalled or ended.code <= 0:
        return ended.reason(request.time_limit)
    return f"ended with exit code {ended.code} ({ended.place}), its last words: {ended.error}"
