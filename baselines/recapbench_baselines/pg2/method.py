"""The method `pg2`: generation, and the training steps of its two stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from recapbench.data.query import Batch, Query
from recapbench.methods.base import ImageSpec, Update
from recapbench.methods.network import NetworkMethod, frozen, require_size
from recapbench_baselines.pg2 import losses
from recapbench_baselines.pg2.config import Pg2Config
from recapbench_baselines.pg2.networks import Discriminator, Generator


class Pg2(NetworkMethod[Pg2Config]):
    """Ma et al., "Pose Guided Person Image Generation", NIPS 2017: G1, then G2 against D."""

    name: ClassVar[str] = "pg2"
    title: ClassVar[str] = "PG2 (Pose Guided Person Image Generation)"
    inputs: ClassVar[frozenset[str]] = frozenset({"source_image", "target_pose"})
    config_class = Pg2Config
    generator: Generator
    discriminators: Discriminator

    @classmethod
    def configure(cls, spec: ImageSpec, overrides: Mapping[str, Any] | None = None) -> Pg2Config:
        """Settings for a dataset, whose pictures must be halved once per level but the first.

        Raises:
            UsageError: for an unknown key, a bad value, or more levels than the size allows.
        """
        config = super().configure(spec, overrides)
        who = f"pg2 with levels={config.levels}"
        require_size(spec, 2 ** (config.levels - 1), who, "set fewer levels")
        return config

    def make_generator(self) -> Generator:
        """G1 and G2."""
        return Generator(self.config, self.spec.size)

    def make_discriminators(self) -> Discriminator:
        """D."""
        return Discriminator(self.config, self.spec.size)

    def generate(self, query: Query) -> Tensor:
        """Images (B,3,H,W) float32 in [-1, 1]: G1's with G2's difference."""
        return self.generate_stages(query)[1]

    @torch.inference_mode()
    def generate_stages(self, query: Query) -> tuple[Tensor, Tensor]:
        """What G1 makes, and what G2 makes of it, each (B,3,H,W) float32 in [-1, 1]."""
        coarse_BCHW = self.generator.first(query.source_image, query.target_pose)
        refined_BCHW = self.generator.refine(coarse_BCHW, query.source_image)
        return coarse_BCHW.clamp(-1, 1).contiguous(), refined_BCHW.clamp(-1, 1).contiguous()

    # Training

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        """A step of stage 1, which trains G1, or of stage 2, which trains G2 and D."""
        mask_B1HW = losses.pose_masks(batch.query.target_keypoints, self.spec.size)
        if progress < self.config.first_share:
            terms = self._train_first(batch, mask_B1HW, update)
        else:
            terms = self._train_second(batch, mask_B1HW, update)
        return {name: term.detach() for name, term in terms.items()}

    def _train_first(self, batch: Batch, mask_B1HW: Tensor, update: Update) -> dict[str, Tensor]:
        """Equation (1) for G1. G2 has no gradients, so that its optimiser lets it be."""
        coarse_BCHW = self.generator.first(batch.query.source_image, batch.query.target_pose)
        terms = losses.likeness_terms(coarse_BCHW, batch.target_image, mask_B1HW)
        update("generator", terms["l1"] + terms["masked_l1"])
        return terms

    def _train_second(self, batch: Batch, mask_B1HW: Tensor, update: Update) -> dict[str, Tensor]:
        """Equation (4) for G2, then equation (2) for D, as the public code orders them."""
        source_BCHW, target_BCHW = batch.query.source_image, batch.target_image
        with torch.no_grad():
            coarse_BCHW = self.generator.first(source_BCHW, batch.query.target_pose)
        refined_BCHW = self.generator.refine(coarse_BCHW, source_BCHW)
        terms = losses.likeness_terms(refined_BCHW, target_BCHW, mask_B1HW)
        with frozen(self.discriminators):
            _, refined, _ = self._judge(target_BCHW, refined_BCHW, source_BCHW)
        terms["adversarial"] = losses.adversarial_loss(refined)
        likeness = terms["l1"] + terms["masked_l1"]
        update("generator", terms["adversarial"] + self.config.likeness_weight * likeness)
        logits = self._judge(target_BCHW, refined_BCHW.detach(), source_BCHW)
        terms["discriminator"] = losses.discriminator_loss(*logits)
        update("discriminator", terms["discriminator"])
        return terms

    def _judge(self, real: Tensor, refined: Tensor, source: Tensor) -> tuple[Tensor, ...]:
        """D's logits (B,) of target, G2's and source images, batch-normalised together."""
        return self.discriminators(torch.cat([real, refined, source])).chunk(3)
