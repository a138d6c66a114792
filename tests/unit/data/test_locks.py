"""Locks: those that come with the package, and how a manifest is compared with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recapbench import paths
from recapbench.data.locks import (
    SUFFIX,
    Expectation,
    Figures,
    Lock,
    compare,
    find_lock,
    lock_document,
    lock_name,
    md5,
    read_lock,
)
from recapbench.data.manifest import Manifest, from_pairs
from recapbench.data.protocols import NO_FILTER, PROTOCOLS
from recapbench.errors import DataError
from recapbench.provenance import write_json


def manifest(**made_from: str) -> Manifest:
    return from_pairs(
        [("a", "b"), ("b", "a")],
        dataset="d",
        split="test",
        protocol="p/1",
        identities=1,
        made_from=made_from,
    )


def figures(built: Manifest) -> Figures:
    return Figures(
        images=3,
        kept=2,
        ordered_pairs=2,
        pairs=2,
        identities=1,
        sha256=built.sha256,
        md5=md5(built),
        input="poses.csv",
        input_sha256="ab",
        command="recapbench manifest build",
    )


PROVEN = Lock(dataset="d", protocol="p/1", split="test", proven=figures(manifest()))


def test_every_expected_count_has_its_lock() -> None:
    found = set(paths.shipped("manifests").glob(f"*{SUFFIX}"))
    wanted = set()
    for protocol in PROTOCOLS.values():
        for split, pairs, proven in protocol.expected:
            lock = find_lock(protocol.dataset, protocol.tag, split)
            assert lock is not None
            wanted.add(lock_name(protocol.dataset, protocol.tag, split))
            if proven:
                assert lock.expected is None
                assert lock.proven is not None
                assert lock.proven.pairs == pairs
            else:
                assert lock.proven is None
                assert lock.expected is not None
                assert lock.expected.pairs == pairs
    assert {path.name for path in found} == wanted


def test_locks_hold_the_fields_figures() -> None:
    train = find_lock("market1501", "def_gan/1", "train")
    assert train is not None
    assert train.proven is not None
    assert train.proven.md5 == "a1cf4331f827b6a83af17f0171f634ac"
    assert (train.proven.images, train.proven.kept) == (12_936, 12_116)
    test = find_lock("market1501", "def_gan/1", "test")
    assert test is not None
    assert test.proven is not None
    assert (test.proven.images, test.proven.kept) == (19_732, 12_344)
    assert (test.proven.ordered_pairs, test.proven.pairs) == (257_198, 12_000)
    for split, images, pairs in (("train", 48_674, 154_758), ("test", 4_038, 12_860)):
        lock = find_lock("deepfashion", "patn/1", split)
        assert lock is not None
        assert lock.bare is not None
        assert (lock.bare.images, lock.bare.pairs) == (images, pairs)


def test_locks_name_no_folder() -> None:
    for path in paths.shipped("manifests").glob(f"*{SUFFIX}"):
        for part in (read_lock(path).proven, read_lock(path).bare):
            if part is not None:
                assert "/" not in part.input + part.command


def test_equal_manifests_agree() -> None:
    verdict = compare(manifest(keypoints="ab"), PROVEN)
    assert (verdict.kind, verdict.agrees, verdict.same_input) == ("proven", True, True)
    assert compare(manifest(), PROVEN).same_input is None


def test_differences_are_told() -> None:
    other = from_pairs([("a", "b")], dataset="d", split="test", protocol="p/1", identities=2)
    verdict = compare(other, PROVEN)
    assert not verdict.agrees
    text = "; ".join(verdict.differences)
    assert "pairs: expected 2, got 1" in text
    assert "identities: expected 1, got 2" in text
    assert f"SHA-256 of the rows: expected {manifest().sha256}, got {other.sha256}" in text
    verdict = compare(manifest(keypoints="cd"), PROVEN)
    assert verdict.differences == ("SHA-256 of poses.csv: expected ab, got cd",)
    assert verdict.same_input is False


def test_pairs_of_a_bare_list_are_never_taken_for_the_fields() -> None:
    bare = manifest(names="ab", filter=NO_FILTER)
    assert compare(bare, PROVEN).kind == "none"
    lock = PROVEN.model_copy(update={"bare": figures(bare), "proven": None})
    assert compare(bare, lock).kind == "bare"
    assert compare(bare, lock).agrees
    assert compare(manifest(keypoints="ab"), lock).kind == "none"


def test_an_expectation_compares_the_count_alone() -> None:
    lock = Lock(
        dataset="d", protocol="p/1", split="test", expected=Expectation(pairs=2, note="published")
    )
    assert compare(manifest(keypoints="x"), lock) == ("expected", (), None)
    lock = lock.model_copy(update={"expected": Expectation(pairs=3, note="published")})
    assert compare(manifest(), lock).differences == ("pairs: expected 3, got 2",)
    assert compare(manifest(names="x", filter=NO_FILTER), lock).kind == "none"


def test_locks_are_found_by_dataset_tag_and_split(tmp_path: Path) -> None:
    write_json(tmp_path / lock_name("d", "p/1", "test"), lock_document(PROVEN))
    assert find_lock("d", "p/1", "test", tmp_path) == PROVEN
    assert find_lock("d", "p/2", "test", tmp_path) is None
    assert find_lock("d", "p/1[:5]", "test", tmp_path) is None
    assert find_lock("d", "p/1", "train", tmp_path) is None
    assert find_lock("../d", "p/1", "test", tmp_path) is None
    assert find_lock("mannequin", "within_identity/1", "test") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other/1"}, "schema"),
        ({"protocol": 3}, "protocol"),
        ({"prooven": {}}, "prooven"),
        ({"proven": {"pairs": 1}}, r"proven\.images"),
        ({"expected": {"pairs": "3", "note": ""}}, r"expected\.pairs"),
    ],
)
def test_malformed_locks_are_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "x.lock.json"
    write_json(path, lock_document(PROVEN) | change)
    with pytest.raises(DataError, match=rf"x\.lock\.json: not a lock: {message}"):
        read_lock(path)
    path.write_text("{")
    with pytest.raises(DataError, match=r"x\.lock\.json: not JSON"):
        read_lock(path)
    with pytest.raises(DataError, match=r"none\.lock\.json: No such file"):
        read_lock(tmp_path / "none.lock.json")


def test_a_lock_survives_being_written(tmp_path: Path) -> None:
    path = tmp_path / "x.lock.json"
    write_json(path, lock_document(PROVEN))
    assert read_lock(path) == PROVEN
    assert "bare" not in json.loads(path.read_text())
