"""What torch finds to compute on. Imports torch: called in a process of its own."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from recapbench.doctor.finding import DEVICES, Finding
from recapbench.doctor.storage import size_text

TOGETHER: Final = "pip install --force-reinstall torch torchvision"
"""The two of one release and one build."""

_DRIVER: Final = Path("/proc/driver/nvidia/version")


def devices(name: str) -> Iterator[Finding]:
    """torch itself, the processor, and every CUDA device."""
    import torch

    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for CPUs"
    yield Finding(DEVICES, "torch", "ok", f"{torch.__version__} imports, {built}")
    yield _processor()
    if torch.cuda.is_available():
        yield from map(_cuda, range(torch.cuda.device_count()))
    else:
        yield _no_cuda(torch.version.cuda)


def torchvision(name: str) -> Iterator[Finding]:
    """torchvision, which fails to import beside a torch of another release or build."""
    import torch

    try:
        import torchvision as library
    except Exception as error:
        said = " ".join(str(error).split())
        if "torchvision::nms" in said:
            said += ": it was built for another torch, as with one for CPUs beside one for CUDA"
        mend = TOGETHER + _index(torch.__version__)
        yield Finding(DEVICES, "torchvision", "broken", f"fails to import: {said}", mend)
    else:
        detail = f"{library.__version__} imports beside torch {torch.__version__}"
        yield Finding(DEVICES, "torchvision", "ok", detail)


def _index(version: str) -> str:
    """Where the build of a torch version comes from, as an option of pip."""
    _, plus, build = version.partition("+")
    return f" --index-url https://download.pytorch.org/whl/{build}" if plus else ""


def _processor() -> Finding:
    import torch

    from recapbench.data.cache import available_cores
    from recapbench.training.precision import best_precision

    cores, threads = available_cores(), torch.get_num_threads()
    detail = (
        f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, cores: {cores}, "
        f"threads: {threads}, trains in {best_precision(torch.device('cpu'))}"
    )
    if threads > cores:
        said = f"{detail}; more threads than cores are slow"
        return Finding(DEVICES, "cpu", "warning", said, f"export OMP_NUM_THREADS={cores}")
    return Finding(DEVICES, "cpu", "ok", detail)


def _cuda(number: int) -> Finding:
    import torch

    from recapbench.training.precision import best_precision

    facts = torch.cuda.get_device_properties(number)
    detail = (
        f"{facts.name}, {size_text(facts.total_memory)}, capability {facts.major}.{facts.minor}, "
        f"trains in {best_precision(torch.device('cuda', number))}"
    )
    return Finding(DEVICES, f"cuda:{number}", "ok", detail)


def _no_cuda(built: str | None) -> Finding:
    """Why there is no CUDA device; a driver that nobody uses deserves a word."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return Finding(DEVICES, "cuda", "missing", "CUDA_VISIBLE_DEVICES hides every device")
    if not (_DRIVER.exists() or shutil.which("nvidia-smi")):
        return Finding(DEVICES, "cuda", "missing", "no NVIDIA driver; the CPU is used")
    if built is None:
        detail = "there is an NVIDIA driver, and this torch is built for CPUs"
        return Finding(DEVICES, "cuda", "warning", detail, TOGETHER)
    detail = f"there is an NVIDIA driver, and this torch, built for CUDA {built}, cannot use it"
    return Finding(DEVICES, "cuda", "warning", detail, "nvidia-smi")
