"""Methods that are networks: one generator in a weights file, discriminators that only train it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import torch
from pydantic import Field
from torch import nn

from recapbench.data.query import Batch
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec, MethodConfig, TrainableMethod
from recapbench.methods.weights_file import load_into, open_header, read_weights


class NetworkConfig(MethodConfig):
    """Settings that every trained network has."""

    batch_size: int = Field(ge=1, description="pairs per step")
    learning_rate: float = Field(gt=0, description="Adam's step size")
    decay_from: float = Field(
        ge=0, le=1, description="share of the training after which the step size falls to zero"
    )


NetworkConfigT = TypeVar("NetworkConfigT", bound=NetworkConfig)


class NetworkMethod(TrainableMethod[NetworkConfigT]):
    """A generator and its discriminators, each side stepped by an Adam of its own.

    A subclass makes the networks, generates and takes a training step; weights files, devices and
    optimisers are dealt with here. The weights are the generator's, shipped as
    ``weights/<dataset>.safetensors`` beside the method's module.
    """

    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)
    """Adam's, those of Def-GAN, PATN and the paper's section 4.1."""

    def __init__(self, config: NetworkConfigT, spec: ImageSpec) -> None:
        super().__init__(config, spec)
        self.generator = self.make_generator()
        self._discriminators: nn.Module | None = None

    @abstractmethod
    def make_generator(self) -> nn.Module:
        """The network that generates, for ``self.config`` and ``self.spec``."""

    def make_discriminators(self) -> nn.Module:
        """The networks that judge, in one module; none of them by default."""
        return nn.ModuleList()

    @classmethod
    def shipped_weights(cls, dataset: str) -> Path | None:
        """Weights trained on a built-in set, in the method's package."""
        return cls.beside(f"weights/{dataset}.safetensors")

    @classmethod
    def open(
        cls,
        dataset: str,
        spec: ImageSpec,
        weights: Path | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> Self:
        """The method with its weights; its settings are those that the weights were made with."""
        if weights is None:
            return super().open(dataset, spec, None, overrides)
        method = cls(open_header(weights, cls, dataset, spec, overrides), spec)
        method.load(weights)
        method.settle()
        return method

    def load(self, path: Path) -> None:
        """Load the generator's weights, to generate or to train on."""
        load_into(self.generator, read_weights(path)[1], path)
        self.generator.eval()

    def settle(self) -> None:
        """Make a loaded generator faster, if it need not be trained any more."""

    def to(self, device: torch.device | str) -> None:
        """Move the networks to a device."""
        super().to(device)
        self.generator.to(device)
        if self._discriminators is not None:
            self._discriminators.to(device)

    @property
    def parameters(self) -> int:
        """How many parameters the generator has."""
        return sum(parameter.numel() for parameter in self.generator.parameters())

    @property
    def discriminators(self) -> nn.Module:
        """The networks that judge; made when first asked for, since generation needs none."""
        if self._discriminators is None:
            self._discriminators = self.make_discriminators().to(self.device)
        return self._discriminators

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def sides(self) -> dict[str, nn.Module]:
        """The generator, and the discriminators if there are any."""
        sides: dict[str, nn.Module] = {"generator": self.generator}
        if any(True for _ in self.discriminators.parameters()):
            sides["discriminator"] = self.discriminators
        return sides

    def optimizer(self, side: str) -> torch.optim.Optimizer:
        """Adam over a side's parameters."""
        parameters = self.sides()[side].parameters()
        return torch.optim.Adam(parameters, lr=self.config.learning_rate, betas=self.betas)

    def learning_rate(self, progress: float) -> float:
        """1, then falling linearly to 0 from the share ``decay_from`` of the training."""
        start = self.config.decay_from
        return 1.0 if progress <= start else (1.0 - progress) / (1.0 - start)


def require_size(spec: ImageSpec, divisor: int, who: str, advice: str = "", least: int = 1) -> None:
    """Refuse pictures that cannot be halved as often as a network halves them.

    Args:
        spec: of the dataset.
        divisor: what height and width must be multiples of.
        who: the network with the settings that ask for it.
        advice: what to do about it, if anything can be done.
        least: the smallest height and width, in pixels.

    Raises:
        UsageError: with the side that does not fit.
    """
    enough = f" of at least {least} pixels" if least > 1 else ""
    for name, size in (("height", spec.height), ("width", spec.width)):
        if size % divisor or size < least:
            what = f"{who} needs a {name}{enough} that {divisor} divides, got {size}"
            raise UsageError(f"{what}: {advice}" if advice else what)


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through a module's inputs alone while it is judged with."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


@contextmanager
def own_draws(batch: Batch) -> Iterator[None]:
    """Draws of a part's own, for dropout: other parts of the step have others.

    What is drawn inside differs with the number of processes and passes, unlike what is drawn for
    all pairs of the step and then cut; what is drawn afterwards does not.
    """
    seed = int(torch.randint(2**62, ()))
    first = batch.of_step[0].start
    device = batch.target_image.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed + first)
        yield
