"""The metrics, one record each: the place to add a protocol.

A file holds a family. Networks, numba and scipy are imported when a value is asked for, so that
listing the metrics costs nothing.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from recapbench.errors import unknown
from recapbench.evaluation.base import KeypointMetric, NetworkMetric, PairedMetric, SetMetric
from recapbench.evaluation.metrics import perceptual, pixelwise, pose, sets, structural

AnyMetric: TypeAlias = PairedMetric | NetworkMetric | KeypointMetric | SetMetric

_RECORDS: Final[tuple[AnyMetric, ...]] = (
    *structural.RECORDS,
    *pixelwise.RECORDS,
    *perceptual.RECORDS,
    *pose.RECORDS,
    *sets.RECORDS,
)
METRICS: Final[dict[str, AnyMetric]] = {record.name: record for record in _RECORDS}
"""Every metric by name, in the order of a table's columns."""


def get_metric(name: str) -> AnyMetric:
    """The metric of this name; a UsageError suggests the nearest."""
    try:
        return METRICS[name]
    except KeyError:
        raise unknown("metric", name, METRICS) from None


def list_metrics() -> list[AnyMetric]:
    """Every metric, in the order of a table's columns."""
    return list(METRICS.values())
