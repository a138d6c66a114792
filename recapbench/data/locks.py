"""Locks: what a manifest must be, for data whose manifests are made on the user's machine.

``manifests/<dataset>-<protocol>-<split>.lock.json`` carries counts and digests, never names of
pictures. What was made from the public keypoint file is ``proven``; what was only published is
``expected``, a figure to check and no promise; what comes of the bare list of names, without the
protocol's keypoint filter, is ``bare`` and is not the field's set of pairs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recapbench import paths
from recapbench.data.manifest import Manifest
from recapbench.data.protocols import NO_FILTER
from recapbench.errors import DataError, what_is_wrong

SCHEMA: Final = "recapbench.lock/1"
SUFFIX: Final = ".lock.json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Figures(_Part):
    """What a manifest is that was made from one file.

    Attributes:
        images: how many the file names.
        kept: how many of them pass the protocol's filter.
        ordered_pairs: of the kept images, before the draw.
        pairs: rows of the manifest.
        identities: persons whom the pairs show.
        sha256: of the canonical rows.
        md5: of the canonical rows, for comparison with files that others publish.
        input: name of the file that it was made from.
        input_sha256: of that file's bytes.
        command: how it was made.
    """

    images: int
    kept: int
    ordered_pairs: int
    pairs: int
    identities: int
    sha256: str
    md5: str
    input: str
    input_sha256: str
    command: str


class Expectation(_Part):
    """A published count that has not been made here.

    Attributes:
        pairs: how many the split has.
        note: what it is, in a sentence.
    """

    pairs: int
    note: str


class Lock(_Part):
    """What a manifest of one dataset, protocol and split must be; see the module."""

    schema_: Literal["recapbench.lock/1"] = Field(alias="schema", default=SCHEMA)
    dataset: str
    protocol: str
    split: str
    proven: Figures | None = None
    expected: Expectation | None = None
    bare: Figures | None = None


class Verdict(NamedTuple):
    """How a manifest compares with its lock.

    Attributes:
        kind: what it was compared with: ``proven`` or ``bare`` figures, an ``expected`` count, or
            ``none``.
        differences: what differs, a phrase each; empty if all agrees.
        same_input: False if it was made from another file than the lock; None if that is unknown.
    """

    kind: Literal["proven", "bare", "expected", "none"]
    differences: tuple[str, ...] = ()
    same_input: bool | None = None

    @property
    def agrees(self) -> bool:
        """Whether nothing differs from what it was compared with."""
        return not self.differences


def lock_name(dataset: str, protocol: str, split: str) -> str:
    """File name of a lock; ``protocol`` is a name or a tag (its version is left out)."""
    return f"{dataset}-{protocol.partition('/')[0]}-{split}{SUFFIX}"


def read_lock(path: Path) -> Lock:
    """Read a lock.

    Raises:
        DataError: naming the file and what is malformed in it.
    """
    try:
        return Lock.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{path}: not a lock: {what_is_wrong(error)}") from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error


def find_lock(dataset: str, protocol: str, split: str, folder: Path | None = None) -> Lock | None:
    """The lock of a dataset, a protocol's tag and a split, or None.

    Args:
        dataset: name of the dataset.
        protocol: tag as it stands in a manifest; a lock of another version is no lock of it.
        split: name of the split.
        folder: of the locks; those that come with the package by default.

    Raises:
        DataError: if the lock is malformed.
    """
    name = lock_name(dataset, protocol, split)
    path = (folder or paths.shipped("manifests")) / name
    if Path(name).name != name or not path.is_file():
        return None
    lock = read_lock(path)
    return lock if (lock.dataset, lock.protocol, lock.split) == (dataset, protocol, split) else None


def lock_document(lock: Lock) -> dict[str, object]:
    """The lock as a JSON document; parts that it has not are left out."""
    return lock.model_dump(by_alias=True, exclude_none=True)


def md5(manifest: Manifest) -> str:
    """MD5 of the canonical rows: what others give for their pair files."""
    return hashlib.md5(manifest.csv, usedforsecurity=False).hexdigest()


def compare(manifest: Manifest, lock: Lock) -> Verdict:
    """How a manifest compares with its lock."""
    bare = manifest.made_from.get("filter") == NO_FILTER
    figures = lock.bare if bare else lock.proven
    if figures is not None:
        return _compare_figures(manifest, figures, "bare" if bare else "proven")
    if bare or lock.expected is None:
        return Verdict("none")
    return Verdict("expected", _differences([("pairs", lock.expected.pairs, len(manifest))]))


def _compare_figures(
    manifest: Manifest, figures: Figures, kind: Literal["proven", "bare"]
) -> Verdict:
    stated = manifest.made_from.get("names" if kind == "bare" else "keypoints")
    checks: list[tuple[str, object, object]] = [
        ("pairs", figures.pairs, len(manifest)),
        ("identities", figures.identities, manifest.identities),
        ("SHA-256 of the rows", figures.sha256, manifest.sha256),
    ]
    if stated is not None:
        checks.insert(0, (f"SHA-256 of {figures.input}", figures.input_sha256, stated))
    same = None if stated is None else stated == figures.input_sha256
    return Verdict(kind, _differences(checks), same)


def _differences(checks: list[tuple[str, object, object]]) -> tuple[str, ...]:
    return tuple(f"{what}: expected {a}, got {b}" for what, a, b in checks if a != b)
