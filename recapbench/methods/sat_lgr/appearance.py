"""Semantic-aware appearance transformation, Fig. 2: the image, with SAT and LGR in its decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.errors import UsageError
from recapbench.methods.sat_lgr.config import SatLgrConfig
from recapbench.methods.sat_lgr.layers import (
    SLOPE,
    Encoder,
    Fuse,
    Up,
    as_map,
    channels_of,
    conv,
    one_hot,
)
from recapbench.methods.sat_lgr.lgr import LayoutGraphReasoning
from recapbench.methods.sat_lgr.sat import SemanticAwareTransfer, resize_labels

IMAGE_CHANNELS = 3


class AppearanceNetwork(nn.Module):
    """A U-Net on {H_A, S_A, K_A}, a second encoder on {layout, K_B}, and one decoder.

    At every layer the decoder's feature is fused with the source's and the target's feature of
    that size. At layer l SAT's output is concatenated, at the LGR layer LGR's. The source's
    features stand where the source's person stood; at the finest layers they pass only where the
    layout shows the same part, or the decoder would have to erase that person again.

    Args:
        config: the method's settings.
        parts: number of part labels N.
    """

    def __init__(self, config: SatLgrConfig, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.sat_layer, self.lgr_layer = config.sat_layer, config.lgr_layer
        self.same_part_skips = config.same_part_skips
        self.soft_regions = config.soft_regions
        width, layers = config.width, config.layers
        self.source_encoder = Encoder(
            IMAGE_CHANNELS + parts + NUM_JOINTS,
            width,
            layers,
            config.residual_blocks,
            config.residual_from,
        )
        self.target_encoder = Encoder(parts + NUM_JOINTS, width, layers)
        self.ups, self.fuses = nn.ModuleDict(), nn.ModuleDict()
        for layer in range(layers, 0, -1):
            channels = channels_of(width, layer)
            below = channels_of(width, layer + 1) * self._extra(layer + 1)
            if layer < layers:
                self.ups[str(layer)] = Up(below, channels)
            sources = 2 if layer == layers else 3
            self.fuses[str(layer)] = Fuse(sources * channels, channels)
        if config.sat_layer:
            channels = channels_of(width, config.sat_layer)
            self.sat = SemanticAwareTransfer(
                channels,
                config.sat_key_channels or max(1, channels // 8),
                parts,
                config.sat_place_weight,
            )
        if config.lgr_layer:
            channels = channels_of(width, config.lgr_layer)
            self.lgr = LayoutGraphReasoning(channels, parts, config.lgr_steps)
        self.head = nn.Sequential(
            nn.LeakyReLU(SLOPE), conv(width * self._extra(1), IMAGE_CHANNELS), nn.Tanh()
        )

    def _extra(self, layer: int) -> int:
        """How many times a layer's channels leave it: once, and once more per module there."""
        return 1 + (layer == self.sat_layer) + (layer == self.lgr_layer)

    def forward(
        self,
        image_BCHW: Tensor,
        source_BHW: Tensor,
        source_BNHW: Tensor,
        source_pose_BJHW: Tensor,
        soft_BNHW: Tensor,
        target_pose_BJHW: Tensor,
    ) -> Tensor:
        """The source's person in the target's pose.

        Args:
            image_BCHW: source image in [-1, 1].
            source_BHW: part labels of the source, int64.
            source_BNHW: the same, one-hot.
            source_pose_BJHW: heatmaps of the source's joints.
            soft_BNHW: layout of the target, probabilities per part. The target encoder reads it
                as it is, and gradients pass; SAT and LGR read its most likely part, where none
                can, or with ``soft_regions`` the probabilities.
            target_pose_BJHW: heatmaps of the target's joints.

        Returns:
            RGB (B,3,H,W) in [-1, 1].
        """
        sources = self.source_encoder(torch.cat([image_BCHW, source_BNHW, source_pose_BJHW], 1))
        targets = self.target_encoder(torch.cat([as_map(soft_BNHW), target_pose_BJHW], 1))
        return self.head(self._decode(sources, targets, source_BHW, soft_BNHW))

    def attention(
        self,
        image_BCHW: Tensor,
        source_BHW: Tensor,
        source_BNHW: Tensor,
        source_pose_BJHW: Tensor,
        soft_BNHW: Tensor,
        target_pose_BJHW: Tensor,
        position: tuple[int, int],
    ) -> Tensor:
        """SAT's weights for one target position: (B,h,w). Arguments as for `forward`.

        Args:
            position: row and column at the SAT layer's size.
        """
        layer = self.sat_layer
        if not layer:
            raise UsageError("this variant of the model has no SAT, so no attention to show")
        sources = self.source_encoder(torch.cat([image_BCHW, source_BNHW, source_pose_BJHW], 1))
        targets = self.target_encoder(torch.cat([as_map(soft_BNHW), target_pose_BJHW], 1))
        decoded_BCHW = self._decode(sources, targets, source_BHW, soft_BNHW, stop_at=layer)
        labels_BHW = most_likely(soft_BNHW, decoded_BCHW)
        return self.sat.attention(
            sources[layer - 1], decoded_BCHW, source_BHW, labels_BHW, position
        )

    def _decode(
        self,
        sources: list[Tensor],
        targets: list[Tensor],
        source_BHW: Tensor,
        soft_BNHW: Tensor,
        stop_at: int = 0,
    ) -> Tensor:
        """The decoder's last feature, or the one at layer ``stop_at`` before SAT and LGR."""
        x = self.fuses[str(len(sources))](sources[-1], targets[-1])
        for layer in range(len(sources), 0, -1):
            source_BCHW = sources[layer - 1]
            if layer < len(sources):
                skip_BCHW = source_BCHW
                if layer <= self.same_part_skips:
                    skip_BCHW = source_BCHW * same_part(source_BHW, soft_BNHW, source_BCHW)
                x = self.fuses[str(layer)](self.ups[str(layer)](x), skip_BCHW, targets[layer - 1])
            if layer == stop_at:
                return x
            x = self._modules_at(layer, x, source_BCHW, source_BHW, soft_BNHW)
        return x

    def _modules_at(
        self, layer: int, x: Tensor, source: Tensor, source_BHW: Tensor, soft_BNHW: Tensor
    ) -> Tensor:
        outputs = [x]
        if layer == self.sat_layer:
            soft = soft_BNHW if self.soft_regions else None
            outputs.append(self.sat(source, x, source_BHW, most_likely(soft_BNHW, x), soft))
        if layer == self.lgr_layer:
            outputs.append(self.lgr(x, self._regions(soft_BNHW, x)))
        return torch.cat(outputs, dim=1) if len(outputs) > 1 else x

    def _regions(self, soft_BNHW: Tensor, like_BCHW: Tensor) -> Tensor:
        """What LGR pools over: (B,N,h,w), one-hot or probabilities."""
        if self.soft_regions:
            size = (like_BCHW.shape[2], like_BCHW.shape[3])
            return functional.interpolate(soft_BNHW, size, mode="nearest")
        return one_hot(most_likely(soft_BNHW, like_BCHW), self.parts)


def most_likely(soft_BNHW: Tensor, like_BCHW: Tensor) -> Tensor:
    """The most likely part at each position of a smaller map: (B,h,w) int64.

    The layout is brought to the map's size by nearest neighbour.
    """
    size = (like_BCHW.shape[2], like_BCHW.shape[3])
    return functional.interpolate(soft_BNHW, size, mode="nearest").argmax(dim=1)


def same_part(source_BHW: Tensor, soft_BNHW: Tensor, like_BCHW: Tensor) -> Tensor:
    """Where source and layout show the same part: (B,1,h,w), 0 or 1, in a smaller map's size."""
    layout_BHW = most_likely(soft_BNHW, like_BCHW)
    size = (like_BCHW.shape[2], like_BCHW.shape[3])
    return (resize_labels(source_BHW, size) == layout_BHW)[:, None].to(like_BCHW.dtype)
