"""Methods and pose estimators: whether each can be had, and its weights. Imports plugins: called
in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from recapbench import registry
from recapbench.data.datasets import DatasetRecord
from recapbench.data.ingest.records import DEEPFASHION, MARKET1501
from recapbench.doctor.finding import ESTIMATORS, METHODS, Finding
from recapbench.mannequin.dataset import MANNEQUIN, MANNEQUIN_STREET
from recapbench.methods.base import Method
from recapbench.methods.contract import shipped_weights
from recapbench.methods.find import find_method, image_spec

OURS: Final = (MANNEQUIN, MANNEQUIN_STREET, DEEPFASHION, MARKET1501)
"""The data sets that weights are looked for."""


def method(name: str) -> Iterator[Finding]:
    """A registered method: imported, held to what it must declare, and its weights found."""
    cls = find_method(name)
    origin = registry.find(registry.METHODS, name).distribution
    if not cls.needs_weights:
        yield Finding(METHODS, name, "ok", f"{origin}, needs no weights")
        return
    shipped = [record.name for record in OURS if _has_weights(cls, record)]
    if shipped:
        yield Finding(METHODS, name, "ok", f"{origin}, weights for {', '.join(shipped)}")
    else:
        mend = f"recapbench train --method {name} --dataset {MANNEQUIN.name} --out DIR"
        yield Finding(METHODS, name, "missing", f"{origin}, comes without weights", mend)


def _has_weights(cls: type[Method[Any]], record: DatasetRecord) -> bool:
    path = shipped_weights(cls, record.name, image_spec(record), None)
    return path is not None and path.is_file()


def pose_estimator(name: str) -> Iterator[Finding]:
    """A registered pose estimator: imported."""
    plugin = registry.find(registry.POSE_ESTIMATORS, name)
    plugin.load()
    yield Finding(ESTIMATORS, name, "ok", plugin.distribution)
