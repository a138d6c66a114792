"""Datasets as records: what a dataset is, and how to open a split of it.

Records are registered under the entry-point group ``recapbench.datasets``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from recapbench import registry
from recapbench.errors import UsageError, unknown

if TYPE_CHECKING:
    from recapbench.data.split import Progress, Split

PRESET_VARIABLE: Final = "RECAPBENCH_PRESET"


@dataclass(frozen=True)
class DatasetRecord:
    """What a dataset is, and how to open it.

    Attributes:
        name: as in ``--dataset``.
        title: one line for people.
        image_size: height and width in pixels.
        parts: 20 (LIP) or 7 (Market).
        settings: which settings of a method apply.
        splits: names of the splits.
        licence: SPDX identifier or a sentence.
        loader: ``module:attribute`` of a function like ``open`` with the record before its
            arguments; imported when a split is opened.
        protocol: name of the protocol that makes its pairs.
        presets: names of sizes to choose from; empty where there is one size only.
        default_preset: the one taken when none is asked for.
        resolver: for sets that a user prepares from files: ``module:attribute`` of a function
            ``(record, split)`` that gives the record as the split has been prepared; else empty.
    """

    name: str
    title: str
    image_size: tuple[int, int]
    parts: Literal[20, 7]
    settings: Literal["deepfashion", "market1501"]
    splits: tuple[str, ...]
    licence: str
    loader: str
    protocol: str = "within_identity"
    presets: tuple[str, ...] = ()
    default_preset: str = ""
    resolver: str = ""

    @property
    def from_files(self) -> bool:
        """Whether a user prepares the set from files that were downloaded."""
        return bool(self.resolver)

    def resolved(self, split: str) -> DatasetRecord:
        """The record as ``open(split)`` will have it: of the size that was prepared.

        Raises:
            UsageError: if the split is unknown.
            DataError: if it must be prepared from files, and has not been.
        """
        self._check_split(split)
        if not self.resolver:
            return self
        return cast("DatasetRecord", _attribute(self.resolver)(self, split))

    def preset(self, asked: str | None = None) -> str:
        """The preset to use: the one asked for, ``RECAPBENCH_PRESET``, or the default.

        Raises:
            UsageError: if the name is unknown, or the dataset has no presets.
        """
        if not self.presets:
            if asked:
                raise UsageError(f"{self.name} comes in one size only, got preset {asked!r}")
            return ""
        name = asked or os.environ.get(PRESET_VARIABLE) or self.default_preset
        if name not in self.presets:
            raise unknown(f"preset of {self.name}", name, self.presets)
        return name

    def open(
        self,
        split: str,
        preset: str | None = None,
        progress: Progress | None = None,
        workers: int | None = None,
        verify: bool = False,
    ) -> Split:
        """One split, made or prepared first if need be.

        Args:
            split: name of the split.
            preset: size, for datasets that have several; see ``preset``.
            progress: called while the split is being made.
            workers: processes to make it with; all cores by default.
            verify: read every file, and mend what is damaged where it can be made again.

        Raises:
            UsageError: if the split or the preset is unknown.
            DataError: if the data is missing or damaged.
            StorageError: if the cache cannot be written.
        """
        self._check_split(split)
        loader = _attribute(self.loader)
        return cast("Split", loader(self, split, self.preset(preset), progress, workers, verify))

    def _check_split(self, split: str) -> None:
        if split not in self.splits:
            raise unknown(f"split of {self.name}", split, self.splits)


def find_dataset(name: str) -> DatasetRecord:
    """The record of a registered dataset; a UsageError suggests the nearest name."""
    record = registry.load(registry.DATASETS, name)
    if not isinstance(record, DatasetRecord):
        raise registry.PluginError(f"dataset {name!r} is no DatasetRecord but {type(record)}")
    return record


def _attribute(place: str) -> Any:
    """What stands at ``module:attribute``."""
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
