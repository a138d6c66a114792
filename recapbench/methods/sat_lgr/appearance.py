"""Semantic-aware appearance transformation, Fig. 2: the image, with SAT and LGR in its decoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.data.skeleton import NUM_JOINTS
from recapbench.methods.maps import as_map
from recapbench.methods.sat_lgr.config import SatLgrConfig
from recapbench.methods.sat_lgr.layers import (
    SLOPE,
    Encoder,
    Fuse,
    Up,
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
        used = [config.sat_layer, config.lgr_layer, 1 if config.same_part_skips else 0]
        # The finest layer that reads part labels of the layout.
        self.labelled = min((layer for layer in used if layer), default=1)
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
        layout_BHW = self._labels(soft_BNHW)
        return self.head(self._decode(sources, targets, source_BHW, layout_BHW, soft_BNHW))

    def attention(
        self,
        image_BCHW: Tensor,
        source_BHW: Tensor,
        source_BNHW: Tensor,
        source_pose_BJHW: Tensor,
        soft_BNHW: Tensor,
        target_pose_BJHW: Tensor,
        target_pixels: Sequence[tuple[int, int]],
    ) -> Tensor:
        """SAT's weights for target pixels: (B,P,h,w). Arguments as for `forward`.

        Args:
            target_pixels: P rows and columns of the image.
        """
        layer = self.sat_layer
        sources = self.source_encoder(torch.cat([image_BCHW, source_BNHW, source_pose_BJHW], 1))
        targets = self.target_encoder(torch.cat([as_map(soft_BNHW), target_pose_BJHW], 1))
        layout_BHW = self._labels(soft_BNHW)
        x = self._decode(sources, targets, source_BHW, layout_BHW, soft_BNHW, stop_at=layer)
        soft = soft_BNHW if self.soft_regions else None
        step = image_BCHW.shape[2] // x.shape[2]
        maps_BHW = [
            self.sat.attention(
                sources[layer - 1], x, source_BHW, layout_BHW, (row // step, column // step), soft
            )
            for row, column in target_pixels
        ]
        return torch.stack(maps_BHW, dim=1)

    def _decode(
        self,
        sources: list[Tensor],
        targets: list[Tensor],
        source_BHW: Tensor,
        layout_BHW: Tensor,
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
                    skip_BCHW = source_BCHW * same_part(source_BHW, layout_BHW, source_BCHW)
                x = self.fuses[str(layer)](self.ups[str(layer)](x), skip_BCHW, targets[layer - 1])
            if layer == stop_at:
                return x
            x = self._modules_at(layer, x, source_BCHW, source_BHW, layout_BHW, soft_BNHW)
        return x

    def _modules_at(
        self,
        layer: int,
        x: Tensor,
        source_BCHW: Tensor,
        source_BHW: Tensor,
        layout_BHW: Tensor,
        soft_BNHW: Tensor,
    ) -> Tensor:
        outputs = [x]
        if layer == self.sat_layer:
            soft = soft_BNHW if self.soft_regions else None
            outputs.append(self.sat(source_BCHW, x, source_BHW, layout_BHW, soft))
        if layer == self.lgr_layer:
            outputs.append(self.lgr(x, self._regions(layout_BHW, soft_BNHW, x)))
        return torch.cat(outputs, dim=1) if len(outputs) > 1 else x

    def _labels(self, soft_BNHW: Tensor) -> Tensor:
        """The layout's most likely parts, (B,h,w) int64, at the finest layer that reads them."""
        step = 2 ** (self.labelled - 1)
        size = (soft_BNHW.shape[2] // step, soft_BNHW.shape[3] // step)
        return most_likely(soft_BNHW, size)

    def _regions(self, layout_BHW: Tensor, soft_BNHW: Tensor, like_BCHW: Tensor) -> Tensor:
        """What LGR pools over: (B,N,h,w), one-hot or probabilities."""
        size = (like_BCHW.shape[2], like_BCHW.shape[3])
        if self.soft_regions:
            return functional.interpolate(soft_BNHW, size, mode="nearest")
        return one_hot(resize_labels(layout_BHW, size), self.parts)


def most_likely(soft_BNHW: Tensor, size: tuple[int, int]) -> Tensor:
    """The most likely part at each position of a smaller map: (B,h,w) int64.

    The layout is brought to the map's size by nearest neighbour.
    """
    if size != tuple(soft_BNHW.shape[2:]):
        soft_BNHW = functional.interpolate(soft_BNHW, size, mode="nearest")
    return soft_BNHW.argmax(dim=1)


def same_part(source_BHW: Tensor, layout_BHW: Tensor, like_BCHW: Tensor) -> Tensor:
    """Where source and layout show the same part: (B,1,h,w), 0 or 1, in a smaller map's size."""
    size = (like_BCHW.shape[2], like_BCHW.shape[3])
    same_BHW = resize_labels(source_BHW, size) == resize_labels(layout_BHW, size)
    return same_BHW[:, None].to(like_BCHW.dtype)
