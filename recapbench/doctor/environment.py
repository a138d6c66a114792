"""Python, the system, and this package."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.specifiers import SpecifierSet

from recapbench.doctor.finding import ENVIRONMENT, Finding

PACKAGE = "recapbench"


def python() -> Iterator[Finding]:
    """The interpreter, against the versions that this package allows."""
    version = platform.python_version()
    wanted = metadata.metadata(PACKAGE)["Requires-Python"]
    detail = f"{version}, {sys.executable}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        yield Finding(ENVIRONMENT, "python", "ok", detail)
    else:
        yield Finding(ENVIRONMENT, "python", "broken", f"{detail}; expected {wanted}")


def system() -> Iterator[Finding]:
    """The operating system; several commands need one with process groups."""
    detail = platform.platform()
    if os.name == "posix":
        yield Finding(ENVIRONMENT, "system", "ok", detail)
    else:
        lacking = "`check` and comparing several methods need a POSIX system"
        yield Finding(ENVIRONMENT, "system", "warning", f"{detail}: {lacking}")


def package() -> Iterator[Finding]:
    """This package: its version, where it lies, and the commit of a checkout."""
    from recapbench.provenance import source_commit

    try:
        found = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        detail = "not installed: its methods and data sets are not registered"
        yield Finding(ENVIRONMENT, PACKAGE, "broken", detail, "pip install -e .")
        return
    words = [found.version, _editable(found.read_text("direct_url.json"))]
    if commit := source_commit():
        words.append(f"commit {commit[:12]}")
    yield Finding(ENVIRONMENT, PACKAGE, "ok", ", ".join(word for word in words if word))


def _editable(text: str | None) -> str:
    """The folder of an editable install, from what pip wrote of it; empty for any other."""
    record = json.loads(text or "{}")
    if not record.get("dir_info", {}).get("editable"):
        return ""
    return f"editable in {url2pathname(urlsplit(record['url']).path)}"
