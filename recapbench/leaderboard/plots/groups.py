"""Pairs in groups: by parts, by distance of the poses, by view, by what the person wears.

A grouping takes the images of a split and some pairs, and gives for each group, in the order in
which they are shown, the places of its pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from recapbench.data.build import attributes
from recapbench.data.manifest import Pair
from recapbench.data.parsing import LIP_LABELS, MARKET_LABELS
from recapbench.data.pose_distance import MIN_JOINTS, pose_distance
from recapbench.data.split import Split
from recapbench.errors import DataError

Places = Mapping[str, list[int]]

BINS: Final = 5
SHARE: Final = 0.001
"""A part is there if it has at least this share of an image's pixels."""
_VIEWS: Final = ((30.0, "front"), (70.0, "three-quarter"), (110.0, "side"), (180.0, "back"))
_TURNS: Final = (
    (30.0, "0 to 30°"),
    (60.0, "30 to 60°"),
    (90.0, "60 to 90°"),
    (135.0, "90 to 135°"),
)
_LAST_TURN: Final = "135 to 180°"


@dataclass(frozen=True)
class Grouping:
    """A way to put pairs in groups.

    Attributes:
        name: as in ``--by``.
        what: what the groups are, in a sentence for a caption.
        places: (split, pairs) -> places of the pairs of each group.
    """

    name: str
    what: str
    places: Callable[[Split, Sequence[Pair]], Places]


def _by_part(split: Split, pairs: Sequence[Pair]) -> Places:
    if not split.has_parsing:
        raise DataError(
            f"{split.record.name} {split.name!r} has no label maps, which --by part needs"
        )
    titles = LIP_LABELS if split.record.parts == len(LIP_LABELS) else MARKET_LABELS
    shown = {name: _parts(split, name) for name in {pair.target for pair in pairs}}
    return {
        title: [place for place, pair in enumerate(pairs) if part in shown[pair.target]]
        for part, title in enumerate(titles)
        if part != 0
    }


def _parts(split: Split, name: str) -> set[int]:
    """The parts that an image shows."""
    labels = split.labels(name)
    counts = np.bincount(labels.ravel(), minlength=split.record.parts)
    return set(np.flatnonzero(counts >= SHARE * labels.size).tolist())


def _by_pose_distance(split: Split, pairs: Sequence[Pair]) -> Places:
    places, distances = [], []
    for place, pair in enumerate(pairs):
        poses = [split.keypoints[split.position(name)] for name in pair]
        distance = pose_distance(*poses)
        if distance is not None:
            places.append(place)
            distances.append(distance)
    return binned(places, distances, BINS, "torsos")


def binned(places: Sequence[int], values: Sequence[float], count: int, unit: str) -> Places:
    """Places in bins of about equally many, by their values; a title is the bin's range.

    Equal values are never in two bins, so that there may be fewer.
    """
    if not places:
        return {}
    edges = np.unique(np.quantile(values, np.linspace(0, 1, count + 1)))
    if len(edges) == 1:
        return {f"{edges[0]:.2f} {unit}": list(places)}
    number = np.searchsorted(edges[1:-1], values, side="right")
    return {
        f"{edges[one]:.2f} to {edges[one + 1]:.2f} {unit}": [
            place for place, of in zip(places, number, strict=True) if of == one
        ]
        for one in range(len(edges) - 1)
    }


def _by_view(split: Split, pairs: Sequence[Pair]) -> Places:
    yaws = _yaws(split, pairs)
    return _named([view_name(yaws[pair.target]) for pair in pairs], [name for _, name in _VIEWS])


def _by_turn(split: Split, pairs: Sequence[Pair]) -> Places:
    yaws = _yaws(split, pairs)
    titles = [turn_name(yaws[pair.source], yaws[pair.target]) for pair in pairs]
    return _named(titles, [*(name for _, name in _TURNS), _LAST_TURN])


def view_name(yaw: float) -> str:
    """Which side of a person is seen at an angle in degrees; 0 is the front, 180 the back."""
    return next(name for limit, name in _VIEWS if _turn(0.0, yaw) <= limit)


def turn_name(source: float, target: float) -> str:
    """How far a person has turned between two angles in degrees, one way or the other."""
    turn = _turn(source, target)
    return next((name for limit, name in _TURNS if turn < limit), _LAST_TURN)


def _turn(first: float, second: float) -> float:
    """Degrees between two angles, 0 to 180."""
    return abs((second - first + 180.0) % 360.0 - 180.0)


def _by_garment(split: Split, pairs: Sequence[Pair]) -> Places:
    worn = _facts(split, pairs, lambda facts: [one["kind"] for one in facts["outfit"]["garments"]])
    kinds = dict.fromkeys(kind for pair in pairs for kind in worn[pair.target])
    return {
        kind: [place for place, pair in enumerate(pairs) if kind in worn[pair.target]]
        for kind in sorted(kinds)
    }


def _by_pattern(split: Split, pairs: Sequence[Pair]) -> Places:
    first = _facts(split, pairs, lambda facts: facts["outfit"]["garments"][0]["pattern"])
    titles = [first[pair.target] for pair in pairs]
    return _named(titles, sorted(set(titles)))


def _named(titles: Sequence[str], order: Sequence[str]) -> Places:
    return {title: [place for place, own in enumerate(titles) if own == title] for title in order}


def _yaws(split: Split, pairs: Sequence[Pair]) -> dict[str, float]:
    return _facts(split, pairs, lambda facts: float(facts["view"]["yaw"]))


def _facts(
    split: Split, pairs: Sequence[Pair], read: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """What the renderer has noted of each image of some pairs."""
    if not split.record.presets:
        raise DataError(
            f"nothing is noted of the images of {split.record.name} besides joints and parts: "
            f"group by part or pose_distance"
        )
    return {name: read(attributes(split, name)) for name in {one for pair in pairs for one in pair}}


GROUPINGS: Final = {
    grouping.name: grouping
    for grouping in (
        Grouping(
            "part",
            f"Groups: pairs whose target shows the part on at least {SHARE:.1%} of its pixels; "
            f"a pair is in several",
            _by_part,
        ),
        Grouping(
            "pose_distance",
            f"Groups: mean distance of the joints of source and target that are inside both "
            f"images, in torso lengths; bins of about equally many pairs. Pairs with fewer than "
            f"{MIN_JOINTS} common joints or without a torso are in none",
            _by_pose_distance,
        ),
        Grouping(
            "view",
            "Groups: which side the target shows (front up to 30°, three-quarter to 70°, side to "
            "110°, back)",
            _by_view,
        ),
        Grouping("turn", "Groups: how far the person turns from source to target", _by_turn),
        Grouping("garment", "Groups: what the person wears; a pair is in several", _by_garment),
        Grouping("pattern", "Groups: pattern of the main garment", _by_pattern),
    )
}
"""By name."""
