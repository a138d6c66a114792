"""Data sets: what is rendered or prepared of each. Imports plugins: called in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.ingest.prepared import last_index, pointer_path, prepare_command
from recapbench.doctor.finding import DATASETS, Finding
from recapbench.doctor.storage import size, size_text
from recapbench.errors import DataError, UsageError
from recapbench.mannequin.dataset import MANNEQUIN, MANNEQUIN_STREET, set_folder


def dataset(name: str) -> Iterator[Finding]:
    """What there is of a registered data set."""
    record = find_dataset(name)
    if record.from_files:
        yield from (_prepared(record, split) for split in record.splits)
    elif record in (MANNEQUIN, MANNEQUIN_STREET):
        yield from _rendered(record)
    else:
        yield Finding(DATASETS, name, "ok", f"{record.title}; {record.licence}")


def _prepared(record: DatasetRecord, split: str) -> Finding:
    """A split that a user prepares from files."""
    name, command = f"{record.name} {split}", prepare_command(record.name, split)
    if not pointer_path(record.name, split).exists():
        detail = f"not prepared; {record.licence}"
        return Finding(DATASETS, name, "missing", detail, command)
    try:
        _, index = last_index(record.name, split)
    except DataError as error:
        return Finding(DATASETS, name, "broken", str(error), command)
    root = Path(index["root"])
    detail = f"{index['images']} images, {index['geometry']}, {index['protocol']}, of {root}"
    if not root.is_dir():
        return Finding(DATASETS, name, "broken", f"{detail}, which is gone", index["command"])
    if not index["parsing"]:
        said = f"{detail}; without label maps, which sat_lgr reads"
        return Finding(DATASETS, name, "warning", said, f"{command} --parsing DIR")
    return Finding(DATASETS, name, "ok", detail)


def _rendered(record: DatasetRecord) -> Iterator[Finding]:
    """A built-in set, which is rendered when a split of it is first asked for."""
    try:
        record.preset()
    except UsageError as error:
        mend = "unset RECAPBENCH_PRESET"
        yield Finding(DATASETS, record.name, "broken", f"RECAPBENCH_PRESET: {error}", mend)
    folders = {preset: set_folder(record, preset) for preset in record.presets}
    for preset, folder in folders.items():
        splits = [split for split in record.splits if (folder / split / "index.json").exists()]
        if splits:
            detail = f"{', '.join(splits)} rendered; {size_text(size(folder))}"
        else:
            detail = "rendered when it is first used"
        yield Finding(DATASETS, f"{record.name} {preset}", "ok", detail)
    yield from _left(record, folders[record.default_preset].parent, set(folders.values()))


def _left(record: DatasetRecord, parent: Path, ours: set[Path]) -> Iterator[Finding]:
    """Sets that another version of this package rendered, and may still use."""
    others = [path for path in parent.glob("*") if path.is_dir() and path not in ours]
    if others:
        names = ", ".join(sorted(path.name for path in others))
        total = size_text(sum(map(size, others)))
        detail = f"{total} rendered by other versions of recapbench: {names}"
        yield Finding(DATASETS, f"{record.name} others", "ok", detail)
