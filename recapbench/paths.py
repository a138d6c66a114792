"""Where things lie: the user's cache, and the files that come with the package."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import platformdirs

from recapbench.errors import DataError


def home() -> Path:
    """Folder of caches and weights: ``RECAPBENCH_HOME``, or the user's cache folder."""
    given = os.environ.get("RECAPBENCH_HOME")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("recapbench"))


def offline() -> bool:
    """Whether ``RECAPBENCH_OFFLINE`` forbids the network."""
    return os.environ.get("RECAPBENCH_OFFLINE", "") not in ("", "0")


def shipped(kind: str) -> Path:
    """Folder of shipped ``manifests`` or ``leaderboards``.

    In a wheel they lie inside the package, in a checkout at its top; the working directory never
    matters.
    """
    package = Path(str(resources.files("recapbench")))
    for candidate in (package / kind, package.parent / kind):
        if candidate.is_dir():
            return candidate
    raise DataError(f"the installation has no {kind!r} folder: expected it in {package}")
