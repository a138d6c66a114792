"""Digests, versions, seeds and devices: what makes a result traceable.

Digests are SHA-256 in lower-case hexadecimal.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from recapbench.errors import StorageError

_CHUNK = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """Digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Digest of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Digest of a JSON value in its canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256_bytes(text.encode())


def sha256_pixels(image: np.ndarray) -> str:
    """Digest of an image's shape, type and pixels, whatever file it stands in."""
    head = f"{image.dtype.str}{image.shape}".encode()
    return sha256_bytes(head + np.ascontiguousarray(image).tobytes())


def sha256_ordered(digests: Iterable[str]) -> str:
    """Digest of a sequence of digests, in order."""
    return sha256_bytes("\n".join(digests).encode())


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an operating-system error while writing below ``path`` into a StorageError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot write {error.filename or path}: {reason}") from error


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        StorageError: if the folder cannot be written (full, read-only, not a folder).
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document, indented, whole or not at all.

    Bytes of a file's name that are no text stand in it as question marks.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, text.encode(errors="replace"))


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators."""
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (plugins may draw from the global generator)
    torch.manual_seed(seed)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a figure depends on."""
    names = ("recapbench", "torch", "torchvision", "numpy", "numba", "scipy", "pillow")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def source_commit() -> str | None:
    """Commit of the checkout that this package runs from; None in an installed wheel.

    Only a git folder directly around the package counts: a user's own repository, in which an
    environment may lie, says nothing about our code.
    """
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists() or not (root / "pyproject.toml").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
