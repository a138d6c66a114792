"""The two discriminators: does the image fit the target pose, does it fit the source image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.maps import as_map
from recapbench_baselines.patn.config import PatnConfig
from recapbench_baselines.patn.layers import Normalisation, norm, stem, transform
from recapbench_baselines.patn.pool import ImagePool

_IMAGE = 3


class ResidualBlock(nn.Module):
    """x plus two normalised 3x3 convolutions of x."""

    def __init__(self, channels: int, kind: Normalisation, dropout: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *transform(kind, channels, channels, dropout), norm(kind, channels)
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + self.body(x_BCHW)


class Discriminator(nn.Module):
    """The generator's stem and residual blocks; every feature at the end is a verdict.

    Args:
        channels_in: channels of image and condition together.
        config: settings.
        size: height and width of the images.
    """

    def __init__(self, channels_in: int, config: PatnConfig, size: tuple[int, int]) -> None:
        super().__init__()
        kind, width = config.normalisation, config.discriminator_width
        self.body = nn.Sequential(
            *stem(kind, channels_in, width),
            *(
                ResidualBlock(4 * width, kind, config.dropout)
                for _ in range(config.discriminator_blocks)
            ),
        )
        self.pool = (
            ImagePool(config.image_pool, channels_in, size) if config.image_pool else nn.Identity()
        )

    def forward(self, pair_BCHW: Tensor) -> Tensor:
        """Verdicts (B,4*width,H/4,W/4), higher for real: logits, or what should be 1 or 0."""
        return self.body(as_map(pair_BCHW))

    def shown(self, pair_BCHW: Tensor) -> Tensor:
        """Generated pairs to learn from: these, or some of earlier steps."""
        return self.pool(pair_BCHW)


class Discriminators(nn.Module):
    """D_PB on (image, target pose) and D_PP on (image, source image)."""

    def __init__(self, config: PatnConfig, size: tuple[int, int]) -> None:
        super().__init__()
        self.pose = Discriminator(_IMAGE + NUM_JOINTS, config, size)
        self.appearance = Discriminator(2 * _IMAGE, config, size)

    def pairs(
        self, image_BCHW: Tensor, target_pose_BJHW: Tensor, source_BCHW: Tensor
    ) -> list[tuple[Discriminator, Tensor]]:
        """What each of them sees of an image: (B,21,H,W) and (B,6,H,W)."""
        return [
            (self.pose, torch.cat([image_BCHW, target_pose_BJHW], dim=1)),
            (self.appearance, torch.cat([image_BCHW, source_BCHW], dim=1)),
        ]
