"""What a folder of generated images is scored against: the pairs, and where each part comes from.

There are four ways to say it: a folder of targets with the same names, a manifest and a folder of
images, a dataset that can be opened, or strips that hold the targets themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from recapbench.data.annotations import open_annotations
from recapbench.data.datasets import find_dataset
from recapbench.data.manifest import (
    Manifest,
    Pair,
    header_path,
    read_manifest,
    read_rows,
)
from recapbench.data.names import DATASETS_WITH_NAMES, knows_names, parse_name
from recapbench.data.selection import select_manifest
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.evaluate import Progress
from recapbench.evaluation.images import ImageSource
from recapbench.evaluation.pairs import KeypointSource, MaskSource
from recapbench.provenance import sha256_ordered
from recapbench.scoring.folder import (
    ImageFolder,
    NamedImages,
    NameTemplate,
    match_names,
    match_pairs,
    some,
)
from recapbench.scoring.joints import pick_joints
from recapbench.scoring.strips import StripLayout, StripReader

BY_NAME: Final = "by_name"
"""Protocol of pairs that are files of the same name, in order of the names."""
UNKNOWN: Final = "unknown"
"""Protocol of a list of pairs that came without a header."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where the images are.

    Attributes:
        generated: folder of generated images, or of strips.
        targets: folder of targets of the same names.
        manifest: pairs; with the names of ``images``, or of ``dataset``.
        images: folder of the images that the manifest names.
        dataset: a registered dataset: opened, unless ``images`` is given; then it only says whose
            names a bare list holds.
        split: of the dataset.
        preset: of the dataset.
        keypoints: file of the targets' joints.
        generated_keypoints: file of joints found in the generated images.
        template: how generated files are named.
        strips: the panels of a generated file.
        limit: only the first pairs.
    """

    generated: Path
    targets: Path | None = None
    manifest: Path | None = None
    images: Path | None = None
    dataset: str | None = None
    split: str | None = None
    preset: str | None = None
    keypoints: Path | None = None
    generated_keypoints: Path | None = None
    template: str | None = None
    strips: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class DatasetFacts:
    """Whose images they are, as far as that is known; digests where the set was opened."""

    name: str
    split: str
    preset: str | None = None
    images: str | None = None
    annotations: str | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """Pairs to be scored, in order.

    Attributes:
        protocol: how the pairs were made, as a manifest says it.
        sha256: digest of the pairs.
        listed: how many pairs there are, with those that are not to be scored.
        pairs: names of source and target of each; None where files were paired by their name.
        manifest: the file of pairs, if the user gave one.
        dataset: whose images they are, if that is known.
        files: the generated files.
        generated: the generated images: the files, or panels of them.
        targets: the targets.
        sources: the sources, None if they are not known.
        strip_targets: the targets as strips show them, where the real ones are known too.
        target_keypoints: joints of the targets, None if they are not known.
        source_keypoints: joints of the sources.
        generated_keypoints: joints that somebody found in the generated images.
        masks: kind -> pose masks of the targets, where they are stored.
        identities: the person of each pair, None if nobody can tell.
        notes: what a reader of the figures should know.
    """

    protocol: str
    sha256: str
    listed: int
    pairs: tuple[Pair, ...] | None = None
    manifest: Path | None = None
    dataset: DatasetFacts | None = None
    files: list[Path]
    generated: Sequence[ImageSource]
    targets: Sequence[ImageSource]
    sources: Sequence[ImageSource] | None = None
    strip_targets: Sequence[ImageSource] | None = None
    target_keypoints: Sequence[KeypointSource] | None = None
    source_keypoints: Sequence[KeypointSource] | None = None
    generated_keypoints: Sequence[KeypointSource] | None = None
    masks: dict[str, Sequence[MaskSource]] = field(default_factory=dict)
    identities: Sequence[str] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.files)


def open_task(inputs: Inputs, report: Progress) -> Task:
    """Find the images of every pair.

    Raises:
        UsageError: if the inputs do not say what to score against, or say it twice.
        DataError: if files are missing, superfluous or malformed.
    """
    layout = StripLayout.parse(inputs.strips) if inputs.strips is not None else None
    _check(inputs, layout)
    folder = ImageFolder.open(inputs.generated)
    if inputs.manifest is None and inputs.dataset is None:
        task = _by_name(inputs, folder)
    elif inputs.dataset is None or inputs.images is not None:
        task = _by_manifest(inputs, folder)
    else:
        task = _by_dataset(inputs, inputs.dataset, folder, report)
    if layout is not None:
        task = _cut(task, layout)
    if inputs.generated_keypoints is not None:
        names = [path.name for path in task.files]
        task = replace(task, generated_keypoints=pick_joints(inputs.generated_keypoints, names))
    return _noted(task, folder)


def _check(inputs: Inputs, layout: StripLayout | None) -> None:
    """Refuse what cannot be meant before a file is read."""
    if inputs.targets is not None:
        for name in ("manifest", "images", "dataset", "split", "preset", "template"):
            if getattr(inputs, name) is not None:
                option = "name" if name == "template" else name
                raise UsageError(f"--targets pairs files by name: --{option} does not go with it")
        return
    if inputs.images is not None and inputs.manifest is None:
        raise UsageError("--images needs --manifest FILE, which says which of them are pairs")
    if inputs.manifest is None and inputs.dataset is None:
        if layout is not None and layout.has("target"):
            return
        raise UsageError(
            "expected --targets DIR, --manifest FILE with --images DIR, or --dataset D: what are "
            "the images to be compared with?"
        )
    if inputs.images is None and inputs.dataset is not None and inputs.keypoints is not None:
        raise UsageError(f"--keypoints: {inputs.dataset} comes with its joints")
    shown = layout is not None and layout.has("target")
    if inputs.images is None and inputs.dataset is None and not shown:
        raise UsageError("--manifest needs --images DIR, the folder of the images that it names")
    if inputs.images is not None or inputs.dataset is None:
        for name in ("split", "preset"):
            if getattr(inputs, name) is not None:
                raise UsageError(f"--{name} belongs to a --dataset that is opened")


def _by_name(inputs: Inputs, folder: ImageFolder) -> Task:
    """Files of one name in both folders; without targets, the strips have them."""
    targets: list[Path] = []
    stems = list(folder.files)
    if inputs.targets is not None:
        real = ImageFolder.open(inputs.targets)
        stems = match_names(folder, real)
        targets = [real.files[stem] for stem in stems]
    total = len(stems)
    stems = stems[: inputs.limit]
    files = [folder.files[stem] for stem in stems]
    targets = targets[: inputs.limit]
    names = [path.name for path in targets or files]
    identities, note = _persons(names, None)
    return Task(
        protocol=BY_NAME if len(stems) == total else f"{BY_NAME}[:{len(stems)}]",
        sha256=sha256_ordered(stems),
        listed=total,
        files=files,
        generated=files,
        targets=targets,
        target_keypoints=pick_joints(inputs.keypoints, names) if inputs.keypoints else None,
        identities=identities,
        notes=(
            "pairs are files of the same name, in order of their names: an inception score "
            "depends on that order",
            note,
        ),
    )


def _by_manifest(inputs: Inputs, folder: ImageFolder) -> Task:
    """Pairs of a file, images of a folder (or panels of strips)."""
    assert inputs.manifest is not None
    whole = _read_manifest(inputs.manifest, inputs.dataset)
    manifest = whole if inputs.limit is None else whole.limit(inputs.limit)
    pairs = manifest.pairs
    files, notes = _files(inputs, folder, whole)
    targets: list[Path] = []
    sources: list[Path] | None = None
    if inputs.images is not None:
        images = NamedImages(inputs.images)
        targets = images.all([pair.target for pair in pairs], "targets")
        sources = images.known([pair.source for pair in pairs])
        if sources is None:
            notes.append(f"no row copy_source: not all sources are in {inputs.images}")
    identities, note = _persons([pair.source for pair in pairs], manifest.dataset or None)
    joints = _joints(inputs.keypoints, pairs)
    return Task(
        protocol=manifest.protocol,
        sha256=manifest.sha256,
        listed=len(whole),
        pairs=pairs,
        manifest=inputs.manifest,
        dataset=DatasetFacts(manifest.dataset, manifest.split) if manifest.dataset else None,
        files=files,
        generated=files,
        targets=targets,
        sources=sources,
        target_keypoints=joints[0],
        source_keypoints=joints[1],
        identities=identities,
        notes=(*notes, note),
    )


def _by_dataset(inputs: Inputs, name: str, folder: ImageFolder, report: Progress) -> Task:
    """Pairs, images, joints and masks of a dataset that is opened."""
    record = find_dataset(name)
    chosen = inputs.split or "test"
    record.preset(inputs.preset)
    record = record.resolved(chosen)
    split = record.open(chosen, inputs.preset, partial(report, "rendering persons"))
    whole = select_manifest(split, inputs.preset, inputs.manifest)
    manifest = whole if inputs.limit is None else whole.limit(inputs.limit)
    pairs = manifest.pairs
    files, notes = _files(inputs, folder, whole)
    annotations = open_annotations(split, partial(report, "caching annotations"))
    return Task(
        protocol=manifest.protocol,
        sha256=manifest.sha256,
        listed=len(whole),
        pairs=pairs,
        manifest=inputs.manifest,
        dataset=DatasetFacts(
            record.name,
            split.name,
            record.preset(inputs.preset),
            split.digest,
            split.annotation_digest,
        ),
        files=files,
        generated=files,
        targets=[partial(split.image, pair.target) for pair in pairs],
        sources=[partial(split.image, pair.source) for pair in pairs],
        target_keypoints=[partial(annotations.keypoints, pair.target) for pair in pairs],
        source_keypoints=[partial(annotations.keypoints, pair.source) for pair in pairs],
        masks={"def_gan": [partial(annotations.mask, pair.target) for pair in pairs]},
        identities=[split.identity(pair.source) for pair in pairs],
        notes=tuple(notes),
    )


def _read_manifest(path: Path, dataset: str | None) -> Manifest:
    """A manifest with its header, or a bare list of pairs as others publish them."""
    if not header_path(path).exists():
        return replace(read_rows(path, dataset or ""), protocol=UNKNOWN)
    manifest = read_manifest(path)
    if dataset is not None and manifest.dataset != dataset:
        raise DataError(f"{path}: the manifest is of {manifest.dataset!r}, expected {dataset!r}")
    return manifest


def _files(inputs: Inputs, folder: ImageFolder, manifest: Manifest) -> tuple[list[Path], list[str]]:
    """The generated file of every pair, and how they were found."""
    if len(manifest) == 0:
        raise DataError("the manifest holds no pairs")
    template = NameTemplate(inputs.template) if inputs.template is not None else None
    match = match_pairs(folder, manifest.pairs, template, inputs.limit)
    text, origin = match.template.text, match.template.origin
    return match.files, [f"generated files are named {text} ({origin})"]


def _joints(
    path: Path | None, pairs: Sequence[Pair]
) -> tuple[Sequence[KeypointSource] | None, Sequence[KeypointSource] | None]:
    """Joints of the targets, and of the sources if the file has them too."""
    if path is None:
        return None, None
    targets = pick_joints(path, [pair.target for pair in pairs])
    try:
        return targets, pick_joints(path, [pair.source for pair in pairs])
    except DataError:
        return targets, None


def _persons(names: Sequence[str], dataset: str | None) -> tuple[list[str] | None, str]:
    """The person of each image by the naming rule that fits all, and a note that says which."""
    candidates = DATASETS_WITH_NAMES if dataset is None else (dataset,)
    for candidate in candidates:
        if not knows_names(candidate):
            continue
        try:
            persons = [parse_name(candidate, name).person for name in names]
        except DataError:
            continue
        return persons, f"persons are told by the names of {candidate}"
    return None, (
        "the names follow no dataset's rule: each pair counts as a person of its own, which makes "
        "intervals too narrow if persons come more than once"
    )


def _cut(task: Task, layout: StripLayout) -> Task:
    """The task with panels in place of whole files."""
    reader = StripReader(layout)

    def panels(name: str) -> list[ImageSource]:
        return [partial(reader.panel, path, name) for path in task.files]

    notes = [*task.notes, f"generated images are panels of strips {layout}"]
    shown = panels("target") if layout.has("target") else None
    sources = panels("source") if layout.has("source") else None
    return replace(
        task,
        generated=panels("generated"),
        targets=task.targets or shown or (),
        strip_targets=shown if task.targets else None,
        sources=task.sources or sources,
        notes=tuple(notes),
    )


def _noted(task: Task, folder: ImageFolder) -> Task:
    """The task with notes about what was left alone."""
    notes = list(task.notes)
    if len(task) < task.listed:
        notes.append(f"only the first {len(task)} of {task.listed} pairs were scored (--limit)")
    if folder.others:
        notes.append(
            f"the folder of generated images also holds {len(folder.others)} files that are no "
            f"images; nothing is read from them: {some(folder.others)}"
        )
    return replace(task, notes=tuple(notes))
