"""Opening a method, as often as it is asked to, always with the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from recapbench.conformance.data import SEED, Data
from recapbench.conformance.request import CheckRequest
from recapbench.errors import MissingWeightsError
from recapbench.methods.base import Method, TrainableMethod
from recapbench.methods.contract import called, move_checked, open_checked, shipped_weights
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench.provenance import seed_everything
from recapbench.registry import plugin_errors


class Opener:
    """Opens a method for one dataset.

    It opens with the weights given, or else with those shipped; a method that can be trained opens
    with fresh random ones where none are shipped, or settings are asked for.

    Args:
        cls: the method.
        data: of the dataset.
        request: which settings.
        weights: file of weights.

    Raises:
        UsageError: for bad settings.
        MissingWeightsError: if the method needs weights and there are none.
        PluginError: if the method fails otherwise.
    """

    def __init__(
        self, cls: type[Method[Any]], data: Data, request: CheckRequest, weights: Path | None
    ) -> None:
        self.cls, self.data, self.weights = cls, data, weights
        named = {} if request.config is None else cls.named_settings(data.spec, request.config)
        self.overrides = named | dict(request.overrides)
        self.fresh: TrainableMethod[Any] | None = None
        if weights is None and cls.needs_weights:
            found = shipped_weights(cls, data.record.name, data.spec, self.overrides)
            if issubclass(cls, TrainableMethod) and (found is None or self.overrides):
                self.fresh = self.untrained(cls.configure(data.spec, self.overrides))
            elif found is None:
                raise MissingWeightsError(
                    f"{cls.name} needs weights and none are shipped for {data.record.name}: "
                    f"pass --weights FILE"
                )
            self.weights = None if self.fresh else found

    @property
    def origin(self) -> str:
        """Which weights it opens with, in words."""
        if self.fresh is not None:
            return "fresh random weights"
        return "no weights" if self.weights is None else f"weights {self.weights.name}"

    def open(self, device: torch.device) -> Method[Any]:
        """A new instance, on a device."""
        seed_everything(SEED)
        if self.fresh is not None:
            return self.open_saved(self.fresh, device)
        return self._open(self.weights, self.overrides, device)

    def open_saved(self, method: TrainableMethod[Any], device: torch.device) -> Method[Any]:
        """A new instance with the weights of a method under training, through a file."""
        with self.saved(method) as path:
            return self._open(path, {}, device)

    def _open(
        self, weights: Path | None, overrides: dict[str, Any], device: torch.device
    ) -> Method[Any]:
        data = self.data
        method = open_checked(self.cls, data.record.name, data.spec, weights, overrides)
        move_checked(method, device)
        return method

    def untrained(self, config: Any, seed: int = SEED) -> TrainableMethod[Any]:
        """A method with random weights of a seed, as a training begins with it."""
        seed_everything(seed)
        with plugin_errors(f"{called(self.cls)} failed to be made for {self.data.record.name}"):
            return self.cls(config, self.data.spec)  # type: ignore[return-value]

    @contextmanager
    def saved(self, method: TrainableMethod[Any]) -> Iterator[Path]:
        """A file of a method's weights as a training writes it, for as long as it is needed."""
        spec = self.data.spec
        header = WeightsHeader(
            method=type(method).name,
            dataset=self.data.record.name,
            height=spec.height,
            width=spec.width,
            parts=spec.parts,
            config=method.config.model_dump(mode="json"),
            training={},
        )
        with TemporaryDirectory(prefix="recapbench-check-") as folder:
            path = Path(folder) / "weights.safetensors"
            with plugin_errors(f"{called(type(method))} failed to give its weights"):
                write_weights(path, method.weights(), header)
            yield path
