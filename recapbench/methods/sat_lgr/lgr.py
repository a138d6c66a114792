"""Layout graph reasoning (LGR), section 3.4.

Letters: B batch, N parts (nodes), D node features, H x W space.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.sat_lgr.layers import conv, linear

_LIP_EDGES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1,), (2, 13)),
    ((2,), (13,)),
    ((4,), (13,)),
    ((13,), (5, 6, 7, 10, 11)),
    ((11,), (5, 6, 7)),
    ((5,), (7,)),
    ((5, 7), (9, 12)),
    ((5, 6, 7, 10), (14, 15)),
    ((3,), (14, 15)),
    ((6, 9, 10, 12), (16, 17)),
    ((16, 17), (8,)),
    ((8,), (18, 19)),
    ((16,), (18,)),
    ((17,), (19,)),
    ((9,), (18, 19)),
    ((14,), (15,)),
    ((16,), (17,)),
    ((18,), (19,)),
)
_MARKET_EDGES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((1,), (2,)),
    ((2,), (3,)),
    ((3,), (4, 5, 6)),
    ((4,), (6,)),
)


def adjacency(parts: int) -> Tensor:
    """E: which parts of the body touch, (N,N) float32, symmetric, 0 or 1, without self loops.

    The background (0) is joined to nothing. The paper draws no list; this one is the project's.

    Args:
        parts: 20 (LIP) or 7 (Market).
    """
    groups = {20: _LIP_EDGES, 7: _MARKET_EDGES}[parts]
    edges_NN = torch.zeros(parts, parts)
    for first, second in groups:
        for i in first:
            for j in second:
                edges_NN[i, j] = edges_NN[j, i] = 1.0
    return edges_NN


def normalised_adjacency(parts: int) -> Tensor:
    """E + I, scaled by the square roots of both nodes' degrees: (N,N) float32.

    Self loops and scaling are those of the graph convolution that the paper cites [20]; unscaled,
    a node with ten neighbours would grow tenfold at every propagation.
    """
    with_self_NN = adjacency(parts) + torch.eye(parts)
    scale_N = with_self_NN.sum(1).rsqrt()
    return scale_N[:, None] * with_self_NN * scale_N[None, :]


def pool_parts(features_BDHW: Tensor, member_BNHW: Tensor) -> Tensor:
    """Equation (5): the mean feature of each part's region.

    Args:
        features_BDHW: features to pool.
        member_BNHW: share of each part at each position, in [0, 1]: one-hot, or probabilities.

    Returns:
        (B,N,D) float32: the mean over positions, weighted by the part's share there; zero where
        the part is nowhere. Shares of less than one position in all count as one, so that the mean
        fades to that zero as probabilities do, and one-hot maps are their limit.
    """
    sums_BND = torch.einsum("bnhw,bdhw->bnd", member_BNHW, features_BDHW)
    # In float32: bfloat16 has not every number of positions beyond 256.
    area_BN = member_BNHW.sum(dim=(2, 3), dtype=torch.float32)
    return sums_BND / area_BN.clamp(min=1)[:, :, None]


class LayoutGraphReasoning(nn.Module):
    """LGR at one layer.

    Args:
        channels: D, channels of the decoder's feature and of a node.
        parts: N.
        steps: n, how often equation (7) is applied.
    """

    edges_NN: Tensor

    def __init__(self, channels: int, parts: int, steps: int) -> None:
        super().__init__()
        self.parts = parts
        self.steps = steps
        self.project = conv(channels, parts, 1)
        self.gather = linear(2 * channels, channels)
        self.propagate = linear(channels, channels)
        self.distribute = linear(parts, parts)
        self.register_buffer("edges_NN", normalised_adjacency(parts), persistent=False)

    def forward(self, decoded_BDHW: Tensor, layout_BNHW: Tensor) -> Tensor:
        """Reason over the parts and hand every position its part's node.

        Args:
            decoded_BDHW: decoder feature.
            layout_BNHW: layout of the same size, one-hot or probabilities; gradients reach it.

        Returns:
            (B,D,H,W): at every position its part's node, or the mean of the nodes weighted by
            their parts' probabilities there.
        """
        nodes_BND = self.nodes(decoded_BDHW, layout_BNHW)
        for _ in range(self.steps):
            nodes_BND = functional.relu(self.propagate(self.edges_NN.to(nodes_BND) @ nodes_BND))
        mixed_BDN = self.distribute(nodes_BND.transpose(1, 2))
        return torch.einsum("bdn,bnhw->bdhw", mixed_BDN, layout_BNHW.to(mixed_BDN))

    def nodes(self, decoded_BDHW: Tensor, layout_BNHW: Tensor) -> Tensor:
        """Equations (3)-(6): the graph's nodes Q, (B,N,D)."""
        maps_BNHW = self.project(decoded_BDHW)
        positions = decoded_BDHW.shape[2] * decoded_BDHW.shape[3]
        projected_BND = torch.einsum("bnhw,bdhw->bnd", maps_BNHW, decoded_BDHW) / positions
        sampled_BND = pool_parts(decoded_BDHW, layout_BNHW.to(decoded_BDHW))
        return functional.relu(self.gather(torch.cat([projected_BND, sampled_BND], dim=2)))
