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
