"""A folder of images somebody generated, and which file is the output of which pair."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Final

from recapbench.data.manifest import Pair
from recapbench.errors import DataError, UsageError

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm")
"""Endings of image files; those that cannot be read exactly are refused when they are read."""

_SHOWN = 10


def image_stem(name: str) -> str:
    """The name of an image without its ending: one ending of an image, and nothing else."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def some(names: Iterable[str]) -> str:
    """The first ten of a list, for a message."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, without those of its subfolders.

    Attributes:
        root: the folder.
        files: by stem, in order of the stems' code points.
        others: names of files that are no images and are not looked at.
    """

    root: Path
    files: dict[str, Path]
    others: tuple[str, ...]

    @classmethod
    def open(cls, root: Path) -> ImageFolder:
        """List a folder.

        Raises:
            DataError: if it is no folder, holds no images, or two of one stem.
        """
        entries = _entries(root)
        files: dict[str, Path] = {}
        for path in sorted(path for path in entries if _is_image(path)):
            other = files.setdefault(image_stem(path.name), path)
            if other != path:
                raise DataError(
                    f"{root}: expected one image of each name, got {other.name} and {path.name}"
                )
        if not files:
            raise DataError(f"{root}: expected images, got none{_hint(entries)}")
        others = [path.name for path in entries if path.is_file() and not _is_image(path)]
        return cls(
            root,
            dict(sorted(files.items())),
            tuple(sorted(name for name in others if not name.startswith("."))),
        )

    def __len__(self) -> int:
        return len(self.files)


class NamedImages:
    """Images of a folder by the names that a manifest gives them, whatever their format."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[str, Path | None] = {}
        self._stems: dict[str, Path] | None = None

    def all(self, names: Sequence[str], what: str) -> list[Path]:
        """The file of each.

        Raises:
            DataError: if files are missing; they are counted and named, and called ``what``.
        """
        paths = [self._path(name) for name in names]
        missing = {name for name, path in zip(names, paths, strict=True) if path is None}
        if missing:
            raise DataError(
                f"{self.root}: {len(missing)} {what} of the manifest are not there: "
                f"{some(sorted(missing))}"
            )
        return [path for path in paths if path is not None]

    def known(self, names: Sequence[str]) -> list[Path] | None:
        """The file of each, or None if one is not there."""
        paths = [self._path(name) for name in names]
        return None if None in paths else [path for path in paths if path is not None]

    def _path(self, name: str) -> Path | None:
        if name not in self._found:
            path = self.root / name
            self._found[name] = path if path.is_file() else self._other_ending(name)
        return self._found[name]

    def _other_ending(self, name: str) -> Path | None:
        """The file of this name with the ending of another format."""
        if self._stems is None:
            self._stems = ImageFolder.open(self.root).files
        return self._stems.get(image_stem(name))


def list_images(root: Path) -> list[Path]:
    """All images of a folder and its subfolders, in order of their paths.

    Raises:
        DataError: if it is no folder or holds none.
    """
    _entries(root)
    found = sorted(path for path in root.rglob("*") if _is_image(path) and path.is_file())
    if not found:
        raise DataError(f"{root}: expected images, got none")
    return found


def match_names(generated: ImageFolder, targets: ImageFolder) -> list[str]:
    """The stems that both folders have, in order.

    Raises:
        DataError: if either has images that the other has not; they are counted and named.
    """
    missing = [stem for stem in targets.files if stem not in generated.files]
    extra = [stem for stem in generated.files if stem not in targets.files]
    if missing or extra:
        raise DataError(
            "expected a generated image for every target and no others"
            + _listed(missing, f"targets have no image in {generated.root}")
            + _listed(extra, f"generated images have no target in {targets.root}")
        )
    return list(generated.files)


@dataclass(frozen=True)
class NameTemplate:
    """How the file of a pair is called.

    Attributes:
        text: a format of ``{row}`` (from 0), ``{source}`` and ``{target}`` (names without their
            ending, ``/`` as ``_``), ``{source_name}`` and ``{target_name}`` (with it). An ending
            of an image at the end may be left out.
        origin: whose code writes such names.
    """

    text: str
    origin: str = "--name"

    def __post_init__(self) -> None:
        try:
            fields = {name for _, name, _, _ in Formatter().parse(self.text) if name is not None}
            self._stem(0, Pair("a", "b"))
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise UsageError(
                f"--name {self.text!r}: expected {{row}}, {{source}}, {{target}}, "
                f"{{source_name}} and {{target_name}} in braces: {error!r}"
            ) from None
        if not fields:
            raise UsageError(f"--name {self.text!r}: it names the same file for every pair")

    def stems(self, pairs: Iterable[Pair]) -> list[str]:
        """The stem of each pair's file."""
        return [self._stem(row, pair) for row, pair in enumerate(pairs)]

    def _stem(self, row: int, pair: Pair) -> str:
        source, target = (name.replace("/", "_") for name in pair)
        return image_stem(self.text).format(
            row=row,
            source=image_stem(source),
            target=image_stem(target),
            source_name=source,
            target_name=target,
        )


TEMPLATES: Final = (
    NameTemplate("{row:05d}_{source}_to_{target}", "recapbench run"),
    NameTemplate("{source_name}_{target_name}", "Def-GAN"),
    NameTemplate("{source_name}___{target_name}_vis", "PATN"),
    NameTemplate("{source}_2_{target}_vis", "GFLA"),
    NameTemplate("{source_name}___{target_name}", "PATN's without _vis"),
    NameTemplate("{source}_2_{target}", "GFLA's without _vis"),
    NameTemplate("{source}___{target}", "plain"),
    NameTemplate("{source}_to_{target}", "plain"),
    NameTemplate("{source}_{target}", "plain"),
)
"""Names that are tried when none is given; the first four were read in public code."""


@dataclass(frozen=True)
class Match:
    """Files of pairs.

    Attributes:
        files: one for each pair.
        template: what their names follow.
    """

    files: list[Path]
    template: NameTemplate


def match_pairs(
    folder: ImageFolder,
    pairs: Sequence[Pair],
    template: NameTemplate | None = None,
    limit: int | None = None,
    others: bool = False,
) -> Match:
    """Find the file of each of the first ``limit`` pairs.

    Args:
        folder: the generated images.
        pairs: all pairs, in the order of the manifest.
        template: how files are named; by default the one of `TEMPLATES` that fits every pair.
        limit: pairs whose files are wanted; those of later pairs may be there or not.
        others: whether files may be there that belong to no pair.

    Raises:
        DataError: if files are missing, belong to no pair (unless ``others``), or to several
            different pairs; if no known template fits or several do.
    """
    count = len(pairs) if limit is None else min(limit, len(pairs))
    chosen, stems = _choose(folder, pairs, count) if template is None else (template, None)
    stems = chosen.stems(pairs) if stems is None else stems
    _check_distinct(chosen, stems, pairs)
    missing = [stem for stem in stems[:count] if stem not in folder.files]
    known = set(stems)
    extra = [path.name for stem, path in folder.files.items() if not others and stem not in known]
    if missing or extra:
        raise DataError(
            f"{folder.root}: expected an image for each of {count} pairs and no others, named "
            f"{chosen.text!r}"
            + _listed(missing, "are missing")
            + _listed(extra, "belong to no pair of the manifest")
        )
    return Match([folder.files[stem] for stem in stems[:count]], chosen)


def _choose(
    folder: ImageFolder, pairs: Sequence[Pair], count: int
) -> tuple[NameTemplate, list[str]]:
    """The known template that fits every pair, with the stems that it gives."""
    tried = []
    fitting: dict[tuple[str, ...], tuple[NameTemplate, list[str]]] = {}
    for template in TEMPLATES:
        stems = template.stems(pairs)
        hits = sum(stem in folder.files for stem in stems[:count])
        tried.append(f"  {template.text} ({template.origin}): {hits} of {count}")
        if hits == count:
            fitting.setdefault(tuple(stems[:count]), (template, stems))
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    what = "no known way of naming files fits every pair" if not fitting else "several fit"
    first = next(iter(folder.files.values())).name
    source, target = pairs[0]
    raise DataError(
        f"{folder.root}: {what}; say it with --name, such as --name '{{source}}_{{target}}'. The "
        f"first file is {first!r}, the first pair {source!r}, {target!r}. Tried:\n"
        + "\n".join(tried)
    )


def _check_distinct(template: NameTemplate, stems: Sequence[str], pairs: Sequence[Pair]) -> None:
    rows: dict[str, int] = {}
    for row, stem in enumerate(stems):
        earlier = rows.setdefault(stem, row)
        if pairs[earlier] != pairs[row]:
            raise DataError(
                f"--name {template.text!r}: pairs {earlier + 1} and {row + 1} of the manifest "
                f"would both be {stem!r}: expected a file for each"
            )


def _listed(names: Collection[str], what: str) -> str:
    return f"; {len(names)} {what}: {some(names)}" if names else ""


def _entries(root: Path) -> list[Path]:
    try:
        return list(root.iterdir())
    except OSError as error:
        raise DataError(f"{root}: cannot be read as a folder: {error.strerror}") from error


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _hint(entries: Sequence[Path]) -> str:
    """Where the images may be instead."""
    folders = sorted(path.name for path in entries if path.is_dir())
    return f"; it has the subfolders {some(folders)}" if folders else ""
