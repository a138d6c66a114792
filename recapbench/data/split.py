"""A split of a dataset: its images with their annotations, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from recapbench.data.cache import available_cores
from recapbench.data.images import decode_image
from recapbench.data.manifest import Manifest, Pair, from_pairs
from recapbench.data.parsing import decode_labels
from recapbench.data.protocols import LISTED, find_protocol
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes, sha256_ordered, sha256_pixels

if TYPE_CHECKING:
    from recapbench.data.datasets import DatasetRecord

Progress = Callable[[int, int], None]
"""Called with how many items are done and how many there are."""

_CHUNK: Final = 256
_SHOWN: Final = 10


class Annotation(NamedTuple):
    """What is known about one image.

    Attributes:
        keypoints: float32 (18, 3) of x, y in pixels and visibility 0, 1 or 2.
        parsing: uint8 (H, W), part labels.
    """

    keypoints: npt.NDArray[np.float32]
    parsing: npt.NDArray[np.uint8]


class Entry(NamedTuple):
    """One image in a split's index. Paths are relative to the split's folders.

    ``labels`` and its digests are empty where the image has no label map.
    """

    name: str
    identity: str
    image: str
    image_sha256: str
    image_pixels: str
    labels: str
    labels_sha256: str
    labels_pixels: str


class Decoder(Protocol):
    """How the bytes of a split's files become pixels. Must be picklable."""

    def image(self, data: bytes, where: str) -> npt.NDArray[np.uint8]:
        """RGB uint8 (H, W, 3) of the dataset's size; DataError naming ``where``."""
        ...

    def labels(self, data: bytes, where: str) -> npt.NDArray[np.uint8]:
        """Part labels uint8 (H, W) of the dataset's size; DataError naming ``where``."""
        ...


@dataclass(frozen=True)
class AsStored:
    """Files that are what the split is made of: nothing but decoded.

    Attributes:
        size: height and width in pixels.
        parts: 20 (LIP) or 7 (Market).
    """

    size: tuple[int, int]
    parts: int

    def image(self, data: bytes, where: str) -> npt.NDArray[np.uint8]:
        """RGB uint8 (H, W, 3)."""
        return decode_image(data, self.size, where)

    def labels(self, data: bytes, where: str) -> npt.NDArray[np.uint8]:
        """Part labels uint8 (H, W)."""
        return decode_labels(data, self.parts, self.size, where)


@dataclass(frozen=True, eq=False)
class Split:
    """The images of one split with their annotations, in a fixed order.

    Attributes:
        record: the dataset.
        name: of the split.
        root: folder that the entries' paths start from.
        entries: one per image, in order.
        keypoints: float32 (n, 18, 3), in the order of the entries.
        listed: pairs that the split itself defines, such as an edit's before and after.
        repair: what the user may do about a damaged file, as an imperative sentence.
        labels_root: folder that the paths of label maps start from; ``root`` if not given.
        decoder: how files become pixels; by default they are taken as they are.
        protocol: name of the protocol that makes the pairs, if it is not the record's.
        given_keypoints: float32 (n, 18, 3), the joints as the keypoint file has them, before any
            resizing or cropping: protocols look at these. ``keypoints`` themselves if not given.
        sources: digests of what pairs are made from, by what it is, if it is not the images and
            annotations.
    """

    record: DatasetRecord
    name: str
    root: Path
    entries: tuple[Entry, ...]
    keypoints: npt.NDArray[np.float32]
    listed: tuple[Pair, ...] = ()
    repair: str = "Restore the file."
    labels_root: Path | None = None
    decoder: Decoder | None = None
    protocol: str = ""
    given_keypoints: npt.NDArray[np.float32] | None = None
    sources: Mapping[str, str] | None = None

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the images, in order."""
        return tuple(entry.name for entry in self.entries)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {entry.name: position for position, entry in enumerate(self.entries)}

    @cached_property
    def has_parsing(self) -> bool:
        """Whether every image has a label map."""
        return all(entry.labels for entry in self.entries)

    def position(self, name: str) -> int:
        """Place of an image in the order.

        Raises:
            DataError: if the split has no image of that name.
        """
        try:
            return self._positions[name]
        except KeyError:
            raise DataError(
                f"split {self.name!r} of {self.record.name} has no image {name!r} "
                f"({len(self)} images, the first is {self.names[0] if self.names else None!r})"
            ) from None

    def identity(self, name: str) -> str:
        """The person whom an image shows."""
        return self.entries[self.position(name)].identity

    def image(self, name: str) -> npt.NDArray[np.uint8]:
        """RGB uint8 (H, W, 3).

        Raises:
            DataError: if the file is missing, or not what the index says; it is named.
        """
        return self._image(self.entries[self.position(name)])

    def labels(self, name: str) -> npt.NDArray[np.uint8]:
        """Part labels uint8 (H, W).

        Raises:
            DataError: if the file is missing, or not what the index says; it is named. Also if
                the image has no label map.
        """
        return self._labels(self.entries[self.position(name)])

    def annotation(self, name: str) -> Annotation:
        """Joints and part labels of an image.

        Raises:
            DataError: if the file is missing, or not what the index says; it is named.
        """
        return Annotation(self.keypoints[self.position(name)], self.labels(name))

    @cached_property
    def digest(self) -> str:
        """Ordered digest of the images' pixel digests."""
        return sha256_ordered(entry.image_pixels for entry in self.entries)

    @cached_property
    def annotation_digest(self) -> str:
        """Ordered digest of the labels' pixel digests and the joints."""
        labels = [entry.labels_pixels for entry in self.entries]
        return sha256_ordered([*labels, sha256_pixels(self.keypoints)])

    @property
    def made_from(self) -> Mapping[str, str]:
        """The digests that a manifest of this split carries."""
        if self.sources is not None:
            return self.sources
        return {"images": self.digest, "annotations": self.annotation_digest}

    def manifest(self) -> Manifest:
        """The pairs of this split: those it lists, or those its protocol makes."""
        if self.listed:
            return from_pairs(
                self.listed,
                dataset=self.record.name,
                split=self.name,
                protocol=LISTED.tag,
                identities=len({self.identity(pair.source) for pair in self.listed}),
                made_from=self.made_from,
            )
        protocol = find_protocol(self.protocol or self.record.protocol, self.record.name)
        return protocol.manifest(
            self.names,
            [entry.identity for entry in self.entries],
            dataset=self.record.name,
            split=self.name,
            made_from=self.made_from,
            keypoints=self.keypoints if self.given_keypoints is None else self.given_keypoints,
        )

    def check(self, manifest: Manifest) -> None:
        """Make sure that a manifest speaks of this very split.

        Raises:
            DataError: naming what differs: dataset, split, a digest, or the first image that the
                split does not have.
        """
        _same("dataset", manifest.dataset, self.record.name)
        _same("split", manifest.split, self.name)
        for kind, found in self.made_from.items():
            stated = manifest.made_from.get(kind)
            if stated is not None and stated != found:
                raise DataError(
                    f"the {kind} of {self.record.name} {self.name!r} in {self.root} are not those "
                    f"that the manifest was made from: expected digest {stated[:16]}, got "
                    f"{found[:16]}. Another preset or version of the set has other images: use a "
                    f"manifest made from this one"
                )
        strange = set(manifest.names) - set(self.names)
        if strange:
            row, name = next(
                (row, name)
                for row, pair in enumerate(manifest, start=1)
                for name in pair
                if name in strange
            )
            raise DataError(
                f"manifest row {row} names {name!r}, which split {self.name!r} of "
                f"{self.record.name} in {self.root} does not have"
            )

    def verify(self, progress: Progress | None = None, workers: int | None = None) -> None:
        """Read every file of the split, decode it, and compare it with the index.

        Args:
            progress: called while files are being read.
            workers: threads; all cores by default.

        Raises:
            DataError: naming every file that is missing or altered, up to a few.
        """
        problems = []
        for done, problem in enumerate(self._problems(workers or available_cores()), start=1):
            if problem is not None:
                problems.append(problem)
            if progress is not None:
                progress(done, len(self))
        if problems:
            shown = "\n".join(str(problem) for problem in problems[:_SHOWN])
            more = f"\nand {len(problems) - _SHOWN} images more" if len(problems) > _SHOWN else ""
            raise DataError(shown + more)

    def _problems(self, workers: int) -> Iterator[DataError | None]:
        """What is wrong with each entry, in order; reading and decoding run side by side."""
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(self), _CHUNK):
                yield from pool.map(self._problem, self.entries[start : start + _CHUNK])

    def _problem(self, entry: Entry) -> DataError | None:
        try:
            self._compare(self._image(entry), entry.image_pixels, self.root / entry.image)
            if entry.labels:
                path = self._labels_path(entry)
                self._compare(self._labels(entry), entry.labels_pixels, path)
        except DataError as error:
            return error
        return None

    def _compare(self, pixels: npt.NDArray[np.uint8], expected: str, path: Path) -> None:
        found = sha256_pixels(pixels)
        if found != expected:
            raise DataError(
                f"{path} has the bytes that the index says and decodes to other pixels: expected "
                f"digest {expected[:16]}, got {found[:16]}. Another release of the image library "
                f"may be installed. {self.repair}"
            )

    @property
    def _decoder(self) -> Decoder:
        return self.decoder or AsStored(self.record.image_size, self.record.parts)

    def _image(self, entry: Entry) -> npt.NDArray[np.uint8]:
        path = self.root / entry.image
        return self._decoder.image(self._read(path, entry.image_sha256), str(path))

    def _labels_path(self, entry: Entry) -> Path:
        return (self.labels_root or self.root) / entry.labels

    def _labels(self, entry: Entry) -> npt.NDArray[np.uint8]:
        if not entry.labels:
            raise DataError(
                f"{entry.name!r} of {self.record.name} {self.name!r} has no label map: the split "
                f"was prepared without parsing. Prepare it again with --parsing DIR"
            )
        path = self._labels_path(entry)
        return self._decoder.labels(self._read(path, entry.labels_sha256), str(path))

    def _read(self, path: Path, sha256: str) -> bytes:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}. {self.repair}") from error
        found = sha256_bytes(data)
        if found != sha256:
            raise DataError(
                f"{path} is damaged: expected SHA-256 {sha256[:16]}, got {found[:16]}. "
                f"{self.repair}"
            )
        return data


def _same(what: str, stated: str, ours: str) -> None:
    if stated != ours:
        raise DataError(f"the manifest is of {what} {stated!r}, expected {ours!r}")
