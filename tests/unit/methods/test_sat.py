"""SAT against the printed equations (1) and (2)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recapbench.methods.sat_lgr.sat import (
    SemanticAwareTransfer,
    resize_labels,
    segment_attention,
)

PARTS = 5


def literal(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2), a loop over parts and target positions."""
    rows = [torch.zeros(value_IC.shape[1], dtype=value_IC.dtype) for _ in labels_J]
    for part in range(PARTS):
        inside = torch.nonzero(labels_I == part)[:, 0]
        for j in torch.nonzero(labels_J == part)[:, 0].tolist():
            if len(inside):
                scores = torch.stack([query_JK[j] @ key_IK[i] for i in inside])
                weights = scores.exp() / scores.exp().sum()
                rows[j] = (weights[:, None] * value_IC[inside]).sum(0)
    return torch.stack(rows)


def example(seed: int, positions: int = 40) -> tuple[Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    query_JK, key_IK = (torch.randn(positions, 4, generator=random) for _ in range(2))
    value_IC = torch.randn(positions, 6, generator=random)
    labels_J = torch.randint(0, PARTS, (positions,), generator=random)
    labels_I = torch.randint(0, PARTS - 1, (positions,), generator=random)  # the last is absent
    return query_JK, key_IK, value_IC, labels_J, labels_I


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_equations(seed: int) -> None:
    inputs = example(seed)
    torch.testing.assert_close(segment_attention(*inputs), literal(*inputs), atol=1e-5, rtol=0)


def test_gradients_equal_those_of_the_equations() -> None:
    *features, labels_J, labels_I = example(7)
    grads = []
    for function in (segment_attention, literal):
        leaves = [feature.clone().requires_grad_() for feature in features]
        function(*leaves, labels_J, labels_I).square().sum().backward()
        grads.append([leaf.grad for leaf in leaves])
    for ours, wanted in zip(*grads, strict=True):
        assert ours is not None
        torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)


def test_a_part_absent_from_the_source_gives_zeros() -> None:
    query_JK, key_IK, value_IC, labels_J, labels_I = example(3)
    moved_JC = segment_attention(query_JK, key_IK, value_IC, labels_J, labels_I)
    absent = labels_J == PARTS - 1
    assert absent.any()
    assert torch.equal(moved_JC[absent], torch.zeros_like(moved_JC[absent]))
    assert (moved_JC[~absent].abs().sum(1) > 0).all()


def test_the_fused_kernel_equals_the_plain_one() -> None:
    random = torch.Generator().manual_seed(0)
    query_JK, key_IK = (torch.randn(1100, 4, generator=random) for _ in range(2))
    value_IC = torch.randn(1100, 16, generator=random)
    labels = torch.zeros(1100, dtype=torch.long)
    wanted = torch.softmax(query_JK @ key_IK.T, dim=1) @ value_IC
    moved_JC = segment_attention(query_JK, key_IK, value_IC, labels, labels)
    torch.testing.assert_close(moved_JC, wanted, atol=1e-5, rtol=0)


def test_a_sample_does_not_see_the_others_of_its_batch() -> None:
    torch.manual_seed(0)
    module = SemanticAwareTransfer(8, 4).eval()
    source, decoded = torch.randn(2, 3, 8, 6, 5).unbind()
    labels, layout = torch.randint(0, PARTS, (2, 3, 12, 10)).unbind()
    whole = module(source, decoded, labels, layout)
    for i in range(3):
        alone = module(*(x[i : i + 1] for x in (source, decoded, labels, layout)))
        torch.testing.assert_close(alone[0], whole[i], atol=1e-6, rtol=0)


def test_attention_sums_to_one_inside_the_same_part_and_makes_the_output() -> None:
    torch.manual_seed(1)
    module = SemanticAwareTransfer(8, 4).eval()
    source, decoded = torch.randn(2, 2, 8, 6, 5).unbind()
    labels, layout = torch.randint(0, 3, (2, 2, 6, 5)).unbind()
    moved = module(source, decoded, labels, layout)
    for row, column in ((0, 0), (3, 2), (5, 4)):
        weights_BHW = module.attention(source, decoded, labels, layout, (row, column))
        same_BHW = labels == layout[:, row, column][:, None, None]
        torch.testing.assert_close(weights_BHW.sum((1, 2)), torch.ones(2))
        assert (weights_BHW[~same_BHW] == 0).all()
        made = torch.einsum("bhw,bchw->bc", weights_BHW, source)
        torch.testing.assert_close(made, moved[:, :, row, column], atol=1e-5, rtol=0)


def test_attention_is_zero_where_the_part_is_absent() -> None:
    module = SemanticAwareTransfer(8, 4).eval()
    features = torch.randn(1, 8, 4, 4)
    source, layout = torch.zeros(2, 1, 4, 4, dtype=torch.long).unbind()
    layout = layout + 2
    assert module.attention(features, features, source, layout, (1, 1)).sum() == 0


def test_labels_are_resized_by_nearest_neighbour() -> None:
    labels = torch.arange(16).reshape(1, 4, 4)
    assert resize_labels(labels, (2, 2)).tolist() == [[[0, 2], [8, 10]]]
