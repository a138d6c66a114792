"""Checkpoints: everything that a run needs to go on exactly, in one safetensors file.

Parameters, spectral norm's vectors and the optimisers' moments are tensors; step and plan are JSON
in the file's metadata. There is no random state to keep: every step seeds the generators from the
plan's seed and its own number. A file is replaced whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from recapbench.errors import DataError
from recapbench.provenance import write_atomic

_KEY: Final = "recapbench"


class CheckpointHeader(BaseModel):
    """Where a run stands, and the plan that it follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    plan: dict[str, Any]


def write_checkpoint(
    path: Path,
    header: CheckpointHeader,
    sides: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> None:
    """Write modules and optimisers, whole or not at all.

    Raises:
        StorageError: if the folder cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for side, module in sides.items():
        for name, tensor in module.state_dict().items():
            tensors[f"module/{side}/{name}"] = tensor
    for side, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimizer/{side}/{index}/{name}"] = torch.as_tensor(value)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(plain, metadata={_KEY: header.model_dump_json()}))


def read_checkpoint(path: Path) -> tuple[CheckpointHeader, dict[str, Tensor]]:
    """Header and tensors of a checkpoint.

    Raises:
        DataError: if the file is missing, truncated, or not a checkpoint.
    """
    if not path.is_file():
        raise DataError(f"no checkpoint to resume from: {path} does not exist")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return CheckpointHeader.model_validate_json(metadata.get(_KEY, "")), tensors
    except (SafetensorError, OSError, ValidationError) as error:
        raise DataError(f"checkpoint {path} cannot be read: {error}") from None


def restore(
    tensors: Mapping[str, Tensor],
    sides: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Optimizer],
) -> None:
    """Put a checkpoint's tensors back into modules and optimisers."""
    for side, module in sides.items():
        module.load_state_dict(_below(tensors, f"module/{side}/"))
    for side, optimizer in optimizers.items():
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below(tensors, f"optimizer/{side}/").items():
            index, _, name = key.partition("/")
            states.setdefault(int(index), {})[name] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states, "param_groups": groups})


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
