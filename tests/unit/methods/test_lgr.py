"""LGR against the printed equations (3) to (7)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recapbench.data.parsing import LIP_LABELS, LIP_MIRROR
from recapbench.methods.sat_lgr.lgr import (
    LayoutGraphReasoning,
    adjacency,
    normalised_adjacency,
    pool_parts,
)

PARTS = 7


def literal(module: LayoutGraphReasoning, decoded_BDHW: Tensor, labels_BHW: Tensor) -> Tensor:
    """Equations (3)-(7) and the way back, sample by sample, part by part."""
    out = []
    for feature_DHW, labels_HW in zip(decoded_BDHW, labels_BHW, strict=True):
        feature_DP, labels_P = feature_DHW.flatten(1), labels_HW.flatten()
        positions = feature_DP.shape[1]
        nodes = []
        weight_ND, bias_N = module.project.weight[:, :, 0, 0], module.project.bias
        for part in range(PARTS):
            map_P = weight_ND[part] @ feature_DP + bias_N[part]
            projected_D = (map_P * feature_DP).sum(1) / positions  # equation (3)
            inside = labels_P == part
            sampled_D = torch.zeros(len(feature_DP))
            if inside.any():
                sampled_D = feature_DP[:, inside].mean(1)  # equations (4), (5)
            both = torch.cat([projected_D, sampled_D])
            nodes.append(functional.relu(module.gather.weight @ both))  # equation (6)
        nodes_ND = torch.stack(nodes)
        for _ in range(module.steps):  # equation (7)
            nodes_ND = functional.relu(
                normalised_adjacency(PARTS) @ nodes_ND @ module.propagate.weight.T
            )
        mixed_ND = module.distribute.weight @ nodes_ND
        out.append(mixed_ND[labels_P].T.reshape(feature_DHW.shape))
    return torch.stack(out)


def example(seed: int) -> tuple[LayoutGraphReasoning, Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    module = LayoutGraphReasoning(6, PARTS, steps=2).eval()
    decoded_BDHW = torch.randn(3, 6, 4, 2)
    labels_BHW = torch.randint(0, PARTS - 1, (3, 4, 2))
    onehot_BNHW = functional.one_hot(labels_BHW, PARTS).permute(0, 3, 1, 2).float()
    return module, decoded_BDHW, labels_BHW, onehot_BNHW


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_equations(seed: int) -> None:
    module, decoded_BDHW, labels_BHW, onehot_BNHW = example(seed)
    ours = module(decoded_BDHW, onehot_BNHW)
    torch.testing.assert_close(ours, literal(module, decoded_BDHW, labels_BHW), atol=1e-5, rtol=0)
    assert ours.abs().max() > 1e-3


def test_gradients_equal_those_of_the_equations() -> None:
    module, decoded_BDHW, labels_BHW, onehot_BNHW = example(1)
    grads = []
    for function, layout in ((module, onehot_BNHW), (None, labels_BHW)):
        leaf = decoded_BDHW.clone().requires_grad_()
        out = function(leaf, layout) if function is not None else literal(module, leaf, layout)
        out.square().sum().backward()
        assert leaf.grad is not None
        grads.append(leaf.grad)
    torch.testing.assert_close(grads[0], grads[1], atol=1e-5, rtol=1e-5)


def test_an_empty_region_pools_to_zero() -> None:
    _, decoded_BDHW, _, onehot_BNHW = example(0)
    pooled_BND = pool_parts(decoded_BDHW, onehot_BNHW)
    assert torch.equal(pooled_BND[:, PARTS - 1], torch.zeros(3, 6))


def pooled_by_a_loop(features_BDHW: Tensor, member_BNHW: Tensor) -> Tensor:
    """Equation (5), part by part and position by position, in float64."""
    pooled_BND = torch.zeros(*member_BNHW.shape[:2], features_BDHW.shape[1], dtype=torch.float64)
    for b, members_NHW in enumerate(member_BNHW.double()):
        features_PD = features_BDHW[b].double().flatten(1).T
        for part, member_P in enumerate(members_NHW.flatten(1)):
            for share, feature_D in zip(member_P, features_PD, strict=True):
                pooled_BND[b, part] += share * feature_D / max(float(member_P.sum()), 1.0)
    return pooled_BND


def soft_layout(seed: int, size: tuple[int, int] = (4, 2)) -> Tensor:
    """Probabilities (3,N,H,W); the last part is all but nowhere."""
    random = torch.Generator().manual_seed(seed)
    logits_BNHW = 3 * torch.randn(3, PARTS, *size, generator=random)
    logits_BNHW[:, PARTS - 1] -= 40
    return logits_BNHW.softmax(dim=1)


@pytest.mark.parametrize("soft", [False, True])
def test_pooling_equals_a_loop_over_parts_and_positions(soft: bool) -> None:
    _, decoded_BDHW, _, member_BNHW = example(5)
    if soft:
        member_BNHW = soft_layout(5)
    found_BND = pool_parts(decoded_BDHW, member_BNHW)
    wanted_BND = pooled_by_a_loop(decoded_BDHW, member_BNHW)
    torch.testing.assert_close(found_BND, wanted_BND.float(), atol=1e-5, rtol=0)
    assert found_BND[:, PARTS - 1].abs().max() < 1e-10


def test_a_region_of_probabilities_pools_to_its_weighted_mean() -> None:
    features_BDHW = torch.tensor([[[[1.0, 5.0, 9.0]]]])
    member_BNHW = torch.tensor([[[[0.75, 0.75, 0.0]], [[0.25, 0.25, 0.0]], [[0.0, 0.0, 1.0]]]])
    # 1.5 positions in all: their mean; half a position: half of it; one position: its feature.
    assert pool_parts(features_BDHW, member_BNHW).flatten().tolist() == [3.0, 1.5, 9.0]


def test_in_bfloat16_a_large_region_is_summed_whole() -> None:
    """A running sum in bfloat16 would stop growing at 256 of these 4,059 positions."""
    features_BDHW = torch.ones(1, 3, 64, 64, dtype=torch.bfloat16)
    member_BNHW = torch.zeros(1, PARTS, 64, 64, dtype=torch.bfloat16)
    member_BNHW[:, 1].fill_(1.0)
    member_BNHW[:, 1, 0, :37], member_BNHW[:, 2, 0, :37] = 0.0, 1.0
    pooled_BND = pool_parts(features_BDHW, member_BNHW)
    torch.testing.assert_close(pooled_BND[0, 1:3], torch.ones(2, 3), atol=3e-3, rtol=0)


@pytest.mark.parametrize("soft", [False, True])
def test_bfloat16_stays_near_the_equations(soft: bool) -> None:
    module, decoded_BDHW, _, member_BNHW = example(6)
    if soft:
        member_BNHW = soft_layout(6)
    found = []
    for enabled in (False, True):
        leaves = [decoded_BDHW.clone().requires_grad_(), member_BNHW.clone().requires_grad_()]
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            out_BDHW = module(*leaves)
        out_BDHW.float().square().sum().backward()
        found.append([out_BDHW.detach().float(), *(leaf.grad for leaf in leaves)])
    for wanted, ours in zip(*found, strict=True):
        assert wanted is not None
        assert ours is not None
        assert 0 < (ours - wanted).norm() <= 3e-2 * wanted.norm()


def test_a_layout_of_probabilities_mixes_the_nodes() -> None:
    """Against the loop for one-hot layouts: the same nodes from pooled means, handed out by
    probabilities in place of labels."""
    module, decoded_BDHW, _, _ = example(2)
    member_BNHW = soft_layout(2)
    out_BDHW = module(decoded_BDHW, member_BNHW)
    maps_BNHW = module.project(decoded_BDHW)
    projected_BND = torch.einsum("bnhw,bdhw->bnd", maps_BNHW, decoded_BDHW) / 8
    pooled_BND = pooled_by_a_loop(decoded_BDHW, member_BNHW).float()
    nodes_BND = functional.relu(module.gather(torch.cat([projected_BND, pooled_BND], 2)))
    for _ in range(module.steps):
        nodes_BND = functional.relu(module.propagate(normalised_adjacency(PARTS) @ nodes_BND))
    mixed_BND = module.distribute.weight @ nodes_BND
    for row in range(4):
        for column in range(2):
            wanted_BD = sum(
                member_BNHW[:, part, row, column, None] * mixed_BND[:, part]
                for part in range(PARTS)
            )
            torch.testing.assert_close(out_BDHW[:, :, row, column], wanted_BD, atol=1e-5, rtol=0)


def test_one_hot_layouts_are_the_limit_of_probabilities() -> None:
    module, decoded_BDHW, _, onehot_BNHW = example(3)
    hard_BDHW = module(decoded_BDHW, onehot_BNHW)
    nearly_BNHW = (onehot_BNHW * 25).softmax(dim=1)
    torch.testing.assert_close(module(decoded_BDHW, nearly_BNHW), hard_BDHW, atol=1e-5, rtol=0)


@pytest.mark.parametrize("parts", [7, 20])
def test_adjacency_is_symmetric_without_loops_and_leaves_the_background_alone(parts: int) -> None:
    edges_NN = adjacency(parts)
    assert torch.equal(edges_NN, edges_NN.T)
    assert edges_NN.diagonal().sum() == 0
    assert edges_NN[0].sum() == 0
    assert set(edges_NN.unique().tolist()) == {0.0, 1.0}
    assert (edges_NN[1:].sum(1) > 0).all()


def test_adjacency_is_the_same_for_both_sides_of_the_body() -> None:
    swap = list(range(len(LIP_LABELS)))
    for left, right in LIP_MIRROR:
        swap[left], swap[right] = right, left
    edges_NN = adjacency(20)
    assert torch.equal(edges_NN, edges_NN[swap][:, swap])


def test_adjacency_joins_what_touches() -> None:
    def joined(first: str, second: str) -> bool:
        return bool(adjacency(20)[LIP_LABELS.index(first), LIP_LABELS.index(second)])

    assert joined("hair", "face")
    assert joined("left-shoe", "right-shoe")
    assert joined("upper-clothes", "pants")
    assert not joined("hat", "left-shoe")
    assert not joined("left-arm", "right-leg")
