"""Semantic-aware attentive transfer (SAT), section 3.3.

Letters: B batch, C channels, K key channels, N parts, I source positions, J target positions.

Every target position of part c is a softmax-weighted mean over the source positions of part c
(equations 1 and 2). Where the layout is one of probabilities, it is the mean over parts of what
each would give it, weighted by their probabilities there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.sat_lgr.attention import segment_attention, soft_attention
from recapbench.methods.sat_lgr.layers import conv


def resize_labels(labels_BHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Part labels at another size, by nearest neighbour: (B,H,W) int64 -> (B,h,w) int64."""
    return functional.interpolate(labels_BHW[:, None].float(), size, mode="nearest")[:, 0].long()


def places_in_all_parts(member_BNHW: Tensor) -> Tensor:
    """Where every position lies within each of the parts.

    Args:
        member_BNHW: share of each part at each position, in [0, 1].

    Returns:
        (B,N,H*W,2) float32: row and column, less the part's mean and divided by its standard
        deviation (at least half a position) in that image.
    """
    height, width = member_BNHW.shape[2:]
    rows = torch.arange(height, dtype=torch.float32, device=member_BNHW.device)
    columns = torch.arange(width, dtype=torch.float32, device=member_BNHW.device)
    grid_I2 = torch.cartesian_prod(rows, columns)
    member_BNI = member_BNHW.detach().float().flatten(2)
    share_BNI = member_BNI / member_BNI.sum(dim=2, keepdim=True).clamp(min=1e-6)
    centred_BNI2 = grid_I2 - (share_BNI @ grid_I2)[:, :, None]
    spread_BN2 = torch.einsum("bni,bniz->bnz", share_BNI, centred_BNI2.square()).sqrt()
    return centred_BNI2 / spread_BN2.clamp(min=0.5)[:, :, None]


def places_in_parts(labels_BHW: Tensor, parts: int) -> Tensor:
    """Where every position lies within its own part: (B,H*W,2), as `places_in_all_parts`.

    Args:
        labels_BHW: part labels, int64, below ``parts``.
        parts: number of parts N.
    """
    member_BNHW = functional.one_hot(labels_BHW, parts).permute(0, 3, 1, 2)
    index_B1I2 = labels_BHW.flatten(1)[:, None, :, None].expand(-1, -1, -1, 2)
    return places_in_all_parts(member_BNHW).gather(1, index_B1I2)[:, 0]


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
        self,
        source_BCHW: Tensor,
        decoded_BCHW: Tensor,
        source_BHW: Tensor,
        layout_BHW: Tensor,
        soft_BNHW: Tensor | None = None,
    ) -> Tensor:
        """Features of the source, moved to where the layout has the same part.

        Args:
            source_BCHW: encoder feature of layer l.
            decoded_BCHW: decoder feature of the same size.
            source_BHW: part labels of the source at any size, int64.
            layout_BHW: part labels of the target at any size, int64.
            soft_BNHW: probabilities of the target's parts, to be taken in place of the labels;
                gradients reach them.

        Returns:
            (B,C,H,W): the transferred feature.
        """
        size = (source_BCHW.shape[2], source_BCHW.shape[3])
        source_Bhw = resize_labels(source_BHW, size)
        value_BIC = source_BCHW.flatten(2).transpose(1, 2)
        key_BIK = self.theta(source_BCHW).flatten(2).transpose(1, 2)
        key_BIK = self._placed_keys(key_BIK, source_Bhw)
        query_BJK = self.scale * self.g(decoded_BCHW).flatten(2).transpose(1, 2)
        labels_BI = source_Bhw.flatten(1)
        with torch.autocast(source_BCHW.device.type, enabled=False):
            if soft_BNHW is None:
                layout_Bhw = resize_labels(layout_BHW, size)
                query_BJK = self._placed(query_BJK, lambda: self._places(layout_Bhw))
                moved = [
                    segment_attention(*sample)
                    for sample in zip(
                        query_BJK, key_BIK, value_BIC, layout_Bhw.flatten(1), labels_BI, strict=True
                    )
                ]
            else:
                member_BNhw = functional.interpolate(soft_BNHW, size, mode="nearest")
                query_BNJK = self._placed(
                    query_BJK[:, None], lambda: places_in_all_parts(member_BNhw)
                )
                member_BJN = member_BNhw.flatten(2).transpose(1, 2)
                moved = [
                    soft_attention(*sample)
                    for sample in zip(
                        query_BNJK, key_BIK, value_BIC, member_BJN, labels_BI, strict=True
                    )
                ]
        moved_BCHW = torch.stack(moved).transpose(1, 2).reshape(source_BCHW.shape)
        return moved_BCHW.to(source_BCHW.dtype)

    def _places(self, labels_Bhw: Tensor) -> Tensor:
        return places_in_parts(labels_Bhw, self.parts)

    def _placed(self, query: Tensor, places: Callable[[], Tensor]) -> Tensor:
        """Queries (...,K) with their places (...,2) as further channels, and a channel of ones.

        Places need float32, for the scores that they make are large and their differences small.
        """
        if not self.place_weight:
            return query
        where = self.place_weight**0.5 * places()
        query = query.float().expand(*where.shape[:-1], -1)
        return torch.cat([query, where, torch.ones_like(where[..., :1])], -1)

    def _placed_keys(self, key_BIK: Tensor, source_Bhw: Tensor) -> Tensor:
        """Keys with what `_placed` adds to the queries: places, and half their squares."""
        if not self.place_weight:
            return key_BIK
        where_BI2 = self.place_weight**0.5 * self._places(source_Bhw)
        square_BI1 = where_BI2.square().sum(dim=2, keepdim=True)
        return torch.cat([key_BIK.float(), where_BI2, -0.5 * square_BI1], 2)

    def attention(
        self,
        source_BCHW: Tensor,
        decoded_BCHW: Tensor,
        source_BHW: Tensor,
        layout_BHW: Tensor,
        position: tuple[int, int],
        soft_BNHW: Tensor | None = None,
    ) -> Tensor:
        """Where one target position looks in the source (the maps of Fig. 4).

        The other arguments are those of `forward`.

        Args:
            position: row and column at the layer's size.

        Returns:
            (B,H,W) float32 weights: the output there is their sum with the source's features. They
            sum to 1, or with ``soft_BNHW`` to the probability of the parts that the source has;
            all zero where it lacks the part.
        """
        height, width = source_BCHW.shape[2:]
        here = position[0] * width + position[1]
        source_Bhw = resize_labels(source_BHW, (height, width))
        key_BIK = self._placed_keys(self.theta(source_BCHW).flatten(2).transpose(1, 2), source_Bhw)
        query_BJK = self.scale * self.g(decoded_BCHW).flatten(2).transpose(1, 2)
        if soft_BNHW is None:
            layout_Bhw = resize_labels(layout_BHW, (height, width))
            query_BJK = self._placed(query_BJK, lambda: self._places(layout_Bhw))
            query_BNK = query_BJK[:, None, here]
            member_BN = functional.one_hot(layout_Bhw.flatten(1)[:, here], self.parts).float()
        else:
            member_BNhw = functional.interpolate(soft_BNHW, (height, width), mode="nearest")
            query_BNJK = self._placed(query_BJK[:, None], lambda: places_in_all_parts(member_BNhw))
            query_BNK = query_BNJK[:, :, here]
            member_BN = member_BNhw.flatten(2)[:, :, here].float()
        scores_BNI = query_BNK.float() @ key_BIK.float().transpose(1, 2)
        inside_BIN = functional.one_hot(source_Bhw.flatten(1), self.parts).bool()
        outside_BNI = ~inside_BIN.transpose(1, 2)
        weights_BNI = torch.softmax(scores_BNI.masked_fill(outside_BNI, -torch.inf), dim=2)
        weights_BNI = weights_BNI.masked_fill(outside_BNI, 0.0)
        return torch.einsum("bn,bni->bi", member_BN, weights_BNI).view(-1, height, width)
