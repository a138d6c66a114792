"""The errors that a user may meet, each with the exit code of the command line.

Exit codes: 0 done, 1 failed, 2 usage, 3 bad data, 4 partial, 130 interrupted. A message says what
was expected, what came, and where.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from pydantic import ValidationError

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DATA: Final = 3
EXIT_PARTIAL: Final = 4
EXIT_INTERRUPTED: Final = 130


class RecapbenchError(Exception):
    """Something could not be done; the message is for the user."""

    exit_code: ClassVar[int] = EXIT_FAILED
    everywhere: bool = False
    """Whether every process of a launch raises it, so that the first alone need tell."""


class UsageError(RecapbenchError):
    """An unknown name, option or configuration key, or a value that makes no sense."""

    exit_code = EXIT_USAGE


class DataError(RecapbenchError):
    """A file that is missing, damaged, or not what its record says."""

    exit_code = EXIT_DATA


class StorageError(RecapbenchError):
    """A folder that cannot be written: full, read-only, or not a folder."""


class MissingWeightsError(RecapbenchError):
    """Weights that are neither shipped, cached nor given."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """A usage error for a name that is not registered, with what may have been meant.

    That is every known name of its family, ``name.something``, or else the nearest known one.
    """
    names = sorted(known)
    family = [one for one in names if one.startswith(f"{name}.")]
    near = family or get_close_matches(name, names, n=1)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return UsageError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}")


def what_is_wrong(error: ValidationError, most: int = 3) -> str:
    """The first things that pydantic found wrong, on one line: where, what, and what it got.

    Args:
        error: what a model raised.
        most: how many are named; the others are counted.
    """
    found = error.errors()
    lines = []
    for item in found[:most]:
        place = ".".join(map(str, item["loc"]))
        got = "" if item["type"] == "missing" else f" (got {reprlib.repr(item['input'])})"
        lines.append(f"{place}: {item['msg']}{got}" if place else f"{item['msg']}{got}")
    more = f"; and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(lines) + more
