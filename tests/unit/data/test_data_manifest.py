from __future__ import annotations

import hashlib
import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.manifest import (
    Manifest,
    Pair,
    from_indices,
    from_pairs,
    header_path,
    read_manifest,
    read_rows,
    write_manifest,
)
from recapbench.errors import DataError, StorageError

ROWS = [(f"{i % 7:04d}_{i % 11:02d}.png", f"{i % 7:04d}_{i % 13:02d}.png") for i in range(60)]


def manifest(rows: list[tuple[str, str]] = ROWS) -> Manifest:
    return from_pairs(
        rows,
        dataset="set",
        split="test",
        protocol="within_identity/1",
        identities=7,
        made_from={"images": "ab" * 32},
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "set-test.csv"
    write_manifest(manifest(), path)
    return path


def test_rows_are_canonical() -> None:
    built = manifest([("a.png", "b.png"), ("b.png", "a.png")])
    assert built.csv == b"from,to\na.png,b.png\nb.png,a.png\n"
    assert built.sha256 == hashlib.sha256(built.csv).hexdigest()
    assert built.counts == {"images": 2, "identities": 7, "pairs": 2}
    assert built[1] == Pair("b.png", "a.png")
    assert built.pairs == (("a.png", "b.png"), ("b.png", "a.png"))


def test_files_hold_the_manifest(path: Path) -> None:
    found = read_manifest(path)
    assert found == manifest()
    assert hash(found) == hash(manifest())
    assert found.pairs == tuple(ROWS)
    assert dict(found.made_from) == {"images": "ab" * 32}
    assert path.read_bytes() == manifest().csv


def test_a_manifest_cannot_be_changed() -> None:
    built = manifest()
    with pytest.raises(ValueError, match="read-only"):
        built.indices[0, 0] = 3
    with pytest.raises(TypeError):
        built.made_from["images"] = "x"  # type: ignore[index]


def test_a_manifest_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(manifest())) == manifest()


def test_limit_takes_the_first_rows_and_says_so() -> None:
    first = manifest().limit(5, identity=lambda name: name[:4])
    assert first.identities == 5
    assert manifest().limit(60) == manifest()
    assert first.pairs == tuple(ROWS[:5])
    assert first.protocol == "within_identity/1[:5]"
    assert first.made_from["manifest"] == manifest().sha256


@given(st.integers(0, len(ROWS) - 1))
def test_a_changed_row_is_found(row: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.csv"
        write_manifest(manifest(), path)
        lines = path.read_text().split("\n")
        lines[row + 1] = lines[row + 1].replace(".png,", ".jpg,")
        path.write_text("\n".join(lines))
        with pytest.raises(DataError, match=rf"m\.csv.*changed at row {row + 1} is ") as caught:
            read_manifest(path)
        assert "more" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text + "x,y\n", "expected 60 rows, got 61"),
        (lambda text: text.replace("from,to", "a,b"), "row 0: expected the head"),
        (lambda text: text[:-3], "ends within a line"),
        (lambda text: text.replace("\n", "\r\n"), "row 0"),
        (lambda text: text.replace("_00.png,", "_00.png;", 1), "row 1: expected two names"),
        (lambda text: text.replace(",0001", ",0001,", 1), "row 2: expected two names"),
        (lambda text: "", "row 0"),
    ],
)
def test_bad_files_are_named(path: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    path.write_bytes(change(path.read_text()).encode())
    with pytest.raises(DataError, match=message) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_not_text(path: Path) -> None:
    path.write_bytes(b"from,to\n\xff,b\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "other/1"),
        ("sha256", None),
        ("counts", {"pairs": 60}),
        ("counts", {"images": 1, "identities": 7, "pairs": 60}),
    ],
)
def test_bad_headers_are_named(path: Path, key: str, value: object) -> None:
    header = json.loads(header_path(path).read_text())
    header[key] = value
    header_path(path).write_text(json.dumps(header))
    with pytest.raises(DataError, match=r"set-test\.json"):
        read_manifest(path)


def test_absent_files_are_named(path: Path) -> None:
    header_path(path).unlink()
    with pytest.raises(DataError, match=r"set-test\.json: No such file"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["", "a,b", 'a"b', "a\nb", " a", "a "])
def test_names_that_cannot_stand_in_a_row(name: str) -> None:
    with pytest.raises(DataError, match="row 2"):
        manifest([("a", "b"), ("a", name)])


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_manifest(manifest(), tmp_path / "file" / "m.csv")


def test_pairs_by_position_are_those_by_name() -> None:
    names = [f"{place:02d}.png" for place in range(20)]
    rows = np.random.default_rng(0).integers(0, 20, (40, 2))
    fields = {"dataset": "set", "split": "test", "protocol": "p/1", "identities": 1}
    by_position = from_indices(names, rows, **fields)  # type: ignore[arg-type]
    by_name = from_pairs([(names[a], names[b]) for a, b in rows], **fields)  # type: ignore[arg-type]
    assert by_position == by_name
    assert by_position.names == by_name.names
    assert by_position.indices.tolist() == by_name.indices.tolist()


def test_names_by_position_come_once_and_can_stand_in_a_row() -> None:
    fields = {"dataset": "set", "split": "test", "protocol": "p/1", "identities": 1}
    rows = np.array([[0, 1], [1, 2]])
    with pytest.raises(DataError, match="'a' is the name of two images"):
        from_indices(["a", "b", "a"], rows, **fields)  # type: ignore[arg-type]
    for name in ("", "a,b", "x\n", " c", "c\x7f", "c\u2028"):
        with pytest.raises(DataError, match="row 2"):
            from_indices(["a", "b", name], rows, **fields)  # type: ignore[arg-type]
    for name in ("Ω", "a b", "a-b.c_d/e"):
        assert len(from_indices(["a", "b", name], rows, **fields)) == 2  # type: ignore[arg-type]


def test_persons_without_a_pair_stand_in_the_header(tmp_path: Path) -> None:
    fields = {"dataset": "set", "split": "test", "protocol": "p/1", "identities": 1}
    built = from_pairs([("a", "b")], unpaired=["p", "q"], **fields)  # type: ignore[arg-type]
    assert built.header["unpaired"] == ["p", "q"]
    assert "unpaired" not in manifest().header
    write_manifest(built, tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv").unpaired == ("p", "q")
    assert pickle.loads(pickle.dumps(built)) == built
    header = json.loads((tmp_path / "m.json").read_text())
    for value in (3, ["p", 3], "p"):
        (tmp_path / "m.json").write_text(json.dumps(header | {"unpaired": value}))
        with pytest.raises(DataError, match="expected 'unpaired' to be a list"):
            read_manifest(tmp_path / "m.csv")


def test_rows_without_a_header(path: Path) -> None:
    header_path(path).unlink()
    found = read_rows(path, "market1501")
    assert found.pairs == tuple(ROWS)
    assert (found.dataset, found.split, found.protocol) == ("market1501", "", "")
    path.write_text("a,b\n")
    with pytest.raises(DataError, match=r"set-test\.csv: row 0"):
        read_rows(path, "market1501")


def test_no_pairs_are_a_manifest_too(tmp_path: Path) -> None:
    write_manifest(manifest([]), tmp_path / "m.csv")
    assert len(read_manifest(tmp_path / "m.csv")) == 0
    assert np.asarray(manifest([]).indices).shape == (0, 2)
