"""Checks of training: the step's contract, weights through a file, going on after a break."""

from __future__ import annotations

from math import isclose, isfinite
from typing import Any, Final

from recapbench.conformance.data import SEED
from recapbench.conformance.repeating import NEAR, compared
from recapbench.conformance.report import Finding, failed, passed, skipped, warning
from recapbench.conformance.subject import Subject
from recapbench.conformance.trained import Course, Trained
from recapbench.methods.base import TrainableMethod
from recapbench.methods.contract import move_checked

PAIRS: Final = 2
"""Pairs of a step."""

POINTS: Final = (0.0, 0.99)
"""Where in a training its steps are tried."""

NEARLY: Final = 1e-3
"""Relative difference of losses that other kernels explain."""

ROUNDED: Final = 0.1
"""Mean difference of images that weights in bfloat16 explain, over the images' deviation."""


def trains(subject: Subject) -> Finding:
    """A step at the start and one near the end: losses are finite scalars, every side moves."""
    cls = subject.cls
    if not issubclass(cls, TrainableMethod):
        return skipped("it cannot be trained")
    if not subject.data.split.has_parsing:
        return skipped(f"{subject.request.dataset} has no label maps to train with")
    run = begin(subject, SEED)
    problem = _schedule_problem(run.method)
    if problem:
        return failed(f"{subject.plugin} {problem}")
    moved: list[dict[str, set[str]]] = []
    for number, progress in enumerate(POINTS):
        checkpoint, before = run.checkpoint(), run.parameters()
        losses = run.step(subject.batch(PAIRS), progress, SEED + number)
        moved.append(run.moved(before))
        subject.tell()
    subject.course = Course(run, checkpoint, losses, run.state())
    return _judged(run, moved, losses)


def begin(subject: Subject, seed: int) -> Trained:
    """A training of the method's settings at its first step."""
    method = subject.opener.untrained(subject.method.config, seed)
    move_checked(method, subject.device)
    subject.tell()
    return Trained(method)


def _schedule_problem(method: TrainableMethod[Any]) -> str:
    if not isinstance(method.batch_size, int) or method.batch_size < 1:
        return f"in training: expected a batch_size of at least 1, got {method.batch_size!r}"
    for progress in POINTS:
        factor = method.learning_rate(progress)
        if not (isinstance(factor, float | int) and isfinite(factor) and factor >= 0):
            return f"in training: expected a learning_rate of at least 0, got {factor!r}"
    return ""


def _judged(run: Trained, moved: list[dict[str, set[str]]], losses: dict[str, float]) -> Finding:
    """How many parameters of each side moved at which point, and the last losses."""
    said, still = [], []
    for side, all_of_it in run.parameters().items():
        counts = ", ".join(
            f"{len(at_point[side])} at {progress:g}"
            for progress, at_point in zip(POINTS, moved, strict=True)
        )
        said.append(f"{side}: {counts}, of {len(all_of_it)}")
        if never := len(all_of_it) - len(set.union(*(at_point[side] for at_point in moved))):
            still.append(f"{never} of {side}")
    shown = ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
    text = f"parameters moved at progress: {'; '.join(said)}; losses: {shown or 'none'}"
    if still:
        return warning(f"parameters that never moved: {', '.join(still)}; {text}")
    return passed(text)


def keeps_weights(subject: Subject) -> Finding:
    """Trained weights, written and read again, make the same images as those in memory."""
    if subject.course is None:
        return skipped("nothing was trained")
    run = subject.course.run
    in_memory = subject.generate(run.evaluating(), subject.query())
    opened = [
        subject.generate(subject.opener.open_saved(run.method, subject.device), subject.query())
        for _ in range(2)
    ]
    finding = compared(subject, opened[0], opened[1], "one file opened twice")
    if finding.status == "fail":
        return finding
    apart, spread = float((in_memory - opened[0]).abs().mean()), float(in_memory.std())
    if apart > NEAR + ROUNDED * spread:
        return failed(
            f"{subject.plugin}: expected the images of the weights in memory from those in the "
            f"file, but for bfloat16's rounding; got a mean difference of {apart:.3g} where the "
            f"images' deviation is {spread:.3g}: is all of the model in the file?"
        )
    return passed(f"{finding.detail}; a mean difference of {apart:.1e} from those in memory")


def resumes(subject: Subject) -> Finding:
    """A training that goes on from a checkpoint is the one that was never broken off."""
    if subject.course is None:
        return skipped("nothing was trained")
    course = subject.course
    again = begin(subject, SEED + 100)
    again.restore(course.checkpoint)
    losses = again.step(subject.batch(PAIRS), POINTS[-1], SEED + len(POINTS) - 1)
    if losses == course.losses and again.state() == course.state:
        return passed("a step after a checkpoint: losses and weights bit by bit the same")
    if losses.keys() == course.losses.keys() and all(
        isclose(losses[name], course.losses[name], rel_tol=NEARLY) for name in losses
    ):
        return warning("a step after a checkpoint: losses nearly the same, not bit by bit")
    shown = ", ".join(f"{name} {losses.get(name)}" for name in course.losses)
    meant = ", ".join(f"{name} {value}" for name, value in course.losses.items())
    return failed(
        f"{subject.plugin}: after a checkpoint expected losses {meant}, got {shown}: is there "
        f"state outside the modules and optimisers?"
    )
