"""Features on disk: whole or not at all, checked, and bounded."""

from __future__ import annotations

import os

import numpy as np
import pytest

from recapbench.errors import StorageError
from recapbench.evaluation.features import cache
from recapbench.evaluation.features.row_file import RowFile


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path))
    return tmp_path


def arrays(n=5, d=4, c=3, seed=0):
    generator = np.random.default_rng(seed)
    return tuple(generator.normal(size=(n, width)).astype(np.float32) for width in (d, c))


def keep(key, n=5, order=None):
    order = np.arange(n) if order is None else np.asarray(order)
    cache.keep(key, arrays(n), order, {"extractor": "toy"})


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [3, 3, 0, 4] * 700])
def test_what_is_kept_is_found(order):
    keep("a", order=order)
    found = cache.find("a")
    for got, expected in zip(found, arrays(), strict=True):
        np.testing.assert_array_equal(got, expected[order])
        assert not got.flags.writeable


def test_what_was_never_kept():
    assert cache.find("a") is None


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["features.npy", "logits.npy", "record.json"])
@pytest.mark.parametrize("damage", [cut, flip, os.unlink], ids=lambda f: f.__name__)
def test_a_damaged_set_is_not_used_and_can_be_made_again(home, name, damage):
    keep("a")
    damage(home / "features" / "a" / name)
    assert cache.find("a") is None
    keep("a")
    assert cache.find("a") is not None


def test_an_array_of_another_set_is_not_used(home):
    """Lengths agree, contents do not."""
    keep("a")
    cache.keep("b", arrays(seed=1), np.arange(5), {})
    source, target = (home / "features" / key / "features.npy" for key in "ab")
    target.write_bytes(source.read_bytes())
    assert cache.find("b") is None


def test_a_write_that_fails_leaves_nothing(home, monkeypatch):
    real = cache._npy

    def half(rows, order):
        yield next(real(rows, order))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_npy", half)
    with pytest.raises(StorageError, match="No space left"):
        keep("a")
    assert [p.name for p in (home / "features").iterdir() if not p.name.startswith(".")] == []
    assert cache.find("a") is None


def test_sets_unused_for_longest_are_removed(home, monkeypatch):
    for age, key in enumerate("abc"):
        keep(key)
        os.utime(home / "features" / key / "record.json", (1000 + age, 1000 + age))
    assert cache.find("a") is not None  # used again: now b is the oldest
    size = sum(path.stat().st_size for path in (home / "features" / "a").iterdir())
    monkeypatch.setattr(cache, "LIMIT_BYTES", 3 * size + 50)
    keep("d")
    left = {p.name for p in (home / "features").iterdir() if not p.name.startswith(".")}
    assert left == {"a", "c", "d"}


def test_the_newest_set_stays_however_large(home, monkeypatch):
    keep("a")
    monkeypatch.setattr(cache, "LIMIT_BYTES", 1)
    keep("b")
    assert cache.find("b") is not None
    assert cache.find("a") is None


class TestRowFile:
    def test_pieces_in_any_order(self, tmp_path):
        (rows, _) = arrays(10)
        file = RowFile(rows.shape, tmp_path / "made")
        for first in (6, 0, 3):
            file.write(first, rows[first : first + 4])
        np.testing.assert_array_equal(file.array(), rows)
        assert isinstance(file.array(), np.memmap)
        assert list((tmp_path / "made").iterdir()) == []  # it has no name

    def test_without_a_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        (rows, _) = arrays(10)
        file = RowFile(rows.shape, tmp_path / "file")
        file.write(0, rows)
        np.testing.assert_array_equal(file.array(), rows)

    def test_a_disk_that_fills_up_between_pieces(self, tmp_path, monkeypatch):
        (rows, _) = arrays(10)
        file = RowFile(rows.shape, tmp_path)
        file.write(0, rows[:4])

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("recapbench.evaluation.features.row_file._write_all", full)
        file.write(4, rows[4:])
        np.testing.assert_array_equal(file.array(), rows)
