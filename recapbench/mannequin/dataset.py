"""The built-in sets: rendered on the user's machine when first asked for.

``mannequin`` shows clothed adults in a studio at 256x256 with LIP's 20 labels; ``mannequin_street``
shows them before cluttered streets at 128x64 with the 7 merged parts. Persons never cross splits.
Besides ``train`` and ``test`` there are two splits of exact edits of the test persons, which list
their own pairs: ``figure_pairs`` (same person, pose and outfit; another figure) and
``outfit_pairs`` (same person and pose; another garment).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from recapbench import paths
from recapbench.data.build import SCHEMA, Group, Item, Plan, open_split
from recapbench.data.datasets import DatasetRecord
from recapbench.data.manifest import Pair
from recapbench.data.parsing import LIP_LABELS, to_market
from recapbench.data.split import Progress, Split
from recapbench.provenance import sha256_file, sha256_json


@dataclass(frozen=True)
class Preset:
    """How large a set is: persons to train and to test on, and images of each."""

    train: int
    test: int
    images: int


PRESETS: Final[dict[str, Preset]] = {
    "tiny": Preset(train=4, test=2, images=4),
    "small": Preset(train=100, test=25, images=20),
    "full": Preset(train=2375, test=125, images=20),
}

NAMING: Final = 1
"""Raised whenever images, persons or folders are named otherwise."""

EDITS: Final = ("figure_pairs", "outfit_pairs")
"""Splits of edits; their pairs are before and after."""

MANNEQUIN: Final = DatasetRecord(
    name="mannequin",
    title="Rendered persons in a studio, 256x256, 20 parts (like DeepFashion)",
    image_size=(256, 256),
    parts=20,
    settings="deepfashion",
    splits=("train", "test", *EDITS),
    licence="CC0-1.0",
    loader="recapbench.mannequin.dataset:open_set",
    presets=tuple(PRESETS),
    default_preset="small",
)

MANNEQUIN_STREET: Final = DatasetRecord(
    name="mannequin_street",
    title="Rendered persons in the street, 128x64, 7 parts (like Market-1501)",
    image_size=(128, 64),
    parts=7,
    settings="market1501",
    splits=("train", "test", *EDITS),
    licence="CC0-1.0",
    loader="recapbench.mannequin.dataset:open_set",
    presets=tuple(PRESETS),
    default_preset="small",
)


@dataclass(frozen=True)
class Renderer:
    """What draws the pictures. All callables must be picklable by name.

    Attributes:
        shots: ``(set_name, number, split, count)`` to the shots of one person.
        render: ``(identity, pose, view, figure, outfit, size)`` to a rendering.
        edits: by split, ``(set_name, numbers)`` to pairs of shots, before and after.
        version: changes whenever any pixel, label or joint would.
    """

    shots: Callable[[str, int, str, int], Sequence[Any]]
    render: Callable[..., Any]
    edits: dict[str, Callable[[str, Sequence[int]], Sequence[Any]]]
    version: str


@cache
def built_in_renderer() -> Renderer:
    """The renderer of this package; imported when a split is opened."""
    from recapbench.mannequin import body, plan, render

    return Renderer(
        shots=plan.shots,
        render=render.render,
        edits={"figure_pairs": plan.figure_pairs, "outfit_pairs": plan.outfit_pairs},
        version=sha256_json([render.RENDERER_VERSION, body.asset_digest(), _sources()]),
    )


def _sources() -> dict[str, str]:
    """Digest of every module that draws: a changed line must never meet pictures of the old one."""
    folder = Path(__file__).parent
    return {
        path.name: sha256_file(path)
        for path in sorted(folder.glob("*.py"))
        if path.name != Path(__file__).name
    }


def open_set(
    record: DatasetRecord,
    split: str,
    preset: str,
    progress: Progress | None = None,
    workers: int | None = None,
    verify: bool = False,
    renderer: Callable[[], Renderer] = built_in_renderer,
) -> Split:
    """A split of a built-in set, rendered first if it is not in the cache.

    Args:
        record: ``MANNEQUIN`` or ``MANNEQUIN_STREET``.
        split: name of the split.
        preset: key of ``PRESETS``.
        progress: called with how many persons are done.
        workers: processes; all cores by default.
        verify: read every file and render damaged persons again.
        renderer: what draws the pictures.

    Raises:
        StorageError: if the cache cannot be written.
    """
    drawing = renderer()
    size = PRESETS[preset]
    root = _folder(record, preset, drawing.version) / split
    content = _edits if split in EDITS else _persons
    repair = (
        f"Run `recapbench data prepare {record.name} --split {split} --preset {preset}`, or "
        f"delete the folder {root}: what is missing is rendered again."
    )
    plan = Plan(record, split, root, partial(content, record, split, size, drawing), repair)
    return open_split(plan, progress, workers, verify)


def set_folder(record: DatasetRecord, preset: str) -> Path:
    """Where the splits of a built-in set lie once they are rendered."""
    return _folder(record, preset, built_in_renderer().version)


def _folder(record: DatasetRecord, preset: str, version: str) -> Path:
    """Another folder for whatever would make another picture."""
    size = PRESETS[preset]
    key = sha256_json([SCHEMA, NAMING, version, size.train, size.test, size.images])[:12]
    return paths.home() / "datasets" / record.name / f"{preset}-{key}"


def _prefix(record: DatasetRecord) -> str:
    """What sets the names of the two sets apart, so that equal rows never mean other images."""
    return "street_" if record.name == MANNEQUIN_STREET.name else ""


def _persons(
    record: DatasetRecord, split: str, size: Preset, drawing: Renderer
) -> tuple[tuple[Group, ...], tuple[Pair, ...]]:
    """One group per person of an ordinary split, which lists no pairs."""
    persons = size.train if split == "train" else size.test
    groups = tuple(
        Group(
            f"{_prefix(record)}{split}_{number:04d}",
            _draw_person,
            (drawing, record, split, number, size.images),
        )
        for number in range(persons)
    )
    return groups, ()


def _draw_person(
    drawing: Renderer, record: DatasetRecord, split: str, number: int, images: int
) -> Iterator[Item]:
    """Every image of one person."""
    person = f"{_prefix(record)}{split}_{number:04d}"
    for place, shot in enumerate(drawing.shots(record.name, number, split, images)):
        yield _draw(drawing, record, f"{person}_{place:02d}.png", shot)


def _edits(
    record: DatasetRecord, split: str, size: Preset, drawing: Renderer
) -> tuple[tuple[Group, ...], tuple[Pair, ...]]:
    """One group and one pair per edit of a test person."""
    kind = _prefix(record) + split.removesuffix("_pairs")
    make = partial(_draw_edit, drawing, record, kind)
    edits = drawing.edits[split](record.name, range(size.test))
    groups = tuple(
        Group(f"{kind}_{place:04d}", make, (place, edit)) for place, edit in enumerate(edits)
    )
    pairs = tuple(Pair(f"{group.name}_before.png", f"{group.name}_after.png") for group in groups)
    return groups, pairs


def _draw_edit(
    drawing: Renderer, record: DatasetRecord, kind: str, place: int, edit: Sequence[Any]
) -> Iterator[Item]:
    """The two images of one edit."""
    for side, shot in zip(("before", "after"), edit, strict=True):
        yield _draw(drawing, record, f"{kind}_{place:04d}_{side}.png", shot)


def _draw(drawing: Renderer, record: DatasetRecord, name: str, shot: Any) -> Item:
    """One image with the labels of its set's parts."""
    drawn = drawing.render(
        shot.identity, shot.pose, shot.view, shot.figure, shot.outfit, record.image_size
    )
    labels = drawn.labels if record.parts == len(LIP_LABELS) else to_market(drawn.labels)
    attributes = {
        part: getattr(shot, part).attributes()
        for part in ("identity", "pose", "view", "figure", "outfit")
    }
    return Item(name, drawn.image, labels, drawn.keypoints, attributes)
