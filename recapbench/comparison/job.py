"""Run several methods on the same pairs, each in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from recapbench import registry
from recapbench.comparison.build import RECORD, check_folder
from recapbench.comparison.record import Failure
from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import find_dataset
from recapbench.data.selection import select_manifest
from recapbench.errors import EXIT_DONE, EXIT_PARTIAL, UsageError
from recapbench.evaluation.metrics import get_metric
from recapbench.isolation import Ended, Progress, run_isolated, setting_word
from recapbench.outputs import REQUEST
from recapbench.provenance import write_atomic
from recapbench.request import RESULT, RunRequest

STALL: Final = 600.0
"""Seconds without progress after which a method is ended."""


@dataclass(frozen=True)
class Outcome:
    """How one method ended.

    Attributes:
        request: what it was asked for.
        failure: why it gave no result; None if ``request.out`` holds one.
        log: its messages, if it failed.
    """

    request: RunRequest
    failure: Failure | None = None
    log: Path | None = None


def run_methods(
    requests: Sequence[RunRequest], out: Path, stall: float, report: Progress
) -> Iterator[Outcome]:
    """Run each request in a child process, one after another; one that fails stops no other.

    The data is made here first: what is wrong with it is one error, not one of each method, and
    no two processes render the same set.

    Args:
        requests: the same task for several methods, each with a folder of its own below ``out``.
        out: folder of the comparison.
        stall: seconds without progress after which a method is ended.
        report: told how far each is.

    Yields:
        How each ended, as it ends.

    Raises:
        UsageError: for an unknown name, a method that is named twice, or a folder that holds
            another run; nothing has been started then.
        DataError: for damaged data.
    """
    _check_names([request.method for request in requests])
    _check_folders(requests, out)
    _prepare(requests[0], report)
    for request in requests:
        yield _run(request, stall, report)


def arguments(request: RunRequest) -> list[str]:
    """The words of the command line that ask for a run."""
    words = ["run"]
    for field in fields(RunRequest):
        words.extend(_words(field.name, getattr(request, field.name)))
    return words


def _words(name: str, value: Any) -> Iterator[str]:
    """The words for one field of a request."""
    option = f"--{name.replace('_', '-')}"
    if name == "overrides":
        for key, setting in value.items():
            yield f"--set={setting_word(key, setting)}"
    elif name == "metric_weights":
        for record, file in value.items():
            yield f"{option}={record}={file}"
    elif isinstance(value, bool):
        if value:
            yield option
    elif isinstance(value, tuple):
        yield f"{option}={','.join(value)}"
    elif value is not None:
        yield f"{option}={value}"


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that nobody has registered; nothing is imported."""
    for name in names:
        registry.find(registry.METHODS, name)
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"--method: {', '.join(double)} is named more than once")


def _check_folders(requests: Sequence[RunRequest], out: Path) -> None:
    """Refuse to run into what is there, unless it is to be finished."""
    check_folder(out)
    held = [out / RECORD, *(request.out / REQUEST for request in requests)]
    for path, resume in zip(held, [requests[0].resume, *(r.resume for r in requests)], strict=True):
        if path.exists() and not resume:
            raise UsageError(
                f"{path.parent} holds a run already: add --resume to finish it, or name another "
                f"folder"
            )


def _prepare(request: RunRequest, report: Progress) -> None:
    """Make, or find, the data of a request, and check whatever is no business of the method."""
    record = find_dataset(request.dataset).resolved(request.split)
    record.preset(request.preset)
    for name in request.metrics or ():
        get_metric(name)
    if request.device is not None:
        from recapbench.devices import choose_device  # torch, which nothing else here needs

        choose_device(request.device)
    split = record.open(request.split, request.preset, partial(report, "rendering persons"))
    select_manifest(split, request.preset, request.manifest)
    open_annotations(split, partial(report, "caching annotations"))
    if request.train_images:
        train = find_dataset(request.dataset).resolved("train")
        train.open("train", request.preset, partial(report, "rendering persons of the train split"))


def _run(request: RunRequest, stall: float, report: Progress) -> Outcome:
    def named(stage: str, done: int, total: int) -> None:
        report(f"{request.method}: {stage}", done, total)

    log = request.out.with_name(f"{request.method}.log")
    before = _stamp(request.out / RESULT)
    ended = run_isolated(arguments(request), stall=stall, progress=named)
    finished = _stamp(request.out / RESULT) not in (None, before)
    if finished and not ended.stalled and ended.code in (EXIT_DONE, EXIT_PARTIAL):
        log.unlink(missing_ok=True)
        return Outcome(request)
    write_atomic(log, ended.messages.encode())
    return Outcome(request, _failure(request.method, ended, stall), log)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Tells a file from the one that was there before; None if there is none."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_ino


def _failure(method: str, ended: Ended, stall: float) -> Failure:
    plugin = registry.find(registry.METHODS, method)
    reason = ended.reason(stall)
    if not (repr(method) in reason and plugin.distribution in reason):
        reason = f"method {method!r} of {plugin.distribution}: {reason}"
    return Failure(method=method, distribution=plugin.distribution, reason=reason)
