"""Checks of one call of `Method.generate`: what it reads, returns, and leaves alone."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from recapbench.conformance.report import Finding, failed, passed, skipped, warning
from recapbench.conformance.subject import Subject
from recapbench.conformance.watching import WatchedQuery
from recapbench.data.query import Query
from recapbench.methods.base import LayoutMethod
from recapbench.methods.contract import changed, generate_checked, versions
from recapbench.methods.returned import result_problem


def generates(subject: Subject) -> Finding:
    """It returns. What it returns is for other checks to look at."""
    query = subject.query()
    kept = {name: query[name].clone() for name in query.inputs}
    counted = versions(query)
    began = time.perf_counter()
    subject.made = subject.call(WatchedQuery(query, subject.reads))
    seconds = time.perf_counter() - began
    subject.mutated = changed(query, counted) or _overwritten(query, kept)
    return passed(f"{len(query)} pairs at once in {seconds:.2f} s")


def _overwritten(query: Query, kept: dict[str, Tensor]) -> str:
    """What is wrong if inputs were changed behind PyTorch's back, or nothing."""
    names = [name for name, tensor in kept.items() if not _same(tensor, query[name])]
    if not names:
        return ""
    return f"wrote over its inputs: expected them untouched, got another {', '.join(names)}"


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def reads(subject: Subject) -> Finding:
    """It reads what it declares, and asks for nothing else."""
    found, declared = subject.reads, subject.cls.inputs
    if found.undeclared:
        return failed(
            f"{subject.plugin} asked for {_listed(found.undeclared)}, which it does not declare; "
            f"expected {_listed(declared)} alone"
        )
    if subject.made is None:
        return skipped("it generated nothing")
    unread = declared - found.declared
    if unread:
        return warning(f"declared and never read: {_listed(unread)}")
    return passed(f"{_listed(declared)} and nothing else")


def _listed(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def returns(subject: Subject) -> Finding:
    """Images of the right shape and type, finite and in range."""
    count, spec = subject.request.pairs, subject.data.spec
    problem = result_problem(subject.method, subject.made, count, spec)
    if problem:
        return failed(f"{subject.plugin} {problem}")
    images: Tensor = subject.made[0]
    said = (
        f"{tuple(images.shape)} float32, finite, "
        f"in [{float(images.min()):.3f}, {float(images.max()):.3f}]"
    )
    if images.requires_grad:
        return warning(f"{said}; with gradients, which cost memory: use torch.inference_mode()")
    return passed(said)


def leaves_inputs(subject: Subject) -> Finding:
    """Its inputs are what they were, bit by bit."""
    if subject.mutated:
        return failed(f"{subject.plugin} {subject.mutated}")
    return passed("not changed in place")


def layouts(subject: Subject) -> Finding:
    """A layout that it is given is the one that it renders from."""
    if not isinstance(subject.method, LayoutMethod):
        return skipped("it predicts no layout")
    inputs = subject.cls.inputs | {"target_parsing"}
    made = generate_checked(subject.method, subject.query(inputs), subject.data.spec)
    assert made.layouts is not None  # as it is a LayoutMethod
    parts = len(made.layouts.unique())
    return passed(f"labels {tuple(made.layouts.shape)} int64, {parts} parts; a given one is kept")
