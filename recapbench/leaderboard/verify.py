"""Find every edit of the leaderboards, and of the files that their records vouch for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from recapbench.errors import DataError
from recapbench.leaderboard.board import Board, Measured, read_board
from recapbench.leaderboard.index import (
    NAME,
    Index,
    digests,
    links,
    make_index,
    names,
    read_index,
    write_index,
)
from recapbench.leaderboard.soundness import problems
from recapbench.leaderboard.vouched import Installation, claims, installation
from recapbench.provenance import sha256_file

_PLACES: Final = re.compile(
    r"""README\.md
    | [^/]+/measured/[^/]+/(result\.json | values\.csv | samples/\d+\.png)
    | [^/]+/samples/\d+-(source|target)\.png
    | [^/]+/ablation/[^/]+\.(json|csv)
    | [^/]+/reported/[^/]+\.json""",
    re.VERBOSE,
)
"""Where a file may lie; see `recapbench.leaderboard.board`."""


def verify(root: Path, here: Installation | None = None) -> list[str]:
    """What is wrong with the leaderboards below a folder; a line each, none if all is well.

    Args:
        root: the folder.
        here: the installation whose files the records vouch for; the running one by default.

    Raises:
        DataError: if there is no such folder.
    """
    if not root.is_dir():
        raise DataError(f"expected a folder of leaderboards, got none at {root}")
    here = installation() if here is None else here
    board, wrong = _checked(root, here)
    try:
        index = read_index(root)
    except DataError as error:
        return [str(error), *wrong]
    return [*_edits(root, index, here), *wrong, *(_claims(board, index, here) if board else ())]


def update_index(root: Path, here: Installation | None = None) -> list[str]:
    """Write the index anew; returns the names of the files whose entries are other ones now.

    Raises:
        DataError: if a record is not sound, whatever the index says.
    """
    here = installation() if here is None else here
    board, wrong = _checked(root, here)
    if board is None or wrong:
        raise DataError("the records are not sound:\n" + "\n".join(wrong))
    try:
        old = read_index(root)
    except DataError:
        old = Index(files={}, vouched={})
    new = make_index(board, here)
    write_index(new, root)
    return sorted(_changed(old.files, new.files) | _changed(old.vouched, new.vouched))


def _checked(root: Path, here: Installation) -> tuple[Board | None, list[str]]:
    """The board, if it can be read, and what is wrong with its records, whatever the index says."""
    wrong = [f"{name}: expected no link below leaderboards" for name in links(root)]
    wrong += [
        f"{name}: expected no file here" for name in names(root) if not _PLACES.fullmatch(name)
    ]
    try:
        board = read_board(root)
        for folder in sorted(root.glob("*/")):
            board.samples(folder.name)
    except DataError as error:
        return None, [*wrong, str(error)]
    for record in board.measured:
        wrong += [f"{_named(record, root)}: {problem}" for problem in _placed(record)]
    for record in (*board.measured, *board.ablation):
        wrong += [f"{_named(record, root)}: {problem}" for problem in _problems(record, here)]
    return board, wrong


def _problems(record: Measured, here: Installation) -> list[str]:
    try:
        return list(problems(record, here))
    except DataError as error:  # a damaged lock
        return [str(error)]


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _edits(root: Path, index: Index, here: Installation) -> Iterator[str]:
    """Files that are not what the index says."""
    there = digests(root)
    for name in sorted(_changed(index.files, there)):
        if name not in there:
            yield f"{name}: missing"
        elif name not in index.files:
            yield f"{name}: not in {NAME}"
        else:
            yield f"{name}: expected digest {index.files[name]}, got {there[name]}"
    for name, expected in index.vouched.items():
        try:
            path = here.path(name)
        except DataError as error:
            yield f"{NAME}: {error}"
            continue
        got = sha256_file(path) if path.is_file() else "no file"
        if got != expected:
            yield f"{name}, which records vouch for: expected digest {expected}, got {got}"


def _claims(board: Board, index: Index, here: Installation) -> Iterator[str]:
    """Files that records vouch for and the index does not know, and the other way round."""
    records = (*board.measured, *board.ablation)
    try:
        claimed = {claim.name for record in records for claim in claims(record.result, here)}
    except DataError:  # said already
        return
    for name in sorted(claimed ^ index.vouched.keys()):
        where = "no record vouches for it" if name in index.vouched else f"not in {NAME}"
        yield f"{name}: {where}"


def _named(record: Measured, root: Path) -> str:
    """A record in a message."""
    dataset, kind = record.folder.relative_to(root).parts[:2]
    return f"{dataset}/{kind}/{record.method}"


def _placed(record: Measured) -> Iterator[str]:
    """Whether a record lies where its method and dataset say."""
    place = record.folder.parent.parent.name
    if record.dataset != place:
        yield f"expected a record of {place}, got one of {record.dataset or 'no dataset'}"
    if record.method != record.folder.name:
        yield f"expected a record of {record.folder.name}, got one of {record.method}"
