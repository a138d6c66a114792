from __future__ import annotations

import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
from dolls import DOLLS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_data_build import child

from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.pose import pose_mask
from recapbench.data.split import Split
from recapbench.errors import DataError, StorageError

NAME = "test_0001_02.png"


@pytest.fixture
def cached(split: Split) -> Annotations:
    return open_annotations(split)


def test_rows_are_the_split(split: Split, cached: Annotations) -> None:
    for name in split.names:
        ours, theirs = cached.annotation(name), split.annotation(name)
        np.testing.assert_array_equal(ours.keypoints, theirs.keypoints)
        np.testing.assert_array_equal(ours.parsing, theirs.parsing)
        assert ours.parsing.dtype == np.uint8
        np.testing.assert_array_equal(cached.mask(name), pose_mask(ours.keypoints, (256, 256)))
        assert cached.mask(name).dtype == np.bool_


def test_anyone_may_read_the_table(split: Split, cached: Annotations) -> None:
    table = datasets.load_from_disk(str(cached.folder))
    assert table["name"][:] == list(split.names)
    assert table.features["keypoints"] == datasets.Array2D((18, 3), "float32")
    row = table[split.position(NAME)]
    np.testing.assert_array_equal(row["keypoints"], split.annotation(NAME).keypoints)
    labels = pa.decompress(row["parsing"], 256 * 256, codec="zstd", asbytes=True)
    assert labels == split.annotation(NAME).parsing.tobytes()


def test_second_start_builds_nothing(split: Split, cached: Annotations) -> None:
    for path in split.root.glob("*/*.labels.png"):
        path.unlink()
    again = open_annotations(split)
    assert again.folder == cached.folder
    np.testing.assert_array_equal(again.mask(NAME), cached.mask(NAME))


def test_a_worker_process_opens_it_again(cached: Annotations) -> None:
    cached.mask(NAME)
    copy = pickle.loads(pickle.dumps(cached))
    np.testing.assert_array_equal(copy.parsing(NAME), cached.parsing(NAME))


def test_damaged_row_is_named(cached: Annotations) -> None:
    cached.parsing(NAME)
    table = datasets.load_from_disk(str(cached.folder)).data
    blob = table.column("parsing")[6].as_py()
    del table
    path = next(cached.folder.glob("*.arrow"))
    data = bytearray(path.read_bytes())
    data[data.index(blob, data.index(NAME.encode())) + len(blob) // 2] ^= 1
    path.unlink()
    path.write_bytes(data)
    damaged = pickle.loads(pickle.dumps(cached))
    failed = {}
    for name in damaged.split.names:
        try:
            damaged.parsing(name)
        except DataError as error:
            failed[name] = str(error)
    assert len(failed) == 1
    name, message = failed.popitem()
    assert f"row of {name!r}" in message
    assert "Delete that folder" in message


def test_lost_table_is_named(cached: Annotations) -> None:
    for path in cached.folder.iterdir():
        path.unlink()
    with pytest.raises(DataError, match=r"annotation cache .* is damaged"):
        cached.mask(NAME)


def test_damaged_labels_leave_nothing_behind(split: Split, home: Path) -> None:
    (split.root / "test_0000" / "test_0000_01.labels.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"test_0000_01\.labels\.png"):
        open_annotations(split)
    assert [path.suffix for path in (home / "annotations").iterdir()] == [".lock"]


def test_cache_that_cannot_be_written(split: Split, home: Path) -> None:
    (home / "annotations").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        open_annotations(split)


def test_two_processes_at_once_build_it_once(split: Split, home: Path) -> None:
    code = """
from recapbench.data.annotations import open_annotations
split = DOLLS.open('test', preset='tiny')
steps = []
cache = open_annotations(split, progress=lambda done, total: steps.append(done))
print(len(steps), sum(int(cache.mask(name).sum()) for name in split.names))
"""
    runs = [child(code) for _ in range(2)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    counts = [output.split() for output, _ in outputs]
    assert sorted(count[0] for count in counts) == ["0", "8"]
    assert counts[0][1] == counts[1][1]


def test_key_follows_the_content(split: Split, cached: Annotations) -> None:
    other = open_annotations(DOLLS.open("train", preset="tiny", workers=1))
    assert other.folder != cached.folder


def test_many_threads_may_read_at_once(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    opened: list[float] = []
    load = datasets.load_from_disk

    def slow(path: str) -> object:
        opened.append(time.monotonic())
        time.sleep(0.1)
        return load(path)

    cache = open_annotations(split)
    monkeypatch.setattr(datasets, "load_from_disk", slow)
    with ThreadPoolExecutor(8) as pool:
        masks = list(pool.map(cache.mask, split.names * 4))
    assert len(opened) == 1
    assert all(np.array_equal(a, b) for a, b in zip(masks, masks[len(split) :], strict=False))


def flip(path: Path, place: int, bit: int) -> None:
    """Change one bit, in a new file: the old one may be mapped into memory."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.unlink()
    path.write_bytes(data)


def test_verify_tells_what_is_sound(cached: Annotations) -> None:
    steps: list[tuple[int, int]] = []
    assert cached.verify(lambda done, total: steps.append((done, total))) == cached.digest
    assert steps == [(row, 8) for row in range(1, 9)]
    assert cached.verify(workers=1) == cached.digest


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_changed_bit_is_found(cached: Annotations, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(cached.folder.iterdir())))
    sound = path.read_bytes()
    flip(path, data.draw(st.integers(0, len(sound) - 1)), data.draw(st.integers(0, 7)))
    try:
        with pytest.raises(DataError, match=r"annotation cache .* is damaged") as caught:
            pickle.loads(pickle.dumps(cached)).verify()
    finally:
        path.unlink()
        path.write_bytes(sound)
    assert str(cached.folder) in str(caught.value)


@pytest.mark.parametrize("column", ["parsing", "mask", "keypoints"])
def test_verify_names_the_row(cached: Annotations, column: str) -> None:
    row = cached.split.position(NAME)
    table = datasets.load_from_disk(str(cached.folder)).with_format("numpy")
    value = table[row][column]
    stored = value.astype(np.float32).tobytes() if column == "keypoints" else bytes(value)
    del table
    path = next(cached.folder.glob("*.arrow"))
    flip(path, path.read_bytes().index(stored) + len(stored) // 2, 0)
    with pytest.raises(DataError, match=f"row of '{NAME}'"):
        pickle.loads(pickle.dumps(cached)).verify()


@pytest.mark.parametrize("length", [0, 100, -8, -1000])
def test_cut_table_is_found(cached: Annotations, length: int) -> None:
    path = next(cached.folder.glob("*.arrow"))
    data = path.read_bytes()[:length]
    path.unlink()
    path.write_bytes(data)
    with pytest.raises(DataError, match="is damaged"):
        pickle.loads(pickle.dumps(cached)).verify()
