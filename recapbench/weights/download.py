"""Fetching weights from the network, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

from recapbench import paths
from recapbench.errors import MissingWeightsError
from recapbench.provenance import storage_errors
from recapbench.weights.record import Weights

_TIMEOUT_SECONDS = 10.0
_CHUNK = 1 << 20


def download(record: Weights, target: Path) -> None:
    """Fetch a file whole, check it, and only then give it its name.

    Raises:
        MissingWeightsError: there is nowhere to fetch it from, the network is forbidden or fails,
            or another file came.
        StorageError: the folder cannot be written.
    """
    if record.url is None:
        raise MissingWeightsError(f"weights {record.name!r} are not installed: {record.note}")
    if paths.offline():
        raise MissingWeightsError(
            f"weights {record.name!r} are not in the cache (RECAPBENCH_HOME/weights/"
            f"{record.file_name}), and RECAPBENCH_OFFLINE forbids downloading them from "
            f"{record.url}"
        )
    chunks = _chunks(record)
    head = next(chunks, b"")  # a network that fails must not leave an empty folder behind
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                digest = hashlib.sha256(head)
                file.write(head)
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            _require_digest(record, digest.hexdigest())
            os.chmod(name, 0o644)
            os.replace(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _chunks(record: Weights) -> Iterator[bytes]:
    """The body of a download; every failure of the network is a MissingWeightsError."""
    assert record.url is not None
    try:
        with urllib.request.urlopen(record.url, timeout=_TIMEOUT_SECONDS) as response:
            expected = response.headers.get("Content-Length")
            received = 0
            while chunk := response.read(_CHUNK):
                received += len(chunk)
                yield chunk
        if expected is not None and received != int(expected):
            raise OSError(f"{received} bytes came of {expected}")
    except (OSError, HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", "") or error or type(error).__name__)
        raise MissingWeightsError(
            f"weights {record.name!r} are not in the cache (RECAPBENCH_HOME/weights/"
            f"{record.file_name}) and could not be downloaded from {record.url}: "
            f"{' '.join(reason.split())}"
        ) from error


def _require_digest(record: Weights, digest: str) -> None:
    if not digest.startswith(record.sha256):
        raise MissingWeightsError(
            f"weights {record.name!r}: {record.url} sent a file with sha256 {digest}, "
            f"expected {record.sha256}..."
        )
