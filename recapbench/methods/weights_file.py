"""Trained weights in one safetensors file that says what it is.

The header is JSON in the file's metadata: method, dataset, image size and part set, settings, and
how the weights were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from recapbench.errors import DataError, UsageError, what_is_wrong
from recapbench.methods.base import ConfigT, ImageSpec, Method
from recapbench.provenance import write_atomic

_KEY: Final = "recapbench"


class WeightsHeader(BaseModel):
    """What a weights file says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    method: str
    dataset: str
    height: int
    width: int
    parts: int
    config: dict[str, Any]
    training: dict[str, Any]

    def check(self, path: Path, method: str, dataset: str, spec: ImageSpec) -> None:
        """Compare with what is asked for.

        Raises:
            DataError: naming every difference.
        """
        pairs = {
            "method": (method, self.method),
            "dataset": (dataset, self.dataset),
            "image size": (f"{spec.height}x{spec.width}", f"{self.height}x{self.width}"),
            "parts": (spec.parts, self.parts),
        }
        wrong = [
            f"{what}: expected {want}, got {got}"
            for what, (want, got) in pairs.items()
            if want != got
        ]
        if wrong:
            raise DataError(f"weights {path} were made for something else: {'; '.join(wrong)}")


def write_weights(path: Path, tensors: Mapping[str, Tensor], header: WeightsHeader) -> None:
    """Write weights and header, whole or not at all."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(path, save(plain, metadata={_KEY: header.model_dump_json()}))


def read_header(path: Path) -> WeightsHeader:
    """Header of a weights file.

    Raises:
        DataError: if the file is missing, truncated, or not one of ours.
    """
    return _read(path, tensors=False)[0]


def read_weights(path: Path) -> tuple[WeightsHeader, dict[str, Tensor]]:
    """Header and tensors of a weights file; errors as `read_header`."""
    return _read(path, tensors=True)


def _read(path: Path, tensors: bool) -> tuple[WeightsHeader, dict[str, Tensor]]:
    if not path.is_file():
        raise DataError(f"weights {path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"weights {path}: not a whole safetensors file: {error}") from None
    if _KEY not in metadata:
        raise DataError(f"weights {path}: expected a recapbench header in its metadata, got none")
    try:
        return WeightsHeader.model_validate_json(metadata[_KEY]), found
    except ValidationError as error:
        raise DataError(f"weights {path}: bad header: {what_is_wrong(error)}") from None


def open_header(
    path: Path,
    method: type[Method[ConfigT]],
    dataset: str,
    spec: ImageSpec,
    overrides: Mapping[str, Any] | None,
) -> ConfigT:
    """The settings that a weights file was made with, checked against what is asked for.

    A setting that has a default may be absent: the file is older than the setting.

    Raises:
        UsageError: if an override is unknown or has a bad value.
        DataError: if the file is for something else, or an override contradicts its settings.
    """
    header = read_header(path)
    header.check(path, method.name, dataset, spec)
    method.configure(spec, overrides)
    fields = method.config_class.model_fields
    later = {name: field.default for name, field in fields.items() if not field.is_required()}
    made_with = later | header.config
    missing = sorted(fields.keys() - made_with.keys())
    if missing:
        raise DataError(f"weights {path}: settings without a value: {', '.join(missing)}")
    wrong = [
        f"{key}: expected {value!r}, got {made_with.get(key)!r}"
        for key, value in (overrides or {}).items()
        if made_with.get(key) != value
    ]
    if wrong:
        raise DataError(f"weights {path} were made with other settings: {'; '.join(wrong)}")
    try:
        return method.configure(spec, made_with)
    except UsageError as error:
        raise DataError(f"weights {path}: {error}") from None


def load_into(module: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into a module, every one of them and no others.

    Raises:
        DataError: naming the first missing, unexpected or misshapen tensor.
    """
    wanted = module.state_dict()
    missing, extra = sorted(wanted.keys() - tensors.keys()), sorted(tensors.keys() - wanted.keys())
    if missing or extra:
        example = f"missing {missing[0]!r}" if missing else f"unexpected {extra[0]!r}"
        raise DataError(
            f"weights {path}: expected {len(wanted)} tensors, got {len(tensors)} ({example})"
        )
    for name, tensor in tensors.items():
        if wanted[name].shape != tensor.shape:
            raise DataError(
                f"weights {path}: tensor {name!r} has shape {tuple(tensor.shape)}, "
                f"expected {tuple(wanted[name].shape)}"
            )
    module.load_state_dict(dict(tensors))
