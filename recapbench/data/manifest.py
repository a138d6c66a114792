"""Pair manifests: immutable lists of (source, target) that are the same for everybody.

A manifest is two files side by side. ``NAME.csv`` holds the canonical rows: ``from,to`` and one
pair a line, UTF-8, line ends ``\\n``. ``NAME.json`` is the header: schema, dataset, split,
protocol, counts, the digests of what the pairs were made from, and the SHA-256 of the CSV's bytes.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from recapbench import paths
from recapbench.errors import DataError
from recapbench.provenance import sha256_bytes, write_atomic, write_json

SCHEMA: Final = "recapbench.manifest/1"

_HEAD: Final = "from,to"
_BAD_NAME: Final = re.compile(r'[,"\x00-\x1f\x7f]|^\s|\s$|^$')
_PLAIN: Final = bytes(code for code in range(0x21, 0x7F) if chr(code) not in ',"')
"""Characters that no name is refused for, wherever they stand in it."""
_BATCH: Final = 1024


class Pair(NamedTuple):
    """One task: show the person of ``source`` in the pose of ``target``. Both are image names."""

    source: str
    target: str


@dataclass(frozen=True, eq=False)
class Manifest:
    """An immutable list of pairs with its header. Two manifests of equal digest are equal rows.

    Attributes:
        dataset: name of the dataset's record.
        split: name of the split.
        protocol: name and version, as ``within_identity/1``.
        names: the images that occur, in order of first appearance.
        indices: int32 (n, 2), source and target as positions in ``names``; read-only.
        identities: how many persons the pairs show.
        made_from: digests of what the pairs were made from, by what it is.
        unpaired: persons of the split whom no pair shows, so that an audit sees the whole split.
    """

    dataset: str
    split: str
    protocol: str
    names: tuple[str, ...]
    indices: npt.NDArray[np.int32]
    identities: int
    made_from: Mapping[str, str] = field(default_factory=dict)
    unpaired: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        indices = np.array(self.indices, dtype=np.int32).reshape(-1, 2)
        indices.flags.writeable = False
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "made_from", MappingProxyType(dict(self.made_from)))

    def __reduce__(self) -> tuple[Any, ...]:
        names = ("dataset", "split", "protocol", "names", "indices", "identities")
        values = [getattr(self, name) for name in names]
        return Manifest, (*values, dict(self.made_from), self.unpaired)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, row: int) -> Pair:
        source, target = self.indices[row]
        return Pair(self.names[source], self.names[target])

    def __iter__(self) -> Iterator[Pair]:
        names = self.names
        return (Pair(names[a], names[b]) for a, b in self.indices.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Manifest):
            return NotImplemented
        return self.header == other.header

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every pair, in order."""
        return tuple(self)

    @cached_property
    def csv(self) -> bytes:
        """The canonical rows: the very bytes of the CSV."""
        return ("\n".join([_HEAD, *self._lines()]) + "\n").encode()

    @cached_property
    def sha256(self) -> str:
        """Digest of the canonical rows."""
        return sha256_bytes(self.csv)

    @property
    def counts(self) -> dict[str, int]:
        """Images that occur, persons shown, and pairs."""
        return {
            "images": len(self.names),
            "identities": self.identities,
            "pairs": len(self),
        }

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the JSON beside the CSV says."""
        return {
            "schema": SCHEMA,
            "dataset": self.dataset,
            "split": self.split,
            "protocol": self.protocol,
            "counts": self.counts,
            "made_from": dict(self.made_from),
            "sha256": self.sha256,
            "checks": _checks(self._lines()),
            **({"unpaired": list(self.unpaired)} if self.unpaired else {}),
        }

    def limit(self, count: int, identity: Callable[[str], str] | None = None) -> Manifest:
        """The first ``count`` pairs as a manifest of its own; its digest is another one.

        Args:
            count: how many; at least as many as there are gives this very manifest.
            identity: the person of an image name, to count persons with; without it the count of
                the whole manifest stands as an upper bound.
        """
        if count >= len(self):
            return self
        rows = self.indices[:count]
        persons = min(self.identities, len(rows))
        if identity is not None:
            persons = len({identity(self.names[source]) for source in rows[:, 0].tolist()})
        return from_pairs(
            (Pair(self.names[a], self.names[b]) for a, b in rows.tolist()),
            dataset=self.dataset,
            split=self.split,
            protocol=f"{self.protocol}[:{count}]",
            identities=persons,
            made_from={**self.made_from, "manifest": self.sha256},
        )

    def _lines(self) -> list[str]:
        names = self.names
        return [f"{names[a]},{names[b]}" for a, b in self.indices.tolist()]


def from_pairs(
    pairs: Iterable[tuple[str, str]],
    *,
    dataset: str,
    split: str,
    protocol: str,
    identities: int,
    made_from: Mapping[str, str] | None = None,
    unpaired: Sequence[str] = (),
    where: str = "",
) -> Manifest:
    """A manifest of pairs given by name; ``where`` (a file) leads the messages.

    Raises:
        DataError: if a name is empty, starts or ends with a space, or holds a comma, a quote or
            a control character (the rows are plain CSV), naming the row.
    """
    positions: dict[str, int] = {}
    flat = [positions.setdefault(name, len(positions)) for pair in pairs for name in pair]
    indices = np.array(flat, dtype=np.int32).reshape(-1, 2)
    names = tuple(positions)
    _check_names(names, indices, where)
    return Manifest(
        dataset, split, protocol, names, indices, identities, made_from or {}, tuple(unpaired)
    )


def _plain(names: Sequence[str]) -> bool:
    """Whether all names are surely good, told many at once; False says nothing."""
    return all(
        _plain_batch(names[start : start + _BATCH]) for start in range(0, len(names), _BATCH)
    )


def _plain_batch(names: Sequence[str]) -> bool:
    text = "\n".join(names)
    ends = b"\n" * (len(names) - 1)
    return all(names) and text.isascii() and text.encode().translate(None, _PLAIN) == ends


def _check_names(names: Sequence[str], indices: npt.NDArray[np.int32], where: str) -> None:
    if _plain(names):
        return
    for position, name in enumerate(names):
        if _BAD_NAME.search(name):
            row = int(np.argmax((indices == position).any(axis=1))) + 1
            raise DataError(
                f"{where}{': ' if where else ''}row {row}: "
                f"{name!r} cannot be the name of an image in a manifest"
            )


def from_indices(
    names: Sequence[str],
    indices: npt.NDArray[np.integer],
    *,
    dataset: str,
    split: str,
    protocol: str,
    identities: int,
    made_from: Mapping[str, str] | None = None,
    unpaired: Sequence[str] = (),
) -> Manifest:
    """A manifest of pairs given by position in ``names``, an int array (n, 2).

    Raises:
        DataError: as ``from_pairs``, and if a name of a pair comes twice in ``names``.
    """
    used = by_first_appearance(indices)
    places = np.zeros(len(names), np.int32)
    places[used] = np.arange(len(used), dtype=np.int32)
    rows = places[indices]
    found = tuple(map(names.__getitem__, used.tolist()))
    if len(set(found)) != len(found):
        name = next(name for name, count in Counter(found).items() if count > 1)
        raise DataError(f"{name!r} is the name of two images, expected every name once")
    _check_names(found, rows, "")
    return Manifest(
        dataset, split, protocol, found, rows, identities, made_from or {}, tuple(unpaired)
    )


def by_first_appearance(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """The different numbers of an array, each 0 or more, in order of first appearance."""
    backwards = numbers.reshape(-1)[::-1]
    first = np.full(int(backwards.max(initial=-1)) + 1, -1, np.int64)
    first[backwards] = np.arange(len(backwards))[::-1]  # of several writes the last one stays
    used = np.flatnonzero(first >= 0)
    return used[np.argsort(first[used])]


def header_path(path: Path) -> Path:
    """The header beside a manifest's CSV."""
    return path.with_suffix(".json")


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the CSV and, last, the header beside it, each whole or not at all.

    Raises:
        StorageError: if the folder cannot be written.
    """
    write_atomic(path, manifest.csv)
    write_json(header_path(path), manifest.header)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest and verify it against its header.

    Raises:
        DataError: naming the file and the row: missing or malformed files, a digest or a count
            that is not the header's.
    """
    header = _read_header(header_path(path))
    data = _read(path)
    rows = _rows(_text_lines(data, path), path)
    if sha256_bytes(data) != header["sha256"]:
        raise DataError(f"{path}: {_difference(rows, header)}")
    manifest = from_pairs(
        (_pair(row) for row in rows),
        dataset=header["dataset"],
        split=header["split"],
        protocol=header["protocol"],
        identities=header["counts"]["identities"],
        made_from=header["made_from"],
        unpaired=header.get("unpaired", ()),
        where=str(path),
    )
    if manifest.counts != header["counts"]:
        raise DataError(
            f"{header_path(path)}: expected counts {manifest.counts}, got {header['counts']}"
        )
    return manifest


def read_rows(path: Path, dataset: str) -> Manifest:
    """Pairs of a CSV that has no header beside it, as others publish them.

    The split and the protocol are unknown, the count of persons is 0; nothing but the rows' form is
    verified.

    Args:
        path: a CSV with the head ``from,to``.
        dataset: name of the dataset that its names are of.

    Raises:
        DataError: naming the file and the row.
    """
    rows = _rows(_text_lines(_read(path), path), path)
    pairs = (_pair(row) for row in rows)
    return from_pairs(pairs, dataset=dataset, split="", protocol="", identities=0, where=str(path))


def shipped_manifest(dataset: str, split: str) -> Path | None:
    """The CSV that comes with the package for a dataset's split, or None."""
    path = paths.shipped("manifests") / f"{dataset}-{split}.csv"
    return path if path.is_file() else None


def _pair(row: str) -> tuple[str, str]:
    source, _, target = row.partition(",")
    return source, target


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the manifest {path}: {error.strerror}") from error


def _text_lines(data: bytes, path: Path) -> list[str]:
    try:
        return data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected UTF-8: {error}") from error


def _rows(lines: list[str], path: Path) -> list[str]:
    """The rows below the head, each of exactly two names."""
    if lines[0] != _HEAD:
        raise DataError(f"{path}: row 0: expected the head {_HEAD!r}, got {lines[0][:80]!r}")
    if lines[-1]:
        raise DataError(f"{path}: row {len(lines) - 1}: the file ends within a line")
    for number, line in enumerate(lines[1:-1], start=1):
        if line.count(",") != 1:
            raise DataError(
                f"{path}: row {number}: expected two names as 'from,to', got {line[:80]!r}"
            )
    return lines[1:-1]


def _read_header(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(_read(path))
    except ValueError as error:
        raise DataError(f"{path}: not JSON: {error}") from error
    expected = {
        "schema": str,
        "dataset": str,
        "split": str,
        "protocol": str,
        "counts": dict,
        "made_from": dict,
        "sha256": str,
        "checks": dict,
    }
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise DataError(f"{path}: expected a header of schema {SCHEMA!r}")
    for name, kind in expected.items():
        if not isinstance(header.get(name), kind):
            raise DataError(f"{path}: expected {name!r} to be a {kind.__name__}")
    if not all(isinstance(header["counts"].get(name), int) for name in ("identities", "pairs")):
        raise DataError(f"{path}: expected 'counts' of images, identities and pairs")
    unpaired = header.get("unpaired", [])
    if not isinstance(unpaired, list) or not all(isinstance(name, str) for name in unpaired):
        raise DataError(f"{path}: expected 'unpaired' to be a list of persons")
    return header


def _checks(rows: Sequence[str]) -> dict[str, str]:
    """Checksums along and across the rows laid out as a square: they find a changed row.

    Row ``i`` belongs to line ``i // width`` and to column ``i % width``; a changed row changes one
    of each. CRC-32 in 8 hexadecimal digits each; the digest guards, these only locate.
    """
    width = isqrt(max(len(rows) - 1, 0)) + 1
    lines = [rows[start : start + width] for start in range(0, len(rows), width)]
    columns = [rows[start::width] for start in range(width)]

    def digits(groups: list[Sequence[str]]) -> str:
        return "".join(f"{zlib.crc32(chr(10).join(group).encode()):08x}" for group in groups)

    return {"lines": digits(lines), "columns": digits(columns)}


def _difference(rows: Sequence[str], header: Mapping[str, Any]) -> str:
    """Where rows that do not match their header's digest were changed."""
    expected = header["counts"]["pairs"]
    if len(rows) != expected:
        return f"expected {expected} rows, got {len(rows)}"
    found, stated = _checks(rows), header["checks"]
    width = isqrt(max(len(rows) - 1, 0)) + 1

    def changed(axis: str) -> list[int]:
        ours, theirs = found[axis], str(stated.get(axis, ""))
        return [i // 8 for i in range(0, len(ours), 8) if ours[i : i + 8] != theirs[i : i + 8]]

    places = sorted(
        line * width + column
        for line in changed("lines")
        for column in changed("columns")
        if line * width + column < len(rows)
    )
    if not places:
        return f"its SHA-256 is not the header's {header['sha256']}"
    shown = "; ".join(f"row {place + 1} is {rows[place]!r}" for place in places[:5])
    more = f" and up to {len(places) - 5} more" if len(places) > 5 else ""
    return f"not what its header describes, changed at {shown}{more}"
