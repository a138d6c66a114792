"""Where weights lie on this machine, and whether they are what their record says."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from recapbench import paths
from recapbench.errors import DataError, MissingWeightsError
from recapbench.provenance import sha256_file
from recapbench.weights.download import download
from recapbench.weights.record import Weights


def locate(record: Weights, path: Path | None = None) -> Path:
    """The file of these weights on this machine, downloaded if it must and may be.

    Args:
        record: which weights.
        path: a file that the user gave; then nothing else is tried.

    Raises:
        MissingWeightsError: it is nowhere to be had; one line that says why.
        DataError: a file is there and is not what the record says.
        StorageError: the cache folder cannot be written.
    """
    if path is not None:
        if not path.is_file():
            raise MissingWeightsError(f"weights {record.name!r}: there is no file {path}")
        return check(record, path)
    found = find(record)
    if found is not None:
        return check(record, found)
    cached = cache_path(record)
    download(record, cached)
    return cached


def find(record: Weights) -> Path | None:
    """The file of these weights as it lies on this machine, unread; None if it does not."""
    candidates = (cache_path(record), _in_package(record))
    return next((path for path in candidates if path is not None and path.is_file()), None)


def check(record: Weights, path: Path) -> Path:
    """The path, if the file has the digest of its record.

    Raises:
        DataError: if it has another.
    """
    stat = path.stat()
    digest = _digest(path, stat.st_size, stat.st_mtime_ns)
    if not digest.startswith(record.sha256):
        raise DataError(
            f"{path}: expected weights {record.name!r} with sha256 {record.sha256}..., got {digest}"
        )
    return path


def cache_path(record: Weights) -> Path:
    """Where a download of these weights is kept, or may be put by hand."""
    return paths.home() / "weights" / record.file_name


def _in_package(record: Weights) -> Path | None:
    """The file inside an installed package, found without running the package's code."""
    spec = find_spec(record.package) if record.package else None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / record.package_file


@lru_cache(maxsize=16)
def _digest(path: Path, size: int, modified_ns: int) -> str:
    """Digest of a file, remembered as long as its size and time stay the same."""
    return sha256_file(path)
