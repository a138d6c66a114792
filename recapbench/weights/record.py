"""What is known of one file of weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weights:
    """One file of weights.

    Attributes:
        name: the name that other records refer to.
        title: what it is, in a line.
        file_name: its name in the cache.
        sha256: digest of the file, whole or as many leading digits as are known.
        licence: terms under which it is published.
        url: where it can be downloaded; None if it only comes in a package.
        package: import name of a package that carries it; None if there is none.
        package_file: its path inside that package.
        note: what a reader of the file must know.
    """

    name: str
    title: str
    file_name: str
    sha256: str
    licence: str
    url: str | None = None
    package: str | None = None
    package_file: str = ""
    note: str = ""
