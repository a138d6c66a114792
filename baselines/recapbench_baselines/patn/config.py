"""Settings of PATN. The paper's stand in ``deepfashion.toml`` and ``market1501.toml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recapbench.methods.perceptual import PerceptualConfig


class PatnConfig(PerceptualConfig):
    """Settings of the networks, the losses and the training."""

    width: int = Field(
        ge=1, description="channels of the generator's first convolutions; its blocks have 4 times"
    )
    blocks: int = Field(ge=1, description="pose-attentional transfer blocks")
    discriminator_width: int = Field(ge=1, description="the same for both discriminators")
    discriminator_blocks: int = Field(ge=0, description="residual blocks of each discriminator")
    normalisation: Literal["batch", "instance"] = Field(
        description="of all networks; batch: affine, convolutions without bias; instance: not "
        "affine, with bias"
    )
    dropout: bool = Field(
        description="training drops half of the features inside the blocks of all networks"
    )
    adversarial: Literal["cross_entropy", "least_squares"] = Field(
        description="form of the adversarial losses"
    )
    adversarial_start: float = Field(
        ge=0, le=1, description="share of the training after which the adversarial terms begin"
    )
    image_pool: int = Field(
        ge=0,
        description="earlier pairs that each discriminator is shown again; 0: none",
    )
    alpha: float = Field(ge=0, description="weight of the mean of both adversarial losses")
    lambda_1: float = Field(ge=0, description="weight of L1")
    lambda_2: float = Field(ge=0, description="weight of the perceptual loss")
