"""The interface of a method: what it reads, how it is configured, how it generates and trains."""

from __future__ import annotations

import inspect
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from recapbench.data.query import Batch, Query
from recapbench.errors import UsageError, unknown, what_is_wrong


class MethodConfig(BaseModel):
    """Settings of a method: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class ImageSpec:
    """What a dataset fixes for a method.

    Attributes:
        height: image height in pixels.
        width: image width in pixels.
        parts: number of part labels (20 or 7).
        settings: which of a method's settings apply: "deepfashion" or "market1501".
    """

    height: int
    width: int
    parts: int
    settings: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width


ConfigT = TypeVar("ConfigT", bound=MethodConfig)


class Method(ABC, Generic[ConfigT]):
    """A way to re-render a person in another pose.

    A subclass names the inputs that it reads; `generate` is given these and no others.

    Args:
        config: settings, as `configure` makes them.
        spec: image size and part set of the dataset.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    inputs: ClassVar[frozenset[str]]
    config_class: ClassVar[type[MethodConfig]] = MethodConfig
    needs_weights: ClassVar[bool] = True

    def __init__(self, config: ConfigT, spec: ImageSpec) -> None:
        self.config = config
        self.spec = spec
        self.device = torch.device("cpu")

    @classmethod
    def settings(cls, spec: ImageSpec) -> dict[str, Any]:
        """The method's own settings for a dataset, before any override: its TOML file's keys."""
        return cls.settings_file(f"{spec.settings}.toml")

    @classmethod
    def settings_file(cls, name: str) -> dict[str, Any]:
        """The keys of a TOML file beside the method's module; none if there is no such file."""
        path = cls.beside(name)
        return {} if path is None else tomllib.loads(path.read_text())

    @classmethod
    def beside(cls, name: str) -> Path | None:
        """A file or folder of the method's package; None if there is none, or no package."""
        if "." not in cls.__module__:
            return None
        path = Path(inspect.getfile(cls)).parent / name
        return path if path.exists() else None

    @classmethod
    def named_settings(cls, spec: ImageSpec, name: str) -> dict[str, Any]:
        """Settings that go together, to be laid over the method's own: ``<settings>-<name>.toml``.

        Raises:
            UsageError: if the method has none of that name for such a dataset.
        """
        start, end = f"{spec.settings}-", ".toml"
        folder = cls.beside("")
        files = [] if folder is None else sorted(folder.glob(f"{start}*{end}"))
        known = [file.name[len(start) : -len(end)] for file in files]
        if name not in known:
            raise unknown(f"config of {cls.name}", name, known)
        return cls.settings_file(f"{start}{name}{end}")

    @classmethod
    def configure(cls, spec: ImageSpec, overrides: Mapping[str, Any] | None = None) -> ConfigT:
        """Settings for a dataset, with some values replaced.

        Raises:
            UsageError: for an unknown key (the nearest known one is suggested) or a bad value.
        """
        values = cls.settings(spec)
        known = cls.config_class.model_fields
        for key, value in (overrides or {}).items():
            if key not in known:
                raise unknown(f"configuration key of {cls.name}", key, known)
            values[key] = value
        try:
            return cls.config_class.model_validate(values)  # type: ignore[return-value]
        except ValidationError as error:
            raise UsageError(f"bad configuration of {cls.name}: {what_is_wrong(error)}") from None

    @property
    def parameters(self) -> int | None:
        """How many trained numbers it generates with; None if it does not say."""
        return None

    def to(self, device: torch.device | str) -> None:
        """Move the method to a device."""
        self.device = torch.device(device)

    @classmethod
    def shipped_weights(cls, dataset: str) -> Path | None:
        """Weights that come with the method's package for a dataset, if any."""
        return None

    @classmethod
    def open(
        cls,
        dataset: str,
        spec: ImageSpec,
        weights: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Self:
        """The method, ready to generate.

        Args:
            dataset: name of the dataset.
            spec: the dataset's image size and part set.
            weights: file of weights, for a method that needs one.
            overrides: settings that differ from the method's own.

        Raises:
            UsageError: for bad settings, or weights given to a method that has none.
            DataError: if the weights are damaged, or made for another method, dataset or width.
        """
        method = cls(cls.configure(spec, overrides), spec)
        if weights is not None:
            method.load(weights)
        return method

    def load(self, path: Path) -> None:
        """Load weights.

        Raises:
            DataError: if the file is damaged, or does not fit.
        """
        raise UsageError(f"method {self.name!r} has no weights to load, got {path}")

    @abstractmethod
    def generate(self, query: Query) -> Tensor:
        """Images of the source persons in the target poses.

        Args:
            query: the declared inputs of B pairs, on the method's device.

        Returns:
            RGB (B,3,H,W) float32 in [-1, 1].
        """


class LayoutMethod(Method[ConfigT]):
    """A method that first predicts the target's parsing and lets it be looked at or replaced."""

    @abstractmethod
    def generate_with_layout(self, query: Query) -> tuple[Tensor, Tensor]:
        """Images, and the layouts that they were rendered from.

        Returns:
            RGB (B,3,H,W) float32 in [-1, 1], and part labels (B,H,W) int64. Where the query
            carries ``target_parsing``, that is the layout.
        """

    def generate(self, query: Query) -> Tensor:
        """Images (B,3,H,W) float32 in [-1, 1]."""
        return self.generate_with_layout(query)[0]


Update = Callable[[str, Tensor], None]
"""``update(side, loss)``: zero the gradients of a side, back-propagate, step its optimiser."""


class TrainableMethod(Method[ConfigT]):
    """A method that can be trained: modules and optimisers by side, and one step of training."""

    @abstractmethod
    def sides(self) -> dict[str, nn.Module]:
        """Modules by side, as ``{"discriminator": ..., "generator": ...}``."""

    @abstractmethod
    def optimizer(self, side: str) -> torch.optim.Optimizer:
        """A fresh optimiser over the parameters of a side."""

    @abstractmethod
    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        """One step: compute the losses and call ``update`` for every side that moves.

        The pairs may be a part of the step's (``Batch.place``). Losses are means over pairs, and
        random numbers are drawn for all pairs of the step, so that parts add up to the whole.

        Args:
            batch: a training batch on the method's device.
            progress: share of the training that is done, in [0, 1).
            update: does the backward pass and the optimiser's step of a side.

        Returns:
            Scalar losses by name, detached.
        """

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """Pairs per step, from the settings."""

    def weights(self) -> dict[str, Tensor]:
        """What `load` reads: the generator's state, its matrices in bfloat16.

        Vectors, among them those of spectral norm, stay in float32: they cost nothing.
        """
        state = self.sides()["generator"].state_dict()
        return {
            name: tensor.to(torch.bfloat16) if tensor.ndim > 1 else tensor
            for name, tensor in state.items()
        }

    def training_facts(self) -> dict[str, Any]:
        """What else the record of the weights should say."""
        return {}

    def learning_rate(self, progress: float) -> float:
        """Factor on the optimisers' learning rate at a point of the training."""
        return 1.0
