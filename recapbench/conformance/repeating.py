"""Checks of several calls: the same pairs must give the same images, however they are asked for."""

from __future__ import annotations

import resource
import sys
from statistics import median
from time import perf_counter
from typing import Final

import torch
from torch import Tensor

from recapbench.conformance.data import BUILT_IN, SEED, Data
from recapbench.conformance.opening import Opener
from recapbench.conformance.report import Finding, failed, passed, skipped, warning
from recapbench.conformance.subject import Subject
from recapbench.data.query import Query
from recapbench.errors import RecapbenchError
from recapbench.methods.contract import generate_checked, move_checked
from recapbench.registry import PluginError

NEAR: Final = 1e-4
"""Difference of images in [-1, 1] that rounding explains."""

REPEATS: Final = 5
"""Calls that are timed."""


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference of two images."""
    return float((one - other).abs().max())


def compared(subject: Subject, one: Tensor, other: Tensor, what: str) -> Finding:
    """Whether images that must be the same are so: to the bit, nearly, or not."""
    found = difference(one, other)
    if found == 0:
        return passed(f"{what}: bit by bit the same")
    if found <= NEAR:
        return warning(f"{what}: the same within {found:.1e}, not bit by bit")
    return failed(
        f"{subject.plugin}: {what}: expected the same images within {NEAR:g}, "
        f"got values {found:.3g} apart"
    )


def is_deterministic(subject: Subject) -> Finding:
    """The same seed gives the same images, called again and opened again."""
    again = subject.generate(subject.method, subject.query())
    finding = compared(subject, subject.images, again, "called twice with one seed")
    if finding.status == "fail":
        return finding
    fresh = subject.generate(subject.another(), subject.query())
    finding = compared(subject, subject.images, fresh, "called twice and opened twice")
    other = subject.generate(subject.method, subject.query(), seed=SEED + 1)
    subject.draws = difference(subject.images, other) > NEAR
    drawn = "; it draws: another seed gives other images" if subject.draws else ""
    return finding._replace(detail=finding.detail + drawn)


def batches(subject: Subject) -> Finding:
    """A pair's image does not depend on the pairs beside it."""
    if subject.draws:
        return skipped("it draws random numbers, which differ with the batch")
    single = [subject.generate(subject.method, part) for part in subject.query().split()]
    found = difference(subject.images, torch.cat(single))
    what = f"{len(single)} pairs at once and one by one"
    if found <= NEAR:
        bits = "bit by bit" if found == 0 else f"within {found:.1e}"
        return passed(f"{what}: the same {bits}")
    return compared(subject, subject.images, torch.cat(single), what)


def ignores_target(subject: Subject) -> Finding:
    """The images come from the declared inputs alone.

    The query holds no picture of the target. What is left is that the method finds it by its name:
    so it is given other pairs' names, and the data set's files are watched.
    """
    opened = sorted(subject.files.opened)
    if opened:
        return failed(
            f"{subject.plugin} opened {len(opened)} of the data set's files by itself, "
            f"expected none, got {opened[0]}"
        )
    query, others = subject.query(), subject.data.others
    renamed = Query(
        tuple(pair.source for pair in others),
        tuple(pair.target for pair in others),
        {name: query[name] for name in query.inputs},
    )
    images = subject.generate(subject.method, renamed)
    finding = compared(subject, subject.images, images, "under the names of other pairs")
    if finding.status == "fail":
        return finding
    return passed("same images under the names of other pairs; no file of the data set opened")


def both_sizes(subject: Subject) -> Finding:
    """It works at the other built-in set's image size too, if it opens for it."""
    size = subject.data.spec.size
    name = next(name for name in BUILT_IN if name != subject.request.dataset)
    data = Data(name, 1, lambda *_: subject.tell())
    if data.spec.size == size:
        return skipped(f"{name} has the same size")
    said = "{}x{}".format(*data.spec.size)
    try:
        opener = Opener(subject.cls, data, subject.request, None)
        method = opener.open(subject.device)
    except PluginError:
        raise
    except RecapbenchError as error:
        return skipped(f"does not open for {name} ({said}): {error}")
    subject.tell()
    query = data.query(subject.cls.inputs).to(subject.device)
    generate_checked(method, query, data.spec)
    return passed(f"{said} of {name} too, with {opener.origin}")


def moves(subject: Subject) -> Finding:
    """It goes to another device and back, and makes the same images there."""
    method = subject.another()
    home = subject.device
    places = [torch.device("cpu")]
    if torch.cuda.is_available():
        places.append(torch.device("cuda"))
    apart = {}
    for place in [*places, home]:
        move_checked(method, place)
        made = subject.generate(method, subject.query().to(place))
        apart[str(place)] = difference(subject.images, made)
    if apart[str(home)] > NEAR:
        return failed(
            f"{subject.plugin}: expected the same images on {home} after moving, "
            f"got values {apart[str(home)]:.3g} apart"
        )
    if len(places) == 1:
        return passed("cpu to cpu; there is no other device here")
    widest = ", ".join(f"{place} {value:.1e}" for place, value in apart.items())
    return passed(f"differences from {home}: {widest}")


def speed(subject: Subject) -> Finding:
    """How long a pair takes by itself, and the most memory so far."""
    first = subject.query().rows(slice(0, 1))
    subject.generate(subject.method, first)
    seconds = []
    for _ in range(REPEATS):
        began = perf_counter()
        subject.generate(subject.method, first)
        seconds.append(perf_counter() - began)
    return passed(f"{1000 * median(seconds):.0f} ms a pair, {_memory(subject.device)}")


def _memory(device: torch.device) -> str:
    if device.type == "cuda":
        return f"at most {torch.cuda.max_memory_allocated(device) / 2**20:.0f} MiB of the device"
    return f"at most {_resident_mib():.0f} MiB in the process"


def _resident_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
