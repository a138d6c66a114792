"""The method `sat_lgr`: generation, and the training step of equations (17) and (18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from recapbench.data.query import Batch, Query
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec, LayoutMethod, Update
from recapbench.methods.maps import as_map
from recapbench.methods.network import frozen, require_size
from recapbench.methods.perceptual import PerceptualMethod
from recapbench.methods.sat_lgr import losses
from recapbench.methods.sat_lgr.appearance import AppearanceNetwork
from recapbench.methods.sat_lgr.config import SatLgrConfig
from recapbench.methods.sat_lgr.discriminators import Discriminators
from recapbench.methods.sat_lgr.geometry import GeometricNetwork
from recapbench.methods.sat_lgr.layers import fix_spectral_norm, one_hot, probabilities
from recapbench.methods.sat_lgr.self_pairs import self_pairs

_POSES = {"source_pose", "target_pose"}


@dataclass(frozen=True)
class Maps:
    """The maps that the networks read, laid out for them.

    Attributes:
        image_BCHW: source image.
        source_BHW: part labels of the source, int64.
        source_BNHW: the same, one-hot.
        source_pose_BJHW: heatmaps of the source's joints.
        target_pose_BJHW: heatmaps of the target's.
    """

    image_BCHW: Tensor
    source_BHW: Tensor
    source_BNHW: Tensor
    source_pose_BJHW: Tensor
    target_pose_BJHW: Tensor

    @staticmethod
    def of(query: Query, parts: int) -> Maps:
        """The maps of a query."""
        return Maps(
            as_map(query.source_image),
            query.source_parsing,
            one_hot(query.source_parsing, parts),
            as_map(query.source_pose),
            as_map(query.target_pose),
        )


class Generator(nn.Module):
    """Both transformations: {H_A, S_A, K_A, K_B} -> layout and image."""

    def __init__(self, config: SatLgrConfig, parts: int) -> None:
        super().__init__()
        self.geometry = GeometricNetwork(
            parts, config.geometry_width, config.layers, config.geometry_stride
        )
        self.appearance = AppearanceNetwork(config, parts)

    def layout(self, maps: Maps) -> Tensor:
        """Logits of the target's parsing, (B,N,H,W)."""
        return self.geometry(maps.source_BNHW, maps.source_pose_BJHW, maps.target_pose_BJHW)

    def render(self, maps: Maps, soft_BNHW: Tensor) -> Tensor:
        """RGB (B,3,H,W) in [-1, 1] for a layout of probabilities (B,N,H,W)."""
        return self.appearance(
            maps.image_BCHW,
            maps.source_BHW,
            maps.source_BNHW,
            maps.source_pose_BJHW,
            soft_BNHW,
            maps.target_pose_BJHW,
        )


class SatLgr(LayoutMethod[SatLgrConfig], PerceptualMethod[SatLgrConfig]):
    """The paper's model (sections 3 and 4.1)."""

    name: ClassVar[str] = "sat_lgr"
    title: ClassVar[str] = "SAT + LGR (Recapture as You Want)"
    inputs: ClassVar[frozenset[str]] = frozenset({"source_image", "source_parsing"} | _POSES)
    config_class = SatLgrConfig
    generator: Generator
    discriminators: Discriminators

    def make_generator(self) -> Generator:
        """Both transformations."""
        return Generator(self.config, self.spec.parts)

    def make_discriminators(self) -> Discriminators:
        """D1, D2 and D3."""
        return Discriminators(self.spec.parts, self.config.discriminator_width)

    @classmethod
    def configure(cls, spec: ImageSpec, overrides: Mapping[str, Any] | None = None) -> SatLgrConfig:
        """Settings for a dataset, whose pictures must be halved once per layer but the first.

        Raises:
            UsageError: for an unknown key, a bad value, or more layers than the size allows.
        """
        config = super().configure(spec, overrides)
        require_size(
            spec,
            2 ** (config.layers - 1) * config.geometry_stride,
            f"{cls.name} with layers={config.layers} and geometry_stride={config.geometry_stride}",
            "set fewer layers, and sat_layer and lgr_layer among them",
        )
        return config

    def settle(self) -> None:
        """Divide every weight by its spectral norm once and for all."""
        fix_spectral_norm(self.generator)

    @torch.inference_mode()
    def generate_with_layout(self, query: Query) -> tuple[Tensor, Tensor]:
        """Images (B,3,H,W) in [-1, 1], and the layouts (B,H,W) that they were rendered from."""
        maps = Maps.of(query, self.spec.parts)
        soft_BNHW = self._layout(query, maps)
        image_BCHW = self.generator.render(maps, soft_BNHW)
        return image_BCHW.float().contiguous(), soft_BNHW.argmax(dim=1)

    def _layout(self, query: Query, maps: Maps) -> Tensor:
        """Probabilities of the target's parts (B,N,H,W): predicted, or the given labels'."""
        if "target_parsing" in query.inputs:
            return one_hot(query.target_parsing, self.spec.parts)
        return probabilities(self.generator.layout(maps))

    def attention(self, query: Query, target_pixel: tuple[int, int]) -> Tensor:
        """Where SAT looks for one pixel of the generated image (the maps of Fig. 4).

        Args:
            query: the inputs of B pairs.
            target_pixel: row and column in the image. Pixels that share a position of the SAT
                layer share the map.

        Returns:
            (B,h,w) float32 weights over the source, at the SAT layer's size. They lie inside the
            layout's part at that position and sum to 1, or to 0 where the source lacks the part.
            With ``soft_regions`` the map is the mean over parts, weighted by their probabilities.

        Raises:
            UsageError: if the model has no SAT, or the image no such pixel.
        """
        return self.attentions(query, [target_pixel])[:, 0]

    @torch.inference_mode()
    def attentions(self, query: Query, target_pixels: Sequence[tuple[int, int]]) -> Tensor:
        """The maps of several pixels, (B,P,h,w), at the cost of one: see `attention`."""
        if not self.config.sat_layer:
            raise UsageError(
                f"{self.name} has no SAT (sat_layer=0), so there is no attention to show"
            )
        height, width = self.spec.size
        for row, column in target_pixels:
            if not (0 <= row < height and 0 <= column < width):
                raise UsageError(
                    f"expected a target pixel (row, column) inside {height}x{width} pixels, "
                    f"got ({row}, {column})"
                )
        maps = Maps.of(query, self.spec.parts)
        return self.generator.appearance.attention(
            maps.image_BCHW,
            maps.source_BHW,
            maps.source_BNHW,
            maps.source_pose_BJHW,
            self._layout(query, maps),
            maps.target_pose_BJHW,
            target_pixels,
        )

    # Training

    def training_step(self, batch: Batch, progress: float, update: Update) -> dict[str, Tensor]:
        """One step of equations (17) and (18)."""
        config = self.config
        of_self = config.self_pairs > 0 and bool(torch.rand(()) < config.self_pairs)
        if of_self:
            batch = replace(batch, query=self_pairs(batch))
        use_truth = bool(torch.rand(()) < config.ground_truth_layout)
        maps = Maps.of(batch.query, self.spec.parts)
        logits_BNHW = self.generator.layout(maps)
        soft_BNHW = probabilities(logits_BNHW)
        rendered_BNHW = one_hot(batch.target_parsing, self.spec.parts) if use_truth else soft_BNHW
        image_BCHW = self.generator.render(maps, rendered_BNHW)
        terms = {"layout": losses.layout_loss(logits_BNHW, batch.target_parsing)}
        if of_self or config.coarse_loss == 1:
            terms["l1"] = losses.pixel_loss(image_BCHW, batch.target_image)
            terms["perceptual"] = self.perceptual(image_BCHW, batch.target_image)
            likeness = terms["l1"] + terms["perceptual"]
        else:
            likeness = losses.coarse_loss(image_BCHW, batch.target_image, config.coarse_loss)
            terms["coarse_l1"] = likeness
        total = config.lambda_4 * terms["layout"] + config.lambda_3 * likeness
        if progress >= config.adversarial_start:
            terms |= self._discriminate(
                batch, maps, soft_BNHW.detach(), image_BCHW.detach(), update
            )
            with frozen(self.discriminators):
                adversarial = self._deceive(maps, soft_BNHW, image_BCHW)
            terms |= adversarial
            total = total + config.lambda_1 * adversarial["adversarial_layout"]
            total = total + config.lambda_2 * adversarial["adversarial_image"]
        update("generator", total)
        return {name: term.detach() for name, term in terms.items()}

    def _discriminate(
        self, batch: Batch, maps: Maps, soft_BNHW: Tensor, image_BCHW: Tensor, update: Update
    ) -> dict[str, Tensor]:
        """Equations (11), (13) and (17): train D1, D2 and D3."""
        judges = self.discriminators
        truth_BNHW, real = (
            one_hot(batch.target_parsing, self.spec.parts),
            as_map(batch.target_image),
        )
        pose, source = maps.target_pose_BJHW, maps.image_BCHW
        layout = losses.discriminator_loss(
            judges.layout(truth_BNHW, pose), judges.layout(soft_BNHW, pose)
        )
        image = losses.discriminator_loss(
            judges.pose(real, pose), judges.pose(image_BCHW, pose)
        ) + losses.discriminator_loss(
            judges.identity(real, source), judges.identity(image_BCHW, source)
        )
        update("discriminator", self.config.lambda_1 * layout + self.config.lambda_2 * image)
        return {"discriminator_layout": layout, "discriminator_image": image}

    def _deceive(self, maps: Maps, soft_BNHW: Tensor, image_BCHW: Tensor) -> dict[str, Tensor]:
        """Equations (12) and (14): the generator's adversarial losses."""
        judges, form = self.discriminators, self.config.adversarial
        pose, source = maps.target_pose_BJHW, maps.image_BCHW
        return {
            "adversarial_layout": losses.generator_loss(judges.layout(soft_BNHW, pose), form),
            "adversarial_image": losses.generator_loss(judges.pose(image_BCHW, pose), form)
            + losses.generator_loss(judges.identity(image_BCHW, source), form),
        }
