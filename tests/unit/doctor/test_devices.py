"""torch, torchvision and devices, with facts of other machines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from recapbench.data import cache
from recapbench.doctor import devices
from recapbench.doctor.finding import Finding


def by_name(found: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in found}


@pytest.fixture
def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_cuda")
@pytest.mark.parametrize(
    ("driver", "built", "status", "mend"),
    [
        (False, None, "missing", ""),
        (False, "12.4", "missing", ""),
        (True, None, "warning", devices.TOGETHER),
        (True, "12.4", "warning", "nvidia-smi"),
    ],
)
def test_without_cuda(
    monkeypatch: pytest.MonkeyPatch, driver: bool, built: str | None, status: str, mend: str
) -> None:
    monkeypatch.setattr(devices, "_DRIVER", Path(os.devnull if driver else "/nowhere/at/all"))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(torch.version, "cuda", built)
    found = by_name(devices.devices(""))
    assert list(found) == ["torch", "cpu", "cuda"]
    assert (found["cuda"].status, found["cuda"].mend) == (status, mend)
    assert ("built for CPUs" in found["torch"].detail) == (built is None)


@pytest.mark.usefixtures("no_cuda")
def test_devices_that_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    found = by_name(devices.devices(""))["cuda"]
    assert (found.status, found.detail) == ("missing", "CUDA_VISIBLE_DEVICES hides every device")


@pytest.mark.parametrize(("bf16", "precision"), [(True, "bf16"), (False, "fp32")])
def test_cuda_devices(monkeypatch: pytest.MonkeyPatch, bf16: bool, precision: str) -> None:
    facts = SimpleNamespace(name="Card", total_memory=80 << 30, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: facts)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    found = by_name(devices.devices(""))
    assert list(found) == ["torch", "cpu", "cuda:0", "cuda:1"]
    said = f"Card, 80 GiB, capability 9.0, trains in {precision}"
    assert (found["cuda:1"].status, found["cuda:1"].detail) == ("ok", said)


@pytest.mark.usefixtures("no_cuda")
def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "available_cores", lambda: 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 64)
    found = by_name(devices.devices(""))["cpu"]
    assert (found.status, found.mend) == ("warning", "export OMP_NUM_THREADS=2")


def test_torchvision_of_another_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a torchvision for CUDA says beside a torch for CPUs."""
    text = "raise RuntimeError('operator torchvision::nms does not exist')\n"
    (tmp_path / "torchvision.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(torch, "__version__", "2.6.0+cpu")
    [found] = devices.torchvision("")
    assert found.status == "broken"
    assert "torchvision::nms does not exist: it was built for another torch" in found.detail
    assert found.mend == f"{devices.TOGETHER} --index-url https://download.pytorch.org/whl/cpu"


def test_torchvision_beside_its_torch() -> None:
    [found] = devices.torchvision("")
    assert (found.status, found.mend) == ("ok", "")
