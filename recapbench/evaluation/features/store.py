"""Features and logits of whole sets of images, computed once and shared by the metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import StorageError
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.features import cache
from recapbench.evaluation.features.cache import Arrays
from recapbench.evaluation.features.extraction import ReadImage, forward, in_blocks
from recapbench.evaluation.features.extractors import Network, get_extractor
from recapbench.evaluation.features.row_file import RowFile
from recapbench.evaluation.networks import NetworkFailure, Networks
from recapbench.processes import ALONE, Processes
from recapbench.provenance import sha256_file, sha256_json, sha256_ordered, sha256_pixels

Report: TypeAlias = Callable[[str, int, int], None]
Part: TypeAlias = tuple[int, NDArray[np.float32], NDArray[np.float32]]
"""First row, features and logits of neighbouring images."""

_ROUND: Final = 256
"""Images of each process between two exchanges; a whole number of blocks."""


@dataclass(frozen=True)
class FeatureSet:
    """Features (n,d) and logits (n,c) of n images in order, float32, and whose images they are.

    Attributes:
        features: float32 (n,d); may be memory-mapped.
        logits: float32 (n,c); may be memory-mapped.
        identities: the person of each image; None where nobody knows.
    """

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    identities: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.features)


class FeatureStore:
    """Networks and features for as long as the caller keeps it.

    Features are filed under the pixels they were made from, never under a name, so that targets
    are computed once for several methods and never stand in for other images. They are kept on
    disk for later calls; where the disk is full or cannot be written, they stay in memory and a
    warning says so.

    Args:
        networks: where weights come from and on which device they run.
        processes: those that share the work; each calls with the same images, and gets all
            features.
    """

    def __init__(self, networks: Networks | None = None, processes: Processes = ALONE) -> None:
        self.networks = networks if networks is not None else Networks()
        self._processes = processes
        self._opened: dict[str, Network] = {}
        self._weights: dict[str, str] = {}
        self._known: dict[str, Arrays] = {}

    def network(self, name: str) -> Network:
        """The network of an extractor, loaded once.

        Raises:
            MissingWeightsError: its weights cannot be had; asked again, it does not try again.
            DataError: a file is there and is not what the record says.
        """
        if name not in self._opened:
            extractor = get_extractor(name)
            path = self.networks.locate(extractor.weights)
            self._opened[name] = extractor.load(path, self.networks.device)
            self._weights[name] = sha256_file(path)
        return self._opened[name]

    def features(
        self,
        name: str,
        images: Sequence[ReadImage],
        *,
        identities: Sequence[str] | None = None,
        stage: str = "features",
        progress: Report | None = None,
    ) -> FeatureSet:
        """Features of images in order; a set that is known is read and not computed again.

        Args:
            name: the extractor.
            images: functions that read uint8 (H,W,3) each; called twice for a new set, by
                threads.
            identities: the person of each.
            stage: what the progress is called.
            progress: told how far it is.

        Raises:
            MissingWeightsError: the weights cannot be had.
            DataError: an image cannot be read, or the file of weights is not what it should be.
            NetworkFailure: the network gives something else than finite numbers.
        """
        if len(images) == 0:
            raise ValueError("there are no images")
        network = self.network(name)
        report = progress if progress is not None else _silent
        digests = self._digests(images, partial(report, f"{stage}: reading"))
        about = self._about(name, digests)
        key = sha256_json(about)
        if key not in self._known:
            found = self._found(name, key)
            if found is None:
                work = _Work(images, digests, network, self.networks.device, self._processes)
                found = self._kept(name, key, work, work.run(stage, report), about)
            else:
                report(stage, len(images), len(images))
            self._known[key] = found
        return FeatureSet(*self._known[key], None if identities is None else tuple(identities))

    def _digests(
        self, images: Sequence[ReadImage], report: Callable[[int, int], None]
    ) -> list[str]:
        """The digest of each image's pixels, read by the processes together."""

        def ours() -> list[str]:
            shard = self._processes.shard(len(images))
            found: list[str] = []
            with closing(in_blocks([partial(_digest, images[i]) for i in shard])) as blocks:
                for block in blocks:
                    found += block
                    report(len(found), len(shard))
            return found

        return [digest for part in self._processes.together(ours) for digest in part]

    def _about(self, name: str, digests: Sequence[str]) -> dict[str, Any]:
        """Everything that features depend on."""
        import torch

        return {
            "extractor": name,
            "version": get_extractor(name).version,
            "weights": self._weights.get(name),
            "device": torch.device(self.networks.device).type,
            "torch": torch.__version__,
            "images": len(digests),
            "pixels": sha256_ordered(digests),
        }

    def _found(self, name: str, key: str) -> Arrays | None:
        """The set on disk, if every process sees it.

        A network that was not loaded from a file has no digest; its features are not on disk.
        """
        if name not in self._weights:
            return None
        found: list[Arrays | None] = []

        def look() -> bool:
            found.append(cache.find(key))
            return found[0] is not None

        return found[0] if all(self._processes.together(look)) else None

    def _kept(
        self, name: str, key: str, work: _Work, rows: Arrays, about: dict[str, Any]
    ) -> Arrays:
        """The set of all images from the rows of those that differ: on disk if that can be."""
        if name in self._weights:
            try:
                cache.keep(key, rows, work.order, about)
                found = cache.find(key)
                if found is not None:
                    return found
            except StorageError as error:
                if self._processes.first:
                    text = f"features stay in memory: {error}"
                    warnings.warn(text, RuntimeWarning, stacklevel=3)
        if len(work.first) == len(work.order):
            return rows
        return rows[0][work.order], rows[1][work.order]


class _Work:
    """Features of a new set: those of the images that differ, in blocks, shared by processes."""

    def __init__(
        self,
        images: Sequence[ReadImage],
        digests: Sequence[str],
        network: Network,
        device: str,
        processes: Processes,
    ) -> None:
        place: dict[str, int] = {}
        self.first: list[int] = []
        for index, digest in enumerate(digests):
            if digest not in place:
                place[digest] = len(self.first)
                self.first.append(index)
        self.order = np.array([place[digest] for digest in digests], dtype=np.intp)
        self._images = images
        self._network = network
        self._device = device
        self._processes = processes

    def run(self, stage: str, report: Report) -> Arrays:
        """Features (u,d) and logits (u,c) of the images that differ, in every process."""
        n, everybody = len(self.first), self._processes
        ours = everybody.shard(n)
        longest = max(len(Processes(r, everybody.count).shard(n)) for r in range(everybody.count))
        files: tuple[RowFile, RowFile] | None = None
        read = [self._images[self.first[index]] for index in ours]
        with closing(in_blocks(read)) as blocks:
            for start in range(0, longest, _ROUND):
                mine = ours[start : start + _ROUND]
                told = partial(_ahead, report, stage, start, len(ours))
                for part in everybody.together(partial(self._part, mine, blocks, told)):
                    if part is not None:
                        files = files or self._files(part)
                        files[0].write(part[0], part[1])
                        files[1].write(part[0], part[2])
        assert files is not None
        return files[0].array(), files[1].array()

    def _part(
        self, mine: range, blocks: Iterator[list[Image]], told: Callable[[int], None]
    ) -> Part | None:
        """The rows of some of our images, which are the next in ``blocks``."""
        features, logits, done = [], [], 0
        while done < len(mine):
            images = next(blocks)
            found = forward(images, self._network, self._device)
            self._require_finite(mine[done : done + len(images)], found)
            features.append(found[0])
            logits.append(found[1])
            done += len(images)
            told(done)
        return (mine[0], np.concatenate(features), np.concatenate(logits)) if done else None

    def _require_finite(self, rows: Sequence[int], arrays: Arrays) -> None:
        """Raise a NetworkFailure that names the first image with NaN or an infinity."""
        finite = np.isfinite(np.concatenate(arrays, axis=1)).all(axis=1)
        if not finite.all():
            index = self.first[rows[int(np.argmin(finite))]]
            raise NetworkFailure(
                f"expected finite features, got NaN or an infinity for image {index} "
                f"of {len(self.order)} (counted from 0, in the order of the manifest)"
            )

    def _files(self, part: Part) -> tuple[RowFile, RowFile]:
        shapes = ((len(self.first), array.shape[1]) for array in part[1:])
        features, logits = (RowFile(shape, cache.folder()) for shape in shapes)
        return features, logits


def _digest(read: ReadImage) -> str:
    return sha256_pixels(read())


def _ahead(report: Report, stage: str, before: int, total: int, done: int) -> None:
    report(stage, before + done, total)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
