"""Building the annotation cache: interrupted, shared, out of space, and always the same."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import datasets
import pytest
from test_data_build import child

from recapbench.data import annotation_build
from recapbench.data.annotations import RECORD, Annotations, open_annotations
from recapbench.data.split import Split
from recapbench.errors import DataError

# Each point is a call at which a process of its own is killed: the n-th `os.replace` or `os.fsync`
# (before it is done), or the n-th row. With one row a piece, 8 pieces are renamed, then the record,
# then the folder.
KILLED = """
import os, shutil, signal, sys
from recapbench.data import annotation_build, cache
from recapbench.data.annotations import open_annotations
annotation_build.SHARD_ROWS = 1

def die_at(function, count):
    calls = []
    def call(*arguments, **options):
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

split = DOLLS.open('test', preset='tiny')
for point in sys.argv[1:] or POINTS:
    what, _, count = point.partition(':')
    process = os.fork()
    if process == 0:
        progress = None
        if what == 'row':
            progress = die_at(lambda done, total: None, int(count))
        elif what == 'tidy':
            cache.shutil.rmtree = die_at(shutil.rmtree, int(count))
        else:
            setattr(os, what, die_at(getattr(os, what), int(count)))
        open_annotations(split, progress, workers=2)
        os._exit(0)
    print(point, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""


def killed(*points: str) -> list[str]:
    """Kill a build at each point in turn, and say how each process ended."""
    output, errors = child(f"POINTS = {points!r}\n{KILLED}").communicate(timeout=300)
    assert output, errors
    return output.splitlines()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def hidden(home: Path) -> list[str]:
    """What lies beside the finished folder, but for locks."""
    names = (path.name for path in (home / "annotations").iterdir())
    return [name for name in names if name.startswith(".") and not name.endswith(".lock")]


def uninterrupted(split: Split, home: Path, monkeypatch: pytest.MonkeyPatch) -> Annotations:
    """The same cache, built at once in another home."""
    monkeypatch.setenv("RECAPBENCH_HOME", str(home))
    return open_annotations(split, workers=1)


def test_killed_anywhere_it_ends_the_same(
    split: Split, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = ["row:1", "fsync:1", "replace:1", "row:3", "replace:4"]  # of 8 pieces, 5 are there
    points += ["fsync:6", "replace:1", "replace:2"]  # table written; its record; its name
    ended = killed(*points)
    assert ended == [f"{point} -9" for point in points]
    (work,) = (home / "annotations").glob(".*.work")
    steps: list[int] = []
    cache = open_annotations(split, progress=lambda done, total: steps.append(done))
    assert hidden(home) == []
    whole = uninterrupted(split, tmp_path / "other", monkeypatch)
    assert cache.folder.parent != whole.folder.parent
    assert content(cache.folder) == content(whole.folder)
    assert cache.verify() == whole.digest == cache.digest
    assert not work.exists()


def test_what_a_killed_build_finished_is_kept(
    split: Split, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed("replace:6") == ["replace:6 -9"]  # five pieces of one row are there
    monkeypatch.setattr(annotation_build, "SHARD_ROWS", 1)
    steps: list[int] = []
    open_annotations(split, progress=lambda done, total: steps.append(done))
    assert steps == [6, 7, 8]


def test_killed_while_tidying_up(split: Split, home: Path) -> None:
    assert killed("tidy:2") == ["tidy:2 -9"]  # the folder is there, the work not yet removed
    assert len(hidden(home)) == 1
    cache = open_annotations(split)
    assert cache.verify() == cache.digest
    cache.folder.rename(cache.folder.with_name("0" * 32))
    (home / "annotations" / hidden(home)[0]).rename(home / "annotations" / f".{'0' * 32}.work")
    open_annotations(split)  # any build removes the work of one that is done
    assert hidden(home) == []


def test_what_was_left_is_not_trusted_blindly(
    split: Split, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed("replace:6")
    (work,) = (home / "annotations").glob(".*.work")
    pieces = sorted((work / "pieces").glob("*.arrow"))
    damaged = bytearray(pieces[0].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    pieces[0].write_bytes(damaged)
    pieces[1].write_bytes(b"")
    pieces[2].rename(pieces[2].with_name("piece.arrow"))
    shutil.copy(pieces[3], pieces[3].with_name(f"{7:09d}{pieces[3].name[9:]}"))
    (work / "pieces" / "folder").mkdir()
    (work / "making").mkdir(exist_ok=True)
    (work / "making" / "state.json").write_text("{}")
    monkeypatch.setattr(annotation_build, "SHARD_ROWS", 1)
    cache = open_annotations(split)
    whole = uninterrupted(split, tmp_path / "other", monkeypatch)
    assert content(cache.folder) == content(whole.folder)


@pytest.mark.parametrize(("workers", "rows"), [(1, 3), (3, 1), (5, 8)])
def test_threads_and_pieces_change_nothing(
    split: Split,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: int,
    rows: int,
) -> None:
    whole = open_annotations(split)
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(annotation_build, "SHARD_ROWS", rows)
    other = open_annotations(split, workers=workers)
    assert content(other.folder) == content(whole.folder)


def test_two_processes_at_once_one_of_them_killed(split: Split, home: Path) -> None:
    code = """
import os, signal
from recapbench.data import annotation_build
from recapbench.data.annotations import open_annotations
annotation_build.SHARD_ROWS = 1
def progress(done, total):
    if done == 4 and os.environ.get('DIE'):
        os.kill(os.getpid(), signal.SIGKILL)
print(open_annotations(DOLLS.open('test', preset='tiny'), progress, workers=2).verify())
"""
    runs = [child(code, DIE="1"), child(code), child(code)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert runs[0].returncode in (0, -9)  # it may come when all is done
    assert [run.returncode for run in runs[1:]] == [0, 0], outputs
    assert outputs[1][0] == outputs[2][0]
    assert hidden(home) == []


@pytest.mark.parametrize(("rows", "limit"), [(8, 2000), (1, 7000)], ids=["piece", "table"])
def test_full_disk_leaves_nothing_half_written(
    split: Split, home: Path, rows: int, limit: int
) -> None:
    code = f"""
import resource
from recapbench.data import annotation_build
from recapbench.data.annotations import open_annotations
from recapbench.errors import StorageError
annotation_build.SHARD_ROWS = {rows}
split = DOLLS.open('test', preset='tiny')
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))  # no file may grow larger
try:
    open_annotations(split)
except StorageError as error:
    print(error)
"""
    output, errors = child(code).communicate(timeout=120)
    assert "cannot write" in output, errors
    assert "too large" in output
    assert [path.name for path in (home / "annotations").iterdir() if path.suffix == ""] == []
    pieces = list((home / "annotations").glob(".*/pieces/*"))
    assert len(pieces) == (8 if rows == 1 else 0)  # whole pieces are kept
    assert list((home / "annotations").glob(".*/making")) == []
    open_annotations(split).verify()
    assert hidden(home) == []


def test_labels_damaged_late_keep_what_is_finished(
    split: Split, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotation_build, "SHARD_ROWS", 2)
    path = split.root / split.entries[5].labels
    sound = path.read_bytes()
    path.write_bytes(sound[:-1])
    with pytest.raises(DataError, match=path.name):
        open_annotations(split, workers=1)
    path.write_bytes(sound)
    steps: list[int] = []
    open_annotations(split, progress=lambda done, total: steps.append(done)).verify()
    assert steps == [5, 6, 7, 8]


def test_a_split_without_label_maps(split: Split, tmp_path: Path) -> None:
    bare = dataclasses.replace(
        split,
        entries=tuple(
            entry._replace(labels="", labels_sha256="", labels_pixels="") for entry in split.entries
        ),
    )
    ours, theirs = open_annotations(bare), open_annotations(split)
    assert ours.folder != theirs.folder
    for name in split.names:
        assert (ours.mask(name) == theirs.mask(name)).all()
        with pytest.raises(DataError, match=rf"no label maps; those of '{name}'"):
            ours.parsing(name)
    assert ours.verify() != theirs.verify()
    table = datasets.load_from_disk(str(ours.folder))
    assert table["parsing"][:] == [None] * len(split)
    assert table.features["parsing"] == datasets.Value("binary")
    assert json.loads((ours.folder / RECORD).read_bytes())["parts"] is None
