"""Semantic-aware attentive transfer (SAT), section 3.3.

Letters: B batch, C channels, K key channels, N parts, I source positions, J target positions.

Every target position of part c is a softmax-weighted mean over the source positions of part c
(equations 1 and 2). Positions are sorted by label, so that each part is one contiguous segment and
attention is computed per segment: no mask over all positions is ever made.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.sat_lgr.layers import conv


def resize_labels(labels_BHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Part labels at another size, by nearest neighbour: (B,H,W) int64 -> (B,h,w) int64."""
    return functional.interpolate(labels_BHW[:, None].float(), size, mode="nearest")[:, 0].long()


def segment_attention(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) for one sample.

    Args:
        query_JK: g of the decoder's feature at each target position.
        key_IK: theta of the encoder's feature at each source position.
        value_IC: the encoder's feature at each source position.
        labels_J: part of each target position, int64.
        labels_I: part of each source position, int64.

    Returns:
        (J,C): the transferred feature; zero at target positions whose part the source lacks.
    """
    order_J = torch.argsort(labels_J, stable=True)
    order_I = torch.argsort(labels_I, stable=True)
    parts = int(max(labels_J.max(), labels_I.max())) + 1
    counts_J = torch.bincount(labels_J, minlength=parts).tolist()
    counts_I = torch.bincount(labels_I, minlength=parts).tolist()
    segments = zip(
        query_JK[order_J].split(counts_J),
        key_IK[order_I].split(counts_I),
        value_IC[order_I].split(counts_I),
        strict=True,
    )
    moved = [
        _attend(query, key, value)
        if len(query) and len(key)
        else value.new_zeros(len(query), value_IC.shape[1])
        for query, key, value in segments
    ]
    sorted_JC = torch.cat(moved)
    return sorted_JC[torch.argsort(order_J)]


_FUSED_FROM = 1 << 20
"""Scores per part from which fused attention is faster in float32; it never stores them."""
_FUSED_CHANNELS = 128
"""Value channels up to which it is: it wants keys as wide as values, so keys are padded."""


def _attend(query_JK: Tensor, key_IK: Tensor, value_IC: Tensor) -> Tensor:
    large = len(query_JK) * len(key_IK) >= _FUSED_FROM and value_IC.shape[1] <= _FUSED_CHANNELS
    if query_JK.dtype == torch.float32 and large:
        padding = (0, value_IC.shape[1] - query_JK.shape[1])
        return functional.scaled_dot_product_attention(
            functional.pad(query_JK, padding)[None, None],
            functional.pad(key_IK, padding)[None, None],
            value_IC[None, None],
            scale=1.0,
        )[0, 0]
    return torch.softmax(query_JK @ key_IK.T, dim=1) @ value_IC


class SemanticAwareTransfer(nn.Module):
    """SAT at one layer.

    g carries a factor of 1 / sqrt(key channels). Without it the scores of normalised features are
    so far apart that attention sits on single positions from the first steps on, where it cannot
    learn which others would be better.

    Args:
        channels: channels of the encoder's and of the decoder's feature.
        key_channels: channels of g and theta.
    """

    def __init__(self, channels: int, key_channels: int) -> None:
        super().__init__()
        self.g = conv(channels, key_channels, 1)
        self.theta = conv(channels, key_channels, 1)
        self.scale = key_channels**-0.5

    def forward(
        self, source_BCHW: Tensor, decoded_BCHW: Tensor, source_BHW: Tensor, layout_BHW: Tensor
    ) -> Tensor:
        """Features of the source, moved to where the layout has the same part.

        Args:
            source_BCHW: encoder feature of layer l.
            decoded_BCHW: decoder feature of the same size.
            source_BHW: part labels of the source at any size, int64.
            layout_BHW: part labels of the target at any size, int64.

        Returns:
            (B,C,H,W): the transferred feature.
        """
        size = (source_BCHW.shape[2], source_BCHW.shape[3])
        source_BI = resize_labels(source_BHW, size).flatten(1)
        layout_BJ = resize_labels(layout_BHW, size).flatten(1)
        query_BJK = self.scale * self.g(decoded_BCHW).flatten(2).transpose(1, 2)
        key_BIK = self.theta(source_BCHW).flatten(2).transpose(1, 2)
        value_BIC = source_BCHW.flatten(2).transpose(1, 2)
        moved_BJC = torch.stack(
            [
                segment_attention(query, key, value, layout, source)
                for query, key, value, layout, source in zip(
                    query_BJK, key_BIK, value_BIC, layout_BJ, source_BI, strict=True
                )
            ]
        )
        return moved_BJC.transpose(1, 2).reshape(source_BCHW.shape)

    def attention(
        self,
        source_BCHW: Tensor,
        decoded_BCHW: Tensor,
        source_BHW: Tensor,
        layout_BHW: Tensor,
        position: tuple[int, int],
    ) -> Tensor:
        """Where one target position looks in the source (the maps of Fig. 4).

        Args:
            position: row and column at the layer's size.

        Returns:
            (B,H,W) float32, weights that sum to 1; all zero where the source lacks the part.
        """
        size = (source_BCHW.shape[2], source_BCHW.shape[3])
        row, column = position
        part_B = resize_labels(layout_BHW, size)[:, row, column]
        same_BHW = resize_labels(source_BHW, size) == part_B[:, None, None]
        query_BK = self.scale * self.g(decoded_BCHW)[:, :, row, column]
        scores_BHW = torch.einsum("bk,bkhw->bhw", query_BK, self.theta(source_BCHW)).float()
        scores_BI = scores_BHW.masked_fill(~same_BHW, -torch.inf).flatten(1)
        present_B = same_BHW.flatten(1).any(dim=1)
        weights_BI = torch.zeros_like(scores_BI)
        weights_BI[present_B] = torch.softmax(scores_BI[present_B], dim=1)
        return weights_BI.view_as(scores_BHW)
