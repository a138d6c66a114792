"""Look at every image once before anything is scored: what is wrong with it, what is odd.

A file that cannot be scored is an error here, with its name, before hours are spent on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recapbench.data.cache import available_cores
from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.evaluate import Progress
from recapbench.evaluation.images import load_image, lossy_format, read_rgb
from recapbench.evaluation.pairs import KeypointSource
from recapbench.evaluation.structural.padding import PATN_COLUMNS, PATN_SIZE
from recapbench.processes import Processes
from recapbench.provenance import sha256_ordered, sha256_pixels
from recapbench.scoring.joints import require_inside
from recapbench.scoring.task import Task

_MAX_THREADS = 4
_BLOCK = 256


@dataclass(frozen=True)
class Look:
    """What one pair looks like.

    Attributes:
        generated: digest of the pixels.
        target: digest of the pixels.
        size: rows and columns.
        lossy: the lossy format of the generated file, None for a lossless one.
        is_source: whether the generated image has the source's pixels; None if the source is not
            known.
        source_fits: whether the source has the target's size.
        strip_difference: largest difference of grey levels between the target in the strip and
            the real one, -1 if their sizes differ; None without such strips.
    """

    generated: str
    target: str
    size: tuple[int, int]
    lossy: str | None
    is_source: bool | None
    source_fits: bool
    strip_difference: int | None

    @property
    def is_target(self) -> bool:
        """Whether the generated image has the target's pixels."""
        return self.generated == self.target


@dataclass(frozen=True)
class Inspection:
    """What all pairs look like, in order."""

    looks: list[Look]

    @property
    def outputs(self) -> str:
        """Ordered digest of the generated images."""
        return sha256_ordered(look.generated for look in self.looks)

    @property
    def targets(self) -> str:
        """Ordered digest of the targets."""
        return sha256_ordered(look.target for look in self.looks)

    @property
    def sources_fit(self) -> bool:
        """Whether every source could stand in for its target."""
        return all(look.source_fits for look in self.looks)

    def notes(self) -> list[str]:
        """What a reader of the figures should know."""
        return [
            *_lossy_notes(self.looks),
            *_copy_notes(self.looks),
            *_strip_notes(self.looks),
            *_size_notes(self.looks),
        ]


def inspect(
    task: Task,
    *,
    allow_lossy: bool,
    progress: Progress,
    processes: Processes,
    threads: int | None = None,
) -> Inspection:
    """Read every pair; the processes share the work, and each gets all that was seen.

    Args:
        task: the pairs.
        allow_lossy: whether generated images may stand in lossy files.
        progress: told how far it is.
        processes: those that share the work.
        threads: by default the processors, at most 4.

    Raises:
        DataError: an image is missing, damaged, of another kind, lossy, or of another size than
            its target, or a joint lies outside; the file is named.
    """
    ours = processes.shard(len(task))

    def look(index: int) -> Look:
        return _look(task, index, allow_lossy)

    def all_of_ours() -> list[Look]:
        found: list[Look] = []
        with ThreadPoolExecutor(threads or min(_MAX_THREADS, available_cores())) as pool:
            for start in range(0, len(ours), _BLOCK):
                for seen in pool.map(look, ours[start : start + _BLOCK]):
                    found.append(seen)
                    progress("looking at images", len(found), len(ours))
        return found

    return Inspection([look for part in processes.together(all_of_ours) for look in part])


def _look(task: Task, index: int, allow_lossy: bool) -> Look:
    path = task.files[index]
    lossy = lossy_format(path)
    if lossy is not None and not allow_lossy:
        raise DataError(
            f"{path}: a generated image in {lossy} is not what the method made: compression "
            f"changes the figures. Save PNG; if this is all there is, say --allow-lossy, and the "
            f"record will say so"
        )
    source = task.generated[index]
    generated = read_rgb(source) if isinstance(source, Path) else load_image(source, str(path))
    target = load_image(task.targets[index], f"target of {path}")
    _check_sizes(generated, target, path)
    _check_joints(task.target_keypoints, index, target, f"target of {path.name}")
    _check_joints(task.generated_keypoints, index, generated, path.name)
    of = None if task.sources is None else load_image(task.sources[index], f"source of {path}")
    shown = None
    if task.strip_targets is not None:
        shown = load_image(task.strip_targets[index], f"target in {path}")
    return Look(
        generated=sha256_pixels(generated),
        target=sha256_pixels(target),
        size=(target.shape[0], target.shape[1]),
        lossy=lossy,
        is_source=None if of is None else np.array_equal(of, generated),
        source_fits=of is not None and of.shape == target.shape,
        strip_difference=None if shown is None else _difference(shown, target),
    )


def _check_sizes(generated: Image, target: Image, path: Path) -> None:
    if generated.shape == target.shape:
        return
    ours, theirs = ((image.shape[0], image.shape[1]) for image in (generated, target))
    whole = (PATN_SIZE[0], PATN_SIZE[1] + 2 * PATN_COLUMNS)
    hint = ""
    if {ours, theirs} == {PATN_SIZE, whole}:
        hint = (
            f"; PATN crops columns {PATN_COLUMNS} to {PATN_COLUMNS + PATN_SIZE[1] - 1} of "
            f"{whole[0]}x{whole[1]} images: both must be cropped or both whole"
        )
    raise DataError(
        f"{path}: the generated image has {_size(ours)}, its target {_size(theirs)}; expected one "
        f"size, and nothing is resized here{hint}"
    )


def _check_joints(
    joints: Sequence[KeypointSource] | None, index: int, image: Image, what: str
) -> None:
    """Make sure that the joints of a file lie in the image; a dataset's may leave it."""
    if joints is None:
        return
    found = joints[index]
    if not callable(found):
        require_inside(found, (image.shape[0], image.shape[1]), what)


def _difference(shown: Image, target: Image) -> int:
    if shown.shape != target.shape:
        return -1
    return int(np.abs(shown.astype(np.int16) - target).max())


def _lossy_notes(looks: list[Look]) -> list[str]:
    formats = sorted({look.lossy for look in looks if look.lossy is not None})
    count = sum(look.lossy is not None for look in looks)
    if not count:
        return []
    return [
        f"lossy: {count} of {len(looks)} generated images are {' or '.join(formats)} files; these "
        f"figures are not those of the method's own pixels"
    ]


def _copy_notes(looks: list[Look]) -> list[str]:
    n, notes = len(looks), []
    targets = sum(look.is_target for look in looks)
    sources = sum(look.is_source is True for look in looks)
    if targets == n:
        notes.append("every generated image is its target, pixel for pixel: these are no outputs")
    elif targets:
        notes.append(f"{targets} of {n} generated images are their target, pixel for pixel")
    if sources:
        notes.append(f"{sources} of {n} generated images are their source, pixel for pixel")
    return notes


def _strip_notes(looks: list[Look]) -> list[str]:
    differences = [d for look in looks if (d := look.strip_difference) is not None and d != 0]
    if not differences:
        return []
    other = sum(d < 0 for d in differences)
    sizes = f", {other} of them in size" if other else ""
    return [
        f"the target in the strip differs from the real one in {len(differences)} of "
        f"{len(looks)} strips{sizes}, by up to {max(differences)} grey levels: the strips were "
        f"compressed or resized, and so were the generated images; the real targets were scored"
    ]


def _size_notes(looks: list[Look]) -> list[str]:
    sizes = sorted({look.size for look in looks})
    if len(sizes) < 2:
        return []
    return [f"the pairs have {len(sizes)} sizes, from {_size(sizes[0])} to {_size(sizes[-1])}"]


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]} columns and {size[0]} rows"
