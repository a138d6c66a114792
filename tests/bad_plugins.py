"""Two distributions of bad plugins, laid out in a folder as an installer would lay them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

BAD: Final[Mapping[str, str]] = {
    "bad_import": "recapbench_bad.at_import:Import",
    "bad_load": "recapbench_bad.raising:Load",
    "bad_generate": "recapbench_bad.raising:Generate",
    "bad_nan": "recapbench_bad.returning:Nan",
    "bad_shape": "recapbench_bad.returning:Shape",
    "bad_dtype": "recapbench_bad.returning:Dtype",
    "bad_range": "recapbench_bad.returning:Range",
    "bad_mutate": "recapbench_bad.returning:Mutate",
    "bad_hang": "recapbench_bad.returning:Hang",
    "bad_exit": "recapbench_bad.raising:Exit",
    "bad_shared": "recapbench_bad.returning:Shared",
}
"""The kinds of bad plugin, of the distribution ``recapbench-bad 1.0``."""

WORSE: Final[Mapping[str, str]] = {
    "bad_exit_import": "recapbench_bad.exits_at_import:Exit",
    "bad_hard_exit": "recapbench_bad.raising:HardExit",
}
"""Two more of the same distribution, which end the process harder."""

TWIN: Final[Mapping[str, str]] = {"bad_shared": "recapbench_bad.raising:Generate"}
"""Of the distribution ``recapbench-twin 2.0``: a name that the other one has."""


def install_bad_plugins(site: Path) -> Path:
    """Put the package and both distributions into a folder; with it on ``PYTHONPATH``, or first in
    ``sys.path``, their entry points are found.
    """
    package = Path(__file__).parent / "unit/plugins/bad/recapbench_bad"
    shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    add_distribution(site, "recapbench-bad", "1.0", {**BAD, **WORSE})
    add_distribution(site, "recapbench-twin", "2.0", TWIN)
    return site


def add_distribution(site: Path, name: str, version: str, methods: Mapping[str, str]) -> None:
    """The records of a distribution that registers methods, by name."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = ["[recapbench.methods]", *(f"{key} = {value}" for key, value in methods.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
