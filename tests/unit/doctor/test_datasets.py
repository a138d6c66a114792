"""Data sets that are rendered, prepared, damaged or absent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recapbench.data.ingest.prepared import pointer_path, write_index, write_pointer
from recapbench.data.ingest.store import folder_of
from recapbench.doctor.datasets import dataset
from recapbench.doctor.finding import Finding
from recapbench.mannequin.dataset import MANNEQUIN, set_folder


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))


def by_name(name: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in dataset(name)}


def test_a_set_that_was_never_used(tmp_path: Path) -> None:
    found = by_name("mannequin")
    assert list(found) == ["mannequin tiny", "mannequin small", "mannequin full"]
    assert {finding.status for finding in found.values()} == {"ok"}
    assert found["mannequin full"].detail == "rendered when it is first used"
    assert not (tmp_path / "home").exists()


def test_a_set_that_is_rendered() -> None:
    MANNEQUIN.open("test", "tiny", workers=1)
    (set_folder(MANNEQUIN, "tiny") / "train").mkdir()  # begun, and not finished
    older = set_folder(MANNEQUIN, "tiny").with_name("small-0123456789ab")
    older.mkdir()
    (older / "picture").write_bytes(bytes(4096))
    found = by_name("mannequin")
    assert found["mannequin tiny"].detail.startswith("test rendered; ")
    others = found["mannequin others"].detail
    assert others == "4 KiB rendered by other versions of recapbench: small-0123456789ab"


def test_a_preset_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAPBENCH_PRESET", "smal")
    found = by_name("mannequin")["mannequin"]
    assert (found.status, found.mend) == ("broken", "unset RECAPBENCH_PRESET")
    assert "Did you mean 'small'" in found.detail


def prepare(root: Path, parsing: bool) -> None:
    """The index of a prepared split, as far as it is read here."""
    facts = {
        "root": str(root),
        "images": 7,
        "geometry": "market1501",
        "protocol": "def_gan",
        "parsing": {"root": str(root)} if parsing else None,
        "command": "recapbench data prepare market1501 --split test --root DIR",
    }
    write_index(folder_of("market1501") / "key", facts, [], np.zeros((2, 0, 18, 3), np.float32))
    write_pointer("market1501", "test", "key")


def test_not_prepared() -> None:
    found = by_name("market1501")
    assert list(found) == ["market1501 train", "market1501 test"]
    test = found["market1501 test"]
    assert (test.status, test.mend) == (
        "missing",
        "recapbench data prepare market1501 --split test --root DIR --keypoints FILE",
    )
    assert "Academic research only" in test.detail


@pytest.mark.parametrize(
    ("there", "parsing", "status"),
    [(True, True, "ok"), (True, False, "warning"), (False, True, "broken")],
)
def test_prepared(tmp_path: Path, there: bool, parsing: bool, status: str) -> None:
    root = tmp_path / "market"
    if there:
        root.mkdir()
    prepare(root, parsing)
    found = by_name("market1501")["market1501 test"]
    assert found.status == status
    assert found.detail.startswith(f"7 images, market1501, def_gan, of {root}")
    assert bool(found.mend) == (status != "ok")


def test_damaged(tmp_path: Path) -> None:
    prepare(tmp_path, True)
    pointer = pointer_path("market1501", "test")
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"key": "other"}))
    found = by_name("market1501")["market1501 test"]
    assert found.status == "broken"
    assert "is damaged" in found.detail
