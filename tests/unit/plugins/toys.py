"""Small methods for the checks: sound ones, and ones that break a rule that only a check sees."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from recapbench.data.datasets import find_dataset
from recapbench.data.query import Batch, Query
from recapbench.methods.base import ImageSpec, Method, MethodConfig, Update
from recapbench.methods.network import NetworkConfig, NetworkMethod


class Copy(Method[MethodConfig]):
    """Returns the source image."""

    name = "copy"
    title = "Copy"
    inputs = frozenset({"source_image"})
    needs_weights = False

    @classmethod
    def settings(cls, spec: ImageSpec) -> dict[str, Any]:
        return {}

    def generate(self, query: Query) -> Tensor:
        return query.source_image.clone()


class Curious(Copy):
    """Reads an input that it does not declare, where it is given it."""

    name = "curious"

    def generate(self, query: Query) -> Tensor:
        try:
            return query.target_pose[:, :3]
        except KeyError:
            return query.source_image.clone()


class Blind(Copy):
    """Never reads one of the inputs that it declares."""

    name = "blind"
    inputs = frozenset({"source_image", "target_pose"})

    def generate(self, query: Query) -> Tensor:
        return torch.cat([part.to("cpu").source_image for part in query.split()])


class Peeking(Copy):
    """Looks for the target by its name."""

    name = "peeking"

    def generate(self, query: Query) -> Tensor:
        marks = torch.tensor([sum(map(ord, name)) % 7 / 7 for name in query.target_names])
        return query.source_image * marks[:, None, None, None]


class Opening(Copy):
    """Opens the data set's own files."""

    name = "opening"

    def generate(self, query: Query) -> Tensor:
        if query.target_names[0].startswith("street_"):
            find_dataset("mannequin_street").open("test", "tiny").image(query.target_names[0])
        return query.source_image.clone()


class Counting(Copy):
    """Gives another image whenever it is called."""

    name = "counting"
    calls = 0

    def generate(self, query: Query) -> Tensor:
        self.calls += 1
        return query.source_image / self.calls


class Drawing(Copy):
    """Draws random numbers, from the generators that are seeded."""

    name = "drawing"

    def generate(self, query: Query) -> Tensor:
        return query.source_image * torch.rand(())


class Normalising(Copy):
    """Divides by the largest value of all pairs together."""

    name = "normalising"

    def generate(self, query: Query) -> Tensor:
        return query.source_image * (1 - query.source_image.mean().abs())


class Sneaking(Copy):
    """Changes its input where PyTorch does not count."""

    name = "sneaking"

    def generate(self, query: Query) -> Tensor:
        image = query.source_image.clone()
        query.source_image.numpy()[:] = 0
        return image


class Printing(Copy):
    """Prints to standard output."""

    name = "printing"

    def generate(self, query: Query) -> Tensor:
        print('{"check": "speed"}')
        return query.source_image.clone()


class Toy(NetworkMethod[NetworkConfig]):
    """One convolution, and one that judges it."""

    name = "toy"
    title = "Toy"
    inputs = frozenset({"source_image"})
    config_class = NetworkConfig
    loss_scale: ClassVar[float] = 1.0

    @classmethod
    def settings(cls, spec: ImageSpec) -> dict[str, Any]:
        return {"batch_size": 2, "learning_rate": 0.01, "decay_from": 0.5}

    @classmethod
    def shipped_weights(cls, dataset: str) -> None:
        return None

    def make_generator(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Tanh())

    def make_discriminators(self) -> nn.Module:
        return nn.Conv2d(3, 1, 3)

    @torch.inference_mode()
    def generate(self, query: Query) -> Tensor:
        return self.generator(query.source_image)

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        image = self.generator(batch.query.source_image)
        judged = self.discriminators(image.detach()).mean()
        update("discriminator", judged)
        l1 = (image - batch.target_image).abs().mean() * self.loss_scale
        update("generator", l1)
        return {"l1": l1.detach(), "discriminator": judged.detach()}


class Forgetful(Toy):
    """Keeps something that its training depends on outside its modules."""

    name = "forgetful"
    steps = 0

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        self.steps += 1
        self.loss_scale = float(self.steps)  # type: ignore[misc]
        return super().training_step(batch, progress, update)


class Half(Toy):
    """Puts half of its generator into the file."""

    name = "half"

    def make_generator(self) -> nn.Module:
        self.other = nn.Conv2d(3, 3, 3, padding=1)
        return super().make_generator()

    @torch.inference_mode()
    def generate(self, query: Query) -> Tensor:
        return torch.tanh(self.other(self.generator(query.source_image)))

    @classmethod
    def open(cls, *arguments: Any) -> Any:
        torch.manual_seed(1)
        return super().open(*arguments)


class Exploding(Toy):
    """Its loss is not a number."""

    name = "exploding"
    loss_scale = float("nan")


class Idle(Toy):
    """Its discriminator is never trained."""

    name = "idle"

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        l1 = (self.generator(batch.query.source_image) - batch.target_image).abs().mean()
        update("generator", l1)
        return {"l1": l1.detach()}


class Attached(Toy):
    """Returns a loss with its gradient."""

    name = "attached"

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        return {"l1": self.generator(batch.query.source_image).mean()}


class Stranger(Toy):
    """Steps a side that it does not have."""

    name = "stranger"

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        update("judge", self.generator(batch.query.source_image).mean())
        return {}
