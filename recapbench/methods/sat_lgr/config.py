"""Settings of SAT/LGR. Defaults stand in ``deepfashion.toml`` and ``market1501.toml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from recapbench.methods.perceptual import PerceptualConfig


class SatLgrConfig(PerceptualConfig):
    """Settings of the model, its losses and its training.

    Layers are counted from 1 at full resolution; layer k has 1/2^(k-1) of it (section 4.3).
    """

    layers: int = Field(ge=3, le=8, description="number of encoder layers")
    width: int = Field(ge=4, description="channels at layer 1; doubled per layer up to 8 times")
    geometry_width: int = Field(ge=4, description="the same for the geometric network")
    geometry_stride: Literal[1, 2, 4] = Field(
        description="the geometric network works at 1/stride of the image's size"
    )
    discriminator_width: int = Field(ge=4, description="channels of a discriminator's first layer")
    residual_blocks: int = Field(
        ge=0, description="dilated residual blocks per layer of the source encoder"
    )
    residual_from: int = Field(default=3, ge=1, description="first layer that has them")
    same_part_skips: int = Field(
        ge=0,
        description="finest layers whose source features pass only where layout and source agree",
    )
    sat_layer: int = Field(ge=0, description="l of equations (1)-(2); 0: no SAT")
    sat_key_channels: int | None = Field(
        default=None, ge=1, description="channels of g and theta; none: an eighth of the layer's"
    )
    sat_place_weight: float = Field(
        ge=0,
        description="weight of the distance between places within a part in SAT's scores; 0: the "
        "paper's equation",
    )
    soft_regions: bool = Field(
        default=False,
        description="SAT and LGR read the layout's probabilities; false: its most likely part",
    )
    lgr_layer: int = Field(ge=0, description="layer of the graph reasoning; 0: no LGR")
    lgr_steps: int = Field(ge=1, description="n, the number of propagations of equation (7)")
    ground_truth_layout: float = Field(
        ge=0, le=1, description="share of training steps whose layout is S_B, not the prediction"
    )
    self_pairs: float = Field(
        ge=0,
        le=1,
        description="share of training steps whose sources are made from the targets; 0: the "
        "paper's",
    )
    coarse_loss: int = Field(
        ge=1,
        description="side of the squares whose means the other steps compare; 1: the paper's L1 "
        "and perceptual loss",
    )
    adversarial: Literal["non_saturating", "saturating"] = Field(
        description="generator loss: the usual one, or the printed equation (10)"
    )
    adversarial_start: float = Field(
        ge=0, le=1, description="share of the training after which the adversarial terms begin"
    )
    lambda_1: float = Field(ge=0, description="weight of the adversarial loss on the layout")
    lambda_2: float = Field(ge=0, description="weight of the adversarial losses on the image")
    lambda_3: float = Field(ge=0, description="weight of L1 and perceptual loss")
    lambda_4: float = Field(ge=0, description="weight of the cross-entropy of the layout")
