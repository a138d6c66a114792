"""The folder of a run: where each output is saved, whole or not at all, and what it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from recapbench.data.images import decode_image, encode_image
from recapbench.data.manifest import Manifest
from recapbench.data.parsing import decode_labels, encode_labels
from recapbench.data.split import Split
from recapbench.errors import DataError, UsageError
from recapbench.provenance import sha256_ordered, sha256_pixels, write_atomic, write_json
from recapbench.request import GRID, RESULT, VALUES

REQUEST: Final = "request.json"
IMAGES: Final = "images"
LAYOUTS: Final = "layouts"

Image = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class OutputFolder:
    """Images and layouts of a manifest's pairs, a file each, named by row, source and target.

    Attributes:
        root: the folder.
        split: the dataset's images.
        manifest: the pairs.
        layouts: whether every output has a layout beside it.
    """

    root: Path
    split: Split
    manifest: Manifest
    layouts: bool

    def begin(self, request: Mapping[str, Any], resume: bool) -> None:
        """Take the folder for a request, or find that it is the same request's.

        Args:
            request: everything that decides the pixels, as a JSON value.
            resume: whether a folder that holds outputs already is wanted.

        Raises:
            UsageError: if the folder holds a run and ``resume`` is not said, or another request's,
                or files that a run would replace and that are not a run's.
            DataError: if its record of the request is damaged.
            StorageError: if it cannot be written.
        """
        path = self.root / REQUEST
        if not path.exists():
            self._check_free()
            write_json(path, dict(request))
            return
        if not resume:
            raise UsageError(
                f"{self.root} holds a run already: add --resume to finish it, "
                f"or name another folder"
            )
        stored = _stored_request(path)
        wrong = [key for key in request if stored.get(key) != request[key]]
        if wrong:
            raise UsageError(
                f"{self.root} holds a run of something else (other {', '.join(wrong)}): "
                f"name another folder"
            )

    def _check_free(self) -> None:
        """Refuse a folder with files that a run would replace, or mix with its own."""
        written = (RESULT, VALUES, GRID, IMAGES, LAYOUTS)
        held = [name for name in written if (self.root / name).exists()]
        if held:
            raise UsageError(
                f"{self.root} holds something that is not of a run already ({', '.join(held)}): "
                f"name another folder"
            )

    def image_path(self, row: int) -> Path:
        """Where the image of a row of the manifest is saved."""
        return self.root / IMAGES / self._name(row)

    def layout_path(self, row: int) -> Path:
        """Where the layout of a row of the manifest is saved."""
        return self.root / LAYOUTS / self._name(row)

    def _name(self, row: int) -> str:
        source, target = self.manifest[row]
        return f"{row:05d}_{_stem(source)}_to_{_stem(target)}.png"

    def missing(self) -> list[int]:
        """Rows whose outputs are not there, or not whole."""
        return [row for row in range(len(self.manifest)) if not self._whole(row)]

    def _whole(self, row: int) -> bool:
        try:
            self.image(row)
            if self.layouts:
                self.layout(row)
        except DataError:
            return False
        return True

    def save(self, row: int, image: Image, layout: Labels | None) -> None:
        """Save an output: RGB uint8 (H,W,3), and its layout uint8 (H,W) if there is one.

        Raises:
            StorageError: if the folder cannot be written.
        """
        if layout is not None:
            labels = encode_labels(layout, self.split.record.parts)
            write_atomic(self.layout_path(row), labels)
        write_atomic(self.image_path(row), encode_image(image))

    def image(self, row: int) -> Image:
        """A saved image, RGB uint8 (H,W,3).

        Raises:
            DataError: if it is missing or damaged.
        """
        path = self.image_path(row)
        return decode_image(_read(path), self.split.record.image_size, str(path))

    def layout(self, row: int) -> Labels:
        """A saved layout, uint8 (H,W).

        Raises:
            DataError: if it is missing or damaged.
        """
        path, record = self.layout_path(row), self.split.record
        return decode_labels(_read(path), record.parts, record.image_size, str(path))

    def digest(self) -> str:
        """Ordered digest of the saved images' pixels."""
        return sha256_ordered(sha256_pixels(self.image(row)) for row in range(len(self.manifest)))


def _stored_request(path: Path) -> dict[str, Any]:
    try:
        stored = json.loads(_read(path))
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise DataError(f"{path} is damaged: expected the request of a run as a JSON object")
    return stored


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _stem(name: str) -> str:
    """An image's name as part of a file name."""
    return Path(name.replace("/", "_")).stem
