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


def places_in_parts(labels_BHW: Tensor, parts: int) -> Tensor:
    """Where every position lies within its part.

    Args:
        labels_BHW: part labels, int64, below ``parts``.
        parts: number of parts N.

    Returns:
        (B,H*W,2) float32: row and column, less the part's mean and divided by its standard
        deviation (at least half a position) in that image.
    """
    height, width = labels_BHW.shape[1:]
    rows = torch.arange(height, dtype=torch.float32, device=labels_BHW.device)
    columns = torch.arange(width, dtype=torch.float32, device=labels_BHW.device)
    grid_I2 = torch.cartesian_prod(rows, columns)
    labels_BI1 = labels_BHW.flatten(1)[..., None]
    member_BIN = torch.zeros((*labels_BI1.shape[:2], parts), device=labels_BHW.device)
    member_BIN.scatter_(2, labels_BI1, 1.0)
    share_BNI = (member_BIN / member_BIN.sum(dim=1, keepdim=True).clamp(min=1.0)).transpose(1, 2)
    index_BI2 = labels_BI1.expand(-1, -1, 2)
    centred_BI2 = grid_I2 - (share_BNI @ grid_I2).gather(1, index_BI2)
    spread_BN2 = (share_BNI @ centred_BI2.square()).sqrt().clamp(min=0.5)
    return centred_BI2 / spread_BN2.gather(1, index_BI2)


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

    With a ``place_weight`` w the scores also get -w/2 times the squared distance between the two
    places within the part (``places_in_parts``), which the paper has not: it gives attention a
    place to start from, the same one of the same part, and what is learnt moves it from there.
    Without it a short training finds no better than the mean of a part, and patterns are lost.

    Args:
        channels: channels of the encoder's and of the decoder's feature.
        key_channels: channels of g and theta.
        parts: number of part labels N.
        place_weight: w; 0 for the paper's equation.
    """

    def __init__(
        self, channels: int, key_channels: int, parts: int, place_weight: float = 0.0
    ) -> None:
        super().__init__()
        self.g = conv(channels, key_channels, 1)
        self.theta = conv(channels, key_channels, 1)
        self.scale = key_channels**-0.5
        self.parts = parts
        self.place_weight = place_weight

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
        source_Bhw = resize_labels(source_BHW, size)
        layout_Bhw = resize_labels(layout_BHW, size)
        query_BJK, key_BIK = self._queries_and_keys(
            source_BCHW, decoded_BCHW, source_Bhw, layout_Bhw
        )
        value_BIC = source_BCHW.flatten(2).transpose(1, 2).to(key_BIK.dtype)
        with torch.autocast(source_BCHW.device.type, enabled=False):
            moved_BJC = torch.stack(
                [
                    segment_attention(query, key, value, layout, source)
                    for query, key, value, layout, source in zip(
                        query_BJK,
                        key_BIK,
                        value_BIC,
                        layout_Bhw.flatten(1),
                        source_Bhw.flatten(1),
                        strict=True,
                    )
                ]
            )
        moved_BCHW = moved_BJC.transpose(1, 2).reshape(source_BCHW.shape)
        return moved_BCHW.to(source_BCHW.dtype)

    def _queries_and_keys(
        self, source_BCHW: Tensor, decoded_BCHW: Tensor, source_Bhw: Tensor, layout_Bhw: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What is multiplied to give the scores: (B,J,K) and (B,I,K).

        Places are two further channels on each side and a third of the key's alone; they need
        float32, for the scores that they make are large and their differences small.
        """
        query_BJK = self.scale * self.g(decoded_BCHW).flatten(2).transpose(1, 2)
        key_BIK = self.theta(source_BCHW).flatten(2).transpose(1, 2)
        if not self.place_weight:
            return query_BJK, key_BIK
        root = self.place_weight**0.5
        target_BJ2 = root * places_in_parts(layout_Bhw, self.parts)
        source_BI2 = root * places_in_parts(source_Bhw, self.parts)
        square_BI1 = source_BI2.square().sum(dim=2, keepdim=True)
        query_BJK = torch.cat(
            [query_BJK.float(), target_BJ2, torch.ones_like(target_BJ2[..., :1])], 2
        )
        return query_BJK, torch.cat([key_BIK.float(), source_BI2, -0.5 * square_BI1], 2)

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
        height, width = source_BCHW.shape[2:]
        row, column = position
        source_Bhw = resize_labels(source_BHW, (height, width))
        layout_Bhw = resize_labels(layout_BHW, (height, width))
        query_BJK, key_BIK = self._queries_and_keys(
            source_BCHW, decoded_BCHW, source_Bhw, layout_Bhw
        )
        query_BK = query_BJK[:, row * width + column].float()
        scores_BI = torch.einsum("bk,bik->bi", query_BK, key_BIK.float())
        same_BI = (source_Bhw == layout_Bhw[:, row, column, None, None]).flatten(1)
        present_B = same_BI.any(dim=1)
        weights_BI = torch.zeros_like(scores_BI)
        scores_BI = scores_BI.masked_fill(~same_BI, -torch.inf)
        weights_BI[present_B] = torch.softmax(scores_BI[present_B], dim=1)
        return weights_BI.view(-1, height, width)
