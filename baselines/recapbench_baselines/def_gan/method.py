"""The method `def_gan`: generation, and one step of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from recapbench.data.query import Batch, Query
from recapbench.methods.base import ImageSpec, Update
from recapbench.methods.maps import as_map
from recapbench.methods.network import NetworkMethod, frozen, own_draws, require_size
from recapbench.methods.perceptual import perceptual_features
from recapbench_baselines.def_gan import losses
from recapbench_baselines.def_gan.config import DefGanConfig
from recapbench_baselines.def_gan.networks import Discriminator, Generator, Maps
from recapbench_baselines.def_gan.nn_loss import NearestNeighbourLoss

_LEAST_SIDE = 34
"""Pixels that the discriminator's five layers need."""


class DefGan(NetworkMethod[DefGanConfig]):
    """Deformable GANs for pose-based human image generation (Siarohin et al., CVPR 2018)."""

    name: ClassVar[str] = "def_gan"
    title: ClassVar[str] = "Def-GAN (Deformable GANs)"
    inputs: ClassVar[frozenset[str]] = frozenset(
        {"source_image", "source_pose", "target_pose", "source_keypoints", "target_keypoints"}
    )
    config_class = DefGanConfig
    generator: Generator
    discriminators: Discriminator

    def __init__(self, config: DefGanConfig, spec: ImageSpec) -> None:
        super().__init__(config, spec)
        self._nearest: NearestNeighbourLoss | None = None

    def make_generator(self) -> Generator:
        """Two encoders and a decoder, ready to generate."""
        config = self.config
        return Generator(config.width, config.levels, config.dropout).eval()

    def make_discriminators(self) -> Discriminator:
        """D."""
        return Discriminator(self.config.discriminator_width)

    @classmethod
    def configure(cls, spec: ImageSpec, overrides: Mapping[str, Any] | None = None) -> DefGanConfig:
        """Settings for a dataset, whose pictures must be halved once per level but the first.

        Raises:
            UsageError: for an unknown key, a bad value, more levels than the size allows, or
                pictures smaller than the discriminator sees.
        """
        config = super().configure(spec, overrides)
        who = f"def_gan with levels={config.levels}"
        require_size(spec, 2 ** (config.levels - 1), who, "set fewer levels", _LEAST_SIDE)
        return config

    @torch.inference_mode()
    def generate(self, query: Query) -> Tensor:
        """Images (B,3,H,W) float32 in [-1, 1]."""
        return self.generator(Maps.of(query)).float().contiguous()

    # Training

    @property
    def nearest(self) -> NearestNeighbourLoss:
        """The nearest-neighbour loss, with its network; made when first asked for."""
        if self._nearest is None:
            network, features = perceptual_features(self.config.perceptual)
            loss = NearestNeighbourLoss(features, network, self.config.neighbourhood)
            self._nearest = loss.to(self.device).to(memory_format=torch.channels_last)
        return self._nearest

    def to(self, device: torch.device | str) -> None:
        """Move the networks to a device, that of the nearest-neighbour loss among them."""
        super().to(device)
        if self._nearest is not None:
            self._nearest.to(device)

    def training_facts(self) -> dict[str, Any]:
        """Which network the nearest-neighbour loss reads."""
        return {"perceptual": self.nearest.network}

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        """One step of the discriminator, then one of the generator."""
        maps, judge = Maps.of(batch.query), self.discriminators
        with own_draws(batch):
            image_BCHW = self.generator(maps)
        judged = losses.discriminator_loss(
            judge(maps, batch.target_image), judge(maps, image_BCHW.detach())
        )
        update("discriminator", judged)
        with frozen(judge):
            adversarial = losses.generator_loss(judge(maps, image_BCHW))
        nearest = self.nearest(image_BCHW, as_map(batch.target_image))
        update("generator", adversarial + self.config.nn_weight * nearest)
        l1 = (image_BCHW.detach().float() - batch.target_image).abs().mean()
        terms = {"discriminator": judged, "adversarial": adversarial, "nearest": nearest, "l1": l1}
        return {name: term.detach() for name, term in terms.items()}
