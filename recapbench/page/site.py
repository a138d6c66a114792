"""The site as files in a folder."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import Board
from recapbench.page.links import INDEX
from recapbench.page.render import pages
from recapbench.page.samples import Samples
from recapbench.provenance import sha256_bytes, storage_errors, write_atomic, write_json

LIST: Final = "files.json"
SCHEMA: Final = "recapbench.page/1"


def write_site(board: Board, out: Path) -> list[Path]:
    """Write the site; the same records give the same bytes.

    An earlier site in the folder is replaced: its files are overwritten, those that are no longer
    part of it are removed, and no others are touched.

    Args:
        board: the records.
        out: folder of the site.

    Returns:
        Its pages, the index first.

    Raises:
        UsageError: if the folder holds something else.
        DataError: if a sample is no picture, or the board has no records.
        StorageError: if the folder cannot be written.
    """
    if not (board.measured or board.ablation or board.reported):
        raise DataError(f"expected records below {board.root}, got none")
    before = _earlier(out)
    samples = Samples(board)
    pictures = {path: _read(file) for path, file in samples.files().items()}
    files = {path: _webp(picture) for path, picture in pictures.items()}
    files |= pages(board, samples, {path: one.size for path, one in pictures.items()})
    digests = {path: sha256_bytes(files[path]) for path in sorted(files)}
    stale = before - set(files)
    _list(out, digests | dict.fromkeys(sorted(stale), ""))
    for path, content in files.items():
        write_atomic(out / path, content)
    _remove(out, stale)
    _list(out, digests)
    found = sorted(path for path in files if path.endswith(".html"))
    return [out / path for path in sorted(found, key=lambda path: path != INDEX)]


def _list(out: Path, digests: dict[str, str]) -> None:
    """Write what belongs to the site, by which a later one knows what to replace."""
    write_json(out / LIST, {"schema": SCHEMA, "files": digests})


def _earlier(out: Path) -> set[str]:
    """Files of the site that is in the folder."""
    with storage_errors(out):
        if not out.exists() or (out.is_dir() and not any(out.iterdir())):
            return set()
    try:
        listed = json.loads((out / LIST).read_bytes())
        if listed["schema"] != SCHEMA:
            raise ValueError
        return {
            path for path in listed["files"] if (out / path).resolve().is_relative_to(out.resolve())
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"--out: expected a new folder, an empty one or an earlier page, got {out}"
        ) from None


def _remove(out: Path, paths: set[str]) -> None:
    """Remove files, and the folders that become empty."""
    with storage_errors(out):
        for path in sorted(paths):
            (out / path).unlink(missing_ok=True)
            for folder in Path(path).parents:
                if (
                    folder != Path()
                    and (out / folder).is_dir()
                    and not any((out / folder).iterdir())
                ):
                    (out / folder).rmdir()


def _read(path: Path) -> Image.Image:
    """A picture, RGB."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(
            f"{path}: expected a PNG, got a file that cannot be read: {error}"
        ) from None


def _webp(picture: Image.Image) -> bytes:
    """The very pixels, in about two thirds of the bytes of a PNG."""
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True, quality=80, method=4)
    return file.getvalue()
