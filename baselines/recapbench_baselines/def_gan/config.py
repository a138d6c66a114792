"""Settings of Def-GAN. Values stand in ``deepfashion.toml`` and ``market1501.toml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from recapbench.methods.network import NetworkConfig
from recapbench_baselines.def_gan.networks import WARPED_LEVELS


class DefGanConfig(NetworkConfig):
    """Settings of the networks, the losses and the training."""

    levels: int = Field(
        gt=WARPED_LEVELS, le=8, description="levels of the encoders, each half the one before"
    )
    width: int = Field(
        ge=4, description="channels at the encoders' first level; doubled up to eight times"
    )
    discriminator_width: int = Field(
        ge=4, description="channels of the discriminator's first layer"
    )
    dropout: float = Field(
        ge=0, lt=1, description="share of the values dropped in the decoder's first three layers"
    )
    neighbourhood: int = Field(
        ge=1, description="side of the nearest-neighbour loss's neighbourhood, in positions; odd"
    )
    nn_weight: float = Field(ge=0, description="weight of the nearest-neighbour loss")
    perceptual: Literal["auto", "vgg19", "effnet_lite0"] = Field(
        description="network whose features that loss compares; auto: VGG-19 if to be had, else "
        "EfficientNet-Lite0"
    )

    @field_validator("neighbourhood")
    @classmethod
    def _odd(cls, side: int) -> int:
        if side % 2 == 0:
            raise ValueError("expected an odd number")
        return side
