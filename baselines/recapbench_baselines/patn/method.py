"""The method `patn`: generation, and a training step of generator and both discriminators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from recapbench.data.parsing import one_hot
from recapbench.data.query import Batch, Query
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec, Update
from recapbench.methods.maps import as_map
from recapbench.methods.network import frozen, own_draws, require_size
from recapbench.methods.perceptual import PerceptualMethod
from recapbench_baselines.patn.config import PatnConfig
from recapbench_baselines.patn.discriminators import Discriminator, Discriminators
from recapbench_baselines.patn.generator import Generator
from recapbench_baselines.patn.losses import pixel_loss, verdict_loss


class Patn(PerceptualMethod[PatnConfig]):
    """Progressive pose attention transfer (Zhu et al., CVPR 2019)."""

    name: ClassVar[str] = "patn"
    title: ClassVar[str] = "PATN"
    inputs: ClassVar[frozenset[str]] = frozenset({"source_image", "source_pose", "target_pose"})
    parsings: ClassVar[tuple[str, ...]] = ()
    """Label maps that the pose stream reads beside the poses, by input name."""
    config_class = PatnConfig
    generator: Generator
    discriminators: Discriminators

    @classmethod
    def configure(cls, spec: ImageSpec, overrides: Mapping[str, Any] | None = None) -> PatnConfig:
        """Settings for a dataset, whose pictures must be halved twice and reflected then.

        Raises:
            UsageError: for an unknown key, a bad value, or a size that does not fit.
        """
        require_size(spec, 4, cls.name, least=8)
        return super().configure(spec, overrides)

    def make_generator(self) -> Generator:
        """The two streams and their blocks."""
        return Generator(self.config, 2 * NUM_JOINTS + len(self.parsings) * self.spec.parts)

    def make_discriminators(self) -> Discriminators:
        """D_PB and D_PP, with their pools."""
        return Discriminators(self.config, self.spec.size)

    def settle(self) -> None:
        """Lay the weights out as the convolutions want them."""
        self.generator.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def generate(self, query: Query) -> Tensor:
        """Images (B,3,H,W) float32 in [-1, 1]."""
        with _evaluating(self.generator):
            return self._render(query, [query[name] for name in self.parsings]).contiguous()

    def _render(self, query: Query, labels_BHW: Sequence[Tensor]) -> Tensor:
        """Images for the poses of a query and the label maps of the pose stream."""
        maps = [query.source_pose, query.target_pose]
        maps += [one_hot(labels, self.spec.parts) for labels in labels_BHW]
        return self.generator(as_map(query.source_image), as_map(torch.cat(maps, dim=1)))

    # Training

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        """One step of the generator, and then one of both discriminators.

        Raises:
            UsageError: if the step is shared and there is an image pool.
        """
        self._check_pool(batch)
        config = self.config
        with own_draws(batch):
            image_BCHW = self._render(batch.query, self._training_labels(batch))
        terms = {
            "l1": pixel_loss(image_BCHW, batch.target_image),
            "perceptual": self.perceptual(image_BCHW, batch.target_image),
        }
        total = config.lambda_1 * terms["l1"] + config.lambda_2 * terms["perceptual"]
        if progress < config.adversarial_start:
            update("generator", total)
        else:
            deceived = self._deceive(batch, image_BCHW)
            update("generator", total + config.alpha * sum(deceived.values()) / 2)
            judged = self._discriminate(batch, image_BCHW.detach())
            update("discriminator", config.alpha * sum(judged.values(), torch.zeros(())))
            terms |= deceived | judged
        return {name: term.detach() for name, term in terms.items()}

    def _check_pool(self, batch: Batch) -> None:
        """A pool must see all pairs of a step, in their order: each swap depends on the others."""
        total = batch.of_step[1]
        if self.config.image_pool and total != len(batch):
            raise UsageError(
                f"{self.name} with an image pool needs all {total} pairs of a step in one process "
                f"and pass, got {len(batch)} of them: --set image_pool=0"
            )

    def _training_labels(self, batch: Batch) -> list[Tensor]:
        """The label maps of the pose stream; a training query lacks the target's."""
        known = {"target_parsing": batch.target_parsing}
        return [known[name] if name in known else batch.query[name] for name in self.parsings]

    def _deceive(self, batch: Batch, image_BCHW: Tensor) -> dict[str, Tensor]:
        """How far the generated images are from passing as real."""
        with frozen(self.discriminators), own_draws(batch):
            pose, appearance = (
                verdict_loss(judge(pair), True, self.config.adversarial)
                for judge, pair in self._pairs(batch, image_BCHW)
            )
        return {"adversarial_pose": pose, "adversarial_appearance": appearance}

    def _discriminate(self, batch: Batch, image_BCHW: Tensor) -> dict[str, Tensor]:
        """Each discriminator's loss: half on real pairs, half on generated ones, new or kept."""
        form = self.config.adversarial
        shown = [judge.shown(pair) for judge, pair in self._pairs(batch, image_BCHW)]
        with own_draws(batch):
            pose, appearance = (
                (verdict_loss(judge(real), True, form) + verdict_loss(judge(fake), False, form)) / 2
                for (judge, real), fake in zip(
                    self._pairs(batch, batch.target_image), shown, strict=True
                )
            )
        return {"discriminator_pose": pose, "discriminator_appearance": appearance}

    def _pairs(self, batch: Batch, image_BCHW: Tensor) -> list[tuple[Discriminator, Tensor]]:
        query = batch.query
        return self.discriminators.pairs(image_BCHW, query.target_pose, query.source_image)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """No dropout and running statistics, for a while."""
    before = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(before)
