"""Where a user's files lie: the official folders as people have them, and nothing outside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recapbench.data.names import ImageName, defgan_name, patn_name
from recapbench.errors import DataError

MAX_BYTES: Final = 1 << 28
"""Size above which a file is refused unread."""

SHOWN: Final = 5
"""How many missing files a message names."""

_PROBES: Final = 64

_DEEPFASHION_FOLDERS: Final = ("", "img", "img_highres", "Img/img", "Img/img_highres")
_MARKET_FOLDERS: Final = {"train": "bounding_box_train", "test": "bounding_box_test"}
_MARKET_DOWNLOAD: Final = "Market-1501-v15.09.15"

KEYPOINT_FILES: Final = {
    "deepfashion": (
        "fasion-resize-annotation-{split}.csv",
        "fashion-resize-annotation-{split}.csv",
        "fasion-annotation-{split}.csv",
    ),
    "market1501": ("market-annotation-{split}.csv",),
}
"""What the keypoint files of the field are called, by dataset."""

Naming = Callable[[ImageName], str]
"""Path of an image below a layout's folder."""


@dataclass(frozen=True)
class Layout:
    """One way in which the images may lie below the root: a folder, and names in it."""

    folder: str
    naming: Naming

    def path(self, name: ImageName) -> str:
        """Path relative to the root, POSIX."""
        inner = self.naming(name)
        return f"{self.folder}/{inner}" if self.folder else inner


def _raw(name: ImageName) -> str:
    return name.raw


def _defgan(name: ImageName) -> str:
    return defgan_name(name.raw)


def _patn(name: ImageName) -> str:
    return patn_name(name.raw)


def layouts(dataset: str, split: str, prefer: str) -> list[Layout]:
    """The layouts in which a dataset's split is looked for, the likeliest first.

    Args:
        dataset: ``deepfashion`` or ``market1501``.
        split: ``train`` or ``test``.
        prefer: name of the official folder that the geometry is meant for, if any.
    """
    if dataset == "market1501":
        folder = _MARKET_FOLDERS[split]
        places = (folder, "", f"{_MARKET_DOWNLOAD}/{folder}")
        return [Layout(place, _raw) for place in places]
    folders = tuple(sorted(_DEEPFASHION_FOLDERS, key=lambda f: f.rpartition("/")[2] != prefer))
    raw = [Layout(folder, _raw) for folder in folders]
    flat = [Layout(folder, naming) for folder in ("", split) for naming in (_defgan, _patn)]
    return raw + flat


def find_keypoints(dataset: str, root: Path, split: str) -> Path:
    """The keypoint file in the root, under a name that the field gives it.

    Raises:
        DataError: if there is none, or several, naming what was looked for.
    """
    names = [name.format(split=split) for name in KEYPOINT_FILES[dataset]]
    found = [root / name for name in names if (root / name).is_file()]
    if len(found) == 1:
        return found[0]
    problem = "several keypoint files" if found else "no keypoint file"
    raise DataError(
        f"--root {root}: {problem} of {split!r}; looked for {', '.join(names)}: name one with "
        f"--keypoints FILE"
    )


def find_layout(
    dataset: str, root: Path, split: str, prefer: str, names: Sequence[ImageName]
) -> Layout:
    """The layout below ``root`` in which most of a sample of the images are.

    Raises:
        DataError: if the root is no folder, or no image is where any layout has it.
    """
    if not root.is_dir():
        raise DataError(f"--root {root}: expected a folder")
    sample = names[:: max(1, len(names) // _PROBES)]
    candidates = layouts(dataset, split, prefer)
    found = [sum((root / layout.path(name)).is_file() for name in sample) for layout in candidates]
    best = max(found)
    if not best:
        tried = dict.fromkeys(layout.path(names[0]) for layout in candidates)
        raise DataError(
            f"--root {root}: none of the images is there; the first was looked for as "
            f"{', '.join(tried)}"
        )
    return candidates[found.index(best)]


def locate(root: Path, relatives: Sequence[str], rows: Sequence[str], what: str) -> None:
    """Make sure that every file is there and lies, links followed, below ``root``.

    Args:
        root: absolute, links resolved.
        relatives: paths below it.
        rows: for each path, what names it in a message.
        what: the files are, for the message.

    Raises:
        DataError: saying how many are missing and which first, or which link leads out.
    """
    missing = []
    for relative, row in zip(relatives, rows, strict=True):
        try:
            real = (root / relative).resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            missing.append(f"{root / relative} ({row})")
            continue
        if not real.is_relative_to(root):
            raise DataError(
                f"{root / relative} ({row}): a symbolic link leads out of {root}, to {real}; "
                f"give the folder itself that holds the files"
            )
        if not real.is_file():
            missing.append(f"{root / relative} ({row})")
    if missing:
        raise DataError(missing_message(what, missing, len(relatives)))


def missing_message(what: str, missing: Sequence[str], total: int) -> str:
    """How many of ``total`` files are missing, and the first of them."""
    more = f", and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return f"{len(missing)} of {total} {what} are missing: {', '.join(missing[:SHOWN])}{more}"


def find_parsing(dataset: str, folder: Path, name: ImageName) -> str | None:
    """The label map of an image below a folder, relative to it; None if there is none.

    Looked for by the image's stem, in either family's naming, flat or as the raw tree has it, as
    ``.png`` and ``.npy``.

    Raises:
        DataError: if there are several.
    """
    namings = (_raw,) if dataset == "market1501" else (_raw, _defgan, _patn)
    stems = dict.fromkeys(_stem(naming(name)) for naming in namings)
    found = [
        f"{stem}{suffix}"
        for stem in stems
        for suffix in (".png", ".npy")
        if (folder / f"{stem}{suffix}").is_file()
    ]
    if len(found) > 1:
        raise DataError(
            f"{folder}: several label maps of {name.name!r}: {', '.join(found)}; expected one"
        )
    return found[0] if found else None


def _stem(path: str) -> str:
    """A path without its suffix; Market's ``.jpg.jpg`` loses one."""
    return path.rpartition(".")[0]


def read_file(path: Path, where: str) -> bytes:
    """Content of a user's file.

    Raises:
        DataError: if it cannot be read, or is larger than any picture is.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{where}: expected a file of at most {MAX_BYTES} bytes, got {size}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {where}: {error.strerror}") from error
