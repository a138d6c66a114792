"""Which pairs of a split are meant."""

from __future__ import annotations

from pathlib import Path

from recapbench.data.manifest import Manifest, read_manifest, shipped_manifest
from recapbench.data.split import Split


def select_manifest(split: Split, preset: str | None, path: Path | None) -> Manifest:
    """A file's pairs, the shipped ones, or what the dataset's protocol makes.

    Shipped manifests belong to the default preset alone.

    Args:
        split: the images.
        preset: the size of the dataset that was asked for.
        path: a manifest that the user gave.

    Raises:
        DataError: if the manifest is damaged, or of other images.
    """
    record = split.record
    if path is None and record.preset(preset) == record.default_preset:
        path = shipped_manifest(record.name, split.name)
    manifest = split.manifest() if path is None else read_manifest(path)
    split.check(manifest)
    return manifest
