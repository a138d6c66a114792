"""What to draw: persons, outfits and shots of a set, as pure functions of names and numbers.

Two sets exist: ``mannequin`` (studio, 256x256) and ``mannequin_street`` (128x64). A person is a
pure function of (set, split, number); a train and a test person never meet. Eight base
poses and three patterns appear in the test split only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from recapbench.mannequin.camera import STREET, STUDIO, View
from recapbench.mannequin.identity import (
    FATTER,
    NEUTRAL,
    THINNER,
    Figure,
    Identity,
    Jsonable,
    draw_identity,
)
from recapbench.mannequin.outfit import Outfit, Tailor, draw_outfit, is_woman
from recapbench.mannequin.poses import (
    BASE_POSES,
    STREET_POSES,
    TEST_POSES,
    Pose,
    jittered_pose,
)
from recapbench.mannequin.streams import Stream

STUDIO_SET, STREET_SET = "mannequin", "mannequin_street"
SIZES: dict[str, tuple[int, int]] = {STUDIO_SET: (256, 256), STREET_SET: (128, 64)}
"""Height and width of the pictures of each set."""
SPLITS = ("train", "test")
STREET_YAWS = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
_STUDIO_YAWS = (
    0,
    0,
    -35,
    35,
    20,
    -20,
    55,
    -55,
    0,
    30,
    90,
    -90,
    180,
    145,
    -145,
    0,
    -40,
    110,
    -110,
    180,
)
_UPPER_OF_20 = 7


@dataclasses.dataclass(frozen=True)
class Shot(Jsonable):
    """One picture to draw: the arguments of ``render.render`` and its ``index`` in the shoot."""

    identity: Identity
    index: int
    pose: Pose
    view: View
    figure: Figure
    outfit: Outfit

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return SIZES[self.identity.set_name]


def _check(set_name: str, split: str, number: int) -> None:
    if set_name not in SIZES:
        raise ValueError(f"unknown set {set_name!r}; known: {', '.join(SIZES)}")
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    if number < 0:
        raise ValueError(f"a person's number must not be negative, got {number}")


def identity(set_name: str, number: int, split: str = "train") -> Identity:
    """The person with a number."""
    _check(set_name, split, number)
    return draw_identity(set_name, split, number, is_woman(set_name, split, number))


def outfit(set_name: str, number: int, split: str = "train") -> Outfit:
    """The clothes of the person with a number."""
    return draw_outfit(identity(set_name, number, split))


def _pose_names(set_name: str, split: str, stream: Stream, count: int) -> list[str]:
    """``count`` pose names without repeats while they last; in the studio test split about a
    third of them held out."""
    if set_name == STREET_SET:
        pool = list(STREET_POSES)
        return [stream.choice(pool) for _ in range(count)]
    usual = stream.shuffled(list(BASE_POSES))
    while len(usual) < count:
        usual += stream.shuffled(list(BASE_POSES))
    if split == "train":
        return usual[:count]
    later = stream.shuffled(list(TEST_POSES))
    held_out = (later * (1 + count // len(later)))[: (count + 2) // 3]
    return stream.shuffled(held_out + usual[: count - len(held_out)])


def _studio_views(stream: Stream, count: int) -> list[View]:
    yaws: list[float] = []
    uppers: list[bool] = []
    while len(yaws) < count:
        yaws += [float(y) for y in stream.shuffled(_STUDIO_YAWS)]
        uppers += stream.shuffled([i < _UPPER_OF_20 for i in range(20)])
    views = []
    for yaw, upper in zip(yaws[:count], uppers[:count], strict=True):
        views.append(
            View(
                yaw=round(yaw + stream.uniform(-10.0, 10.0), 2),
                elevation=round(stream.uniform(2.0, 8.0), 2),
                distance=round(stream.uniform(44.0, 54.0), 2),
                framing="upper" if upper else "full",
                fill=round(stream.uniform(0.86, 0.93), 4),
                shift=round(stream.uniform(-0.02, 0.02), 4),
                scene=STUDIO,
            )
        )
    return views


def _street_views(stream: Stream, count: int) -> list[View]:
    yaws: list[float] = []
    while len(yaws) < count:
        yaws += stream.shuffled(STREET_YAWS)
    views = []
    for yaw in yaws[:count]:
        red, green, blue = (1.0 + 0.06 * stream.uniform(-1.0, 1.0) for _ in range(3))
        level = stream.uniform(0.82, 1.1)
        views.append(
            View(
                yaw=round(yaw + stream.uniform(-12.0, 12.0), 2),
                elevation=round(stream.uniform(4.0, 14.0), 2),
                distance=round(stream.uniform(50.0, 70.0), 2),
                framing="full",
                fill=round(stream.uniform(0.86, 0.94), 4),
                shift=round(stream.uniform(-0.03, 0.03), 4),
                scene=STREET,
                background_seed=stream.integers(0, 2**31),
                gain=(round(red * level, 4), round(green * level, 4), round(blue * level, 4)),
                noise=round(stream.uniform(0.008, 0.02), 4),
            )
        )
    return views


def shots(set_name: str, number: int, split: str, count: int = 20) -> list[Shot]:
    """The pictures of one person: ``count`` poses and views, one outfit."""
    person = identity(set_name, number, split)
    clothes = draw_outfit(person)

    def stream(part: str) -> Stream:
        return Stream(set_name, split, part, number)

    camera = stream("camera")
    views = (_street_views if set_name == STREET_SET else _studio_views)(camera, count)
    poses = stream("pose")
    made = []
    names = _pose_names(set_name, split, poses, count)
    for index, (name, view) in enumerate(zip(names, views, strict=True)):
        pose = jittered_pose(name, poses, mirror=poses.chance(0.5))
        made.append(Shot(person, index, pose, view, NEUTRAL, clothes))
    return made


def _editing_shot(set_name: str, number: int) -> Shot:
    """A frontal or three-quarter full-body test shot, the start of an editing pair."""
    candidates = shots(set_name, number, "test")
    front = [s for s in candidates if abs(s.view.yaw) < 50.0 and s.view.framing == "full"]
    return (front or candidates)[0]


def figure_pairs(set_name: str, numbers: Iterable[int]) -> list[tuple[Shot, Shot]]:
    """Pairs of test shots that differ in the figure only: even numbers grow fatter, odd thinner."""
    pairs = []
    for number in numbers:
        before = _editing_shot(set_name, number)
        figure = FATTER if number % 2 == 0 else THINNER
        pairs.append((before, dataclasses.replace(before, figure=figure)))
    return pairs


def outfit_pairs(set_name: str, numbers: Iterable[int]) -> list[tuple[Shot, Shot]]:
    """Pairs of test shots that differ in one garment: the coat, else top, dress or jumpsuit."""
    pairs = []
    for number in numbers:
        before = _editing_shot(set_name, number)
        tailor = Tailor(before.identity)
        worn = before.outfit
        top = worn.find("top")
        if worn.find("coat") is not None:
            other = tailor.coat(variant=1)
        elif top is not None:
            other = tailor.top(bool(top.measure("tucked")), variant=1)
        elif worn.find("dress") is not None:
            other = tailor.dress(variant=1)
        else:
            other = tailor.jumpsuit(variant=1)
        pairs.append((before, dataclasses.replace(before, outfit=worn.replaced(other))))
    return pairs
