"""Settings of PG2. Defaults stand in ``deepfashion.toml`` and ``market1501.toml``."""

from __future__ import annotations

from pydantic import Field

from recapbench.methods.network import NetworkConfig


class Pg2Config(NetworkConfig):
    """Settings of the two generators, the discriminator and the two stages of the training.

    Level 1 is the image's own resolution, each further one has half of it.
    """

    levels: int = Field(
        ge=3,
        le=8,
        description="N of section 3.3: levels of G1; G2 has two fewer, D halves levels - 1 times",
    )
    width: int = Field(ge=1, description="channels of G1 and G2 at level 1; level i has i times it")
    code: int = Field(ge=1, description="numbers that G1's fully connected layer passes on")
    first_skip: bool = Field(description="G2's decoder sees its encoder's level 1, too")
    discriminator_width: int = Field(
        ge=1, description="channels of D's first layer; doubled per layer up to 8 times"
    )
    first_share: float = Field(
        ge=0, le=1, description="share of the training that is stage 1, for G1; then G2 and D"
    )
    likeness_weight: float = Field(ge=0, description="lambda: weight of G2's pose mask loss")
