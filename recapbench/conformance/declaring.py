"""Checks before anything is generated: import, declaration, opening."""

from __future__ import annotations

import time

from recapbench.conformance.report import Finding, failed, passed
from recapbench.conformance.subject import Subject
from recapbench.errors import DataError, UsageError
from recapbench.methods.find import check_declaration


def imports(subject: Subject) -> Finding:
    """The object that the entry point names can be had."""
    began = time.perf_counter()
    _ = subject.registered
    return passed(f"{subject.plugin.value} in {time.perf_counter() - began:.1f} s")


def declares(subject: Subject) -> Finding:
    """Name, title, inputs and the class of settings are there, and are what they must be."""
    check_declaration(subject.registered, subject.plugin)
    cls = subject.cls
    return passed(f"{cls.title!r} reads {', '.join(sorted(cls.inputs)) or 'nothing'}")


def opens(subject: Subject) -> Finding:
    """The method opens for the data set.

    Raises:
        UsageError, DataError: if it refuses settings or weights that the user named.
        MissingWeightsError: if it needs weights and there are none.
    """
    began = time.perf_counter()
    try:
        _ = subject.method
    except (UsageError, DataError) as error:
        if subject.request.has_settings:
            raise
        return failed(f"{subject.plugin} does not open for {subject.request.dataset}: {error}")
    return passed(f"with {subject.opener.origin} in {time.perf_counter() - began:.1f} s")
