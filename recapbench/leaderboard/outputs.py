"""The images that a record is of: where they are, and whether they are still those."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from recapbench.data.manifest import Manifest, Pair
from recapbench.data.split import Split
from recapbench.errors import DataError
from recapbench.evaluation.images import ReadImage
from recapbench.outputs import OutputFolder
from recapbench.provenance import sha256_ordered, sha256_pixels

Progress: TypeAlias = Callable[[str, int, int], None]
FindImages: TypeAlias = Callable[[Sequence[Pair]], Sequence[ReadImage]]
"""Gives, for pairs, a function each that reads the image; a DataError if one is missing."""


@dataclass(frozen=True)
class Outputs:
    """The images of a record.

    Attributes:
        split: the data set's images.
        manifest: the pairs.
        images: a function for each pair that reads its image, uint8 (H,W,3).
    """

    split: Split
    manifest: Manifest
    images: Sequence[ReadImage]

    def check(self, sha256: str, where: Path, progress: Progress) -> None:
        """Make sure that they are what a record says.

        Args:
            sha256: the ordered digest of their pixels by the record.
            where: the record, for the message.
            progress: told how far it is.

        Raises:
            DataError: if they are not, or one is damaged or has another size than the data set's.
        """
        got = sha256_ordered(self._pixels(where, progress))
        if got != sha256:
            raise DataError(
                f"{where}: expected images of digest {sha256} by the record, got {got}: these are "
                f"not the images that were scored"
            )

    def _pixels(self, where: Path, progress: Progress) -> Iterator[str]:
        """The digest of each image."""
        size = self.split.record.image_size
        for row, read in enumerate(self.images):
            image = read()
            if image.shape[:2] != size:
                raise DataError(
                    f"{where}: expected images of {size} pixels, got {image.shape[:2]} in row {row}"
                )
            yield sha256_pixels(image)
            progress("checking images", row + 1, len(self.images))


def beside_record(folder: Path, split: Split, manifest: Manifest) -> list[ReadImage]:
    """The images that a run saved in its folder.

    Raises:
        DataError: if some are not there, as with images that were only scored.
    """
    outputs = OutputFolder(folder, split, manifest, layouts=False)
    rows = range(len(manifest))
    missing = [path for path in map(outputs.image_path, rows) if not path.is_file()]
    if missing:
        raise DataError(
            f"{folder}: expected the images beside the record as `recapbench run` saves them, but "
            f"{len(missing)} of {len(rows)} are not there, the first {missing[0].name}: name the "
            f"folder of images that were scored with --generated"
        )
    return [partial(outputs.image, row) for row in rows]
