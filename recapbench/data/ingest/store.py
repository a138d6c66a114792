"""Files of the prepared index: documents that know their own digest, and where they lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recapbench import paths
from recapbench.errors import DataError
from recapbench.provenance import sha256_json, write_atomic


def folder_of(dataset: str) -> Path:
    """Where everything prepared of a dataset lies."""
    return paths.home() / "datasets" / dataset


def write_sealed(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document with its own digest, whole or not at all.

    Raises:
        StorageError: if the folder cannot be written.
    """
    write_atomic(path, _encoded({**document, "sha256": sha256_json(document)}))


def _encoded(document: dict[str, Any]) -> bytes:
    """The only bytes that a document may have, so that no changed byte goes unseen."""
    return (json.dumps(document, separators=(",", ":")) + "\n").encode()


def read_sealed(path: Path, schema: str) -> dict[str, Any]:
    """A document that ``write_sealed`` wrote.

    Raises:
        DataError: if it cannot be read, is damaged, or is of another schema; it is named.
    """
    try:
        data = path.read_bytes()
        document = json.loads(data)
        sound = data == _encoded(document) and document["schema"] == schema
        sound = document.pop("sha256") == sha256_json(document) and sound
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise DataError(f"{path} is damaged: it is not what its own digest says")
    return dict(document)
