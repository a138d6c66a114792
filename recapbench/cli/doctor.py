"""`recapbench doctor`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer

from recapbench.cli.console import messages, print_json, print_plain, progress
from recapbench.cli.options import Json
from recapbench.doctor.examine import examine, healthy
from recapbench.doctor.finding import Finding
from recapbench.doctor.looks import parsed, serve
from recapbench.errors import EXIT_DONE, EXIT_FAILED
from recapbench.isolation import answers


def doctor(
    looks: Annotated[
        list[str] | None, typer.Option("--look", hidden=True, help="Look at this alone, here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at versions, devices, weights, data and methods; say what mends what is amiss."""
    if looks:
        with progress() as report, answers() as stream:
            serve([parsed(word) for word in looks], stream, report)
        return
    with progress() as report:
        found = examine(lambda stage, done, total: report("examining", done, total))
    if as_json:
        print_json({"healthy": healthy(found), "findings": [asdict(one) for one in found]})
    else:
        _print(found)
    raise typer.Exit(EXIT_DONE if healthy(found) else EXIT_FAILED)


def _print(found: list[Finding]) -> None:
    """A line for each finding, and below it the command that mends it."""
    for section, group in groupby(found, key=lambda finding: finding.section):
        findings = list(group)
        width = max(len(finding.name) for finding in findings)
        print_plain(section)
        for finding in findings:
            print_plain(f"  {finding.status:8} {finding.name:{width}}  {finding.detail}")
            if finding.mend:
                print_plain(f"  {'':8} {'':{width}}  $ {finding.mend}")
        print_plain("")
    messages.print(_counts(found))


def _counts(found: Iterable[Finding]) -> str:
    counts = Counter(finding.status for finding in found)
    return ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
