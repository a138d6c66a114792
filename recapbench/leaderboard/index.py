"""The index: the digest of every file of the leaderboards, and of what their records vouch for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recapbench.errors import DataError, what_is_wrong
from recapbench.leaderboard.board import Board
from recapbench.leaderboard.vouched import Installation, claims
from recapbench.provenance import sha256_file, write_atomic

NAME: Final = "index.json"
SCHEMA: Final = "recapbench.leaderboards/1"

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Index(BaseModel):
    """Digests (SHA-256) by name.

    Attributes:
        files: every file below the leaderboards but the index, by its path there.
        vouched: files of the installation that the records speak of; see `vouched`.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    schema_: Literal["recapbench.leaderboards/1"] = Field(default=SCHEMA, alias="schema")
    files: dict[str, _Digest]
    vouched: dict[str, _Digest]

    def encoded(self) -> bytes:
        """The only form in which the index may be written."""
        document = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def make_index(board: Board, here: Installation) -> Index:
    """The index of a board as it is now.

    Raises:
        DataError: if a file that a record vouches for is missing.
    """
    records = (*board.measured, *board.ablation)
    claimed = {claim.name for record in records for claim in claims(record.result, here)}
    return Index(files=digests(board.root), vouched=vouched_digests(claimed, here))


def names(root: Path) -> list[str]:
    """Every file below a folder but the index, by its path."""
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in found if name != NAME)


def links(root: Path) -> list[str]:
    """Every symbolic link below a folder, by its path: what is behind one is not in the index."""
    found = (path for path in root.rglob("*") if path.is_symlink())
    return sorted(path.relative_to(root).as_posix() for path in found)


def digests(root: Path) -> dict[str, str]:
    """The digest of every file below a folder but the index, by its path."""
    return {name: sha256_file(root / name) for name in names(root)}


def vouched_digests(claimed: Iterable[str], here: Installation) -> dict[str, str]:
    """Digests of files of the installation.

    Raises:
        DataError: if one is missing.
    """
    found = {}
    for name in sorted(claimed):
        path = here.path(name)
        if not path.is_file():
            raise DataError(f"expected {name}, which a record vouches for, got none at {path}")
        found[name] = sha256_file(path)
    return found


def write_index(index: Index, root: Path) -> None:
    """Write the index of a folder, whole or not at all."""
    write_atomic(root / NAME, index.encoded())


def read_index(root: Path) -> Index:
    """The index of a folder.

    Raises:
        DataError: if it is missing, malformed, or not in the form in which it is written.
    """
    path = root / NAME
    try:
        data = path.read_bytes()
        index = Index.model_validate_json(data)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path} is no valid index: {what_is_wrong(error)}") from None
    if index.encoded() != data:
        raise DataError(f"{path}: expected it in the form in which it is written")
    return index
