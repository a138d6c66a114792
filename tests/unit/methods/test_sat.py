"""SAT against the printed equations (1) and (2)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from recapbench.methods.sat_lgr import attention
from recapbench.methods.sat_lgr.attention import (
    masked_attention,
    segment_attention,
    soft_attention,
)
from recapbench.methods.sat_lgr.sat import (
    SemanticAwareTransfer,
    places_in_all_parts,
    places_in_parts,
    resize_labels,
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


@pytest.mark.parametrize("block", [1, 7, 50, 1 << 20])
def test_blocks_change_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    *features, labels_J, labels_I = example(11)
    grads = []
    for function in (segment_attention, literal):
        leaves = [feature.clone().requires_grad_() for feature in features]
        moved_JC = function(*leaves, labels_J, labels_I)
        moved_JC.square().sum().backward()
        grads.append([moved_JC.detach(), *(leaf.grad for leaf in leaves)])
    for ours, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)


def test_the_path_of_other_devices_equals_the_equations() -> None:
    *features, labels_J, labels_I = example(13)
    grads = []
    for function in (masked_attention, literal):
        leaves = [feature.clone().requires_grad_() for feature in features]
        moved_JC = function(*leaves, labels_J, labels_I)
        moved_JC.square().sum().backward()
        grads.append([moved_JC.detach(), *(leaf.grad for leaf in leaves)])
    for ours, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)


def test_bfloat16_values_stay_near() -> None:
    random = torch.Generator().manual_seed(0)
    query_JK, key_IK = (torch.randn(300, 8, generator=random) for _ in range(2))
    value_IC = torch.randn(300, 32, generator=random)
    labels_J, labels_I = (torch.randint(0, PARTS, (300,), generator=random) for _ in range(2))
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        leaves = [x.clone().requires_grad_() for x in (query_JK, key_IK, value_IC)]
        moved_JC = segment_attention(leaves[0], leaves[1], leaves[2].to(dtype), labels_J, labels_I)
        assert moved_JC.dtype == dtype
        moved_JC.float().square().sum().backward()
        found.append([moved_JC.detach().float(), *(leaf.grad for leaf in leaves)])
    for ours, wanted in zip(found[1], found[0], strict=True):
        assert 0 < (ours - wanted).norm() <= 2e-2 * wanted.norm()


def literal_soft(
    query_NJK: Tensor, key_IK: Tensor, value_IC: Tensor, member_JN: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) part by part, weighted by the memberships."""
    out_JC = torch.zeros(len(member_JN), value_IC.shape[1])
    for part in range(member_JN.shape[1]):
        inside = torch.nonzero(labels_I == part)[:, 0]
        if len(inside):
            query_JK = query_NJK[part % len(query_NJK)]
            weights_JI = torch.softmax(query_JK @ key_IK[inside].T, dim=1)
            out_JC = out_JC + member_JN[:, part, None] * (weights_JI @ value_IC[inside])
    return out_JC


@pytest.mark.parametrize("queries", [1, PARTS])
@pytest.mark.parametrize("block", [30, 1 << 20])
def test_a_soft_layout_equals_the_equations(
    monkeypatch: pytest.MonkeyPatch, queries: int, block: int
) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    _, key_IK, value_IC, _, labels_I = example(17)
    random = torch.Generator().manual_seed(1)
    query_NJK = torch.randn(queries, 23, 4, generator=random)
    member_JN = torch.randn(23, PARTS, generator=random).softmax(dim=1)
    grads = []
    for function in (soft_attention, literal_soft):
        leaves = [x.clone().requires_grad_() for x in (query_NJK, key_IK, value_IC, member_JN)]
        moved_JC = function(*leaves, labels_I)
        (moved_JC.square() * torch.arange(1.0, 7.0)).sum().backward()
        grads.append([moved_JC.detach(), *(leaf.grad for leaf in leaves)])
    for ours, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(ours, wanted, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("place_weight", [0.0, 50.0])
def test_a_soft_layout_of_zeros_and_ones_is_a_hard_one(place_weight: float) -> None:
    torch.manual_seed(4)
    module = SemanticAwareTransfer(8, 4, PARTS, place_weight).eval()
    source, decoded = torch.randn(2, 2, 8, 6, 5).unbind()
    labels, layout = torch.randint(0, PARTS, (2, 2, 12, 10)).unbind()
    soft_BNHW = torch.nn.functional.one_hot(layout, PARTS).permute(0, 3, 1, 2).float()
    hard = module(source, decoded, labels, layout)
    torch.testing.assert_close(
        module(source, decoded, labels, layout, soft_BNHW), hard, atol=1e-5, rtol=0
    )


def test_gradients_reach_a_soft_layout() -> None:
    torch.manual_seed(5)
    module = SemanticAwareTransfer(8, 4, PARTS, 50.0)
    source, decoded = torch.randn(2, 1, 8, 6, 5).unbind()
    labels = torch.randint(0, PARTS, (1, 6, 5))
    logits = torch.randn(1, PARTS, 6, 5, requires_grad=True)
    module(source, decoded, labels, labels, logits.softmax(dim=1)).square().sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def test_a_sample_does_not_see_the_others_of_its_batch() -> None:
    torch.manual_seed(0)
    module = SemanticAwareTransfer(8, 4, PARTS).eval()
    source, decoded = torch.randn(2, 3, 8, 6, 5).unbind()
    labels, layout = torch.randint(0, PARTS, (2, 3, 12, 10)).unbind()
    whole = module(source, decoded, labels, layout)
    for i in range(3):
        alone = module(*(x[i : i + 1] for x in (source, decoded, labels, layout)))
        torch.testing.assert_close(alone[0], whole[i], atol=1e-6, rtol=0)


@pytest.mark.parametrize("place_weight", [0.0, 50.0])
def test_attention_sums_to_one_inside_the_same_part_and_makes_the_output(
    place_weight: float,
) -> None:
    torch.manual_seed(1)
    module = SemanticAwareTransfer(8, 4, PARTS, place_weight).eval()
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
    module = SemanticAwareTransfer(8, 4, PARTS).eval()
    features = torch.randn(1, 8, 4, 4)
    source, layout = torch.zeros(2, 1, 4, 4, dtype=torch.long).unbind()
    layout = layout + 2
    assert module.attention(features, features, source, layout, (1, 1)).sum() == 0


class TestPlaces:
    def test_mean_and_spread_of_every_part_are_taken_out(self) -> None:
        labels_BHW = torch.randint(0, 3, (2, 9, 7), generator=torch.Generator().manual_seed(0))
        places_BI2 = places_in_parts(labels_BHW, PARTS)
        for sample in range(2):
            for part in range(3):
                places = places_BI2[sample][labels_BHW[sample].flatten() == part]
                torch.testing.assert_close(places.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
                torch.testing.assert_close(
                    places.std(0, correction=0), torch.ones(2), atol=1e-5, rtol=0
                )

    def test_a_part_of_one_position_lies_at_its_own_centre(self) -> None:
        labels_BHW = torch.zeros(1, 4, 4, dtype=torch.long)
        labels_BHW[0, 2, 3] = 1
        assert places_in_parts(labels_BHW, PARTS)[0, 2 * 4 + 3].tolist() == [0.0, 0.0]

    def test_of_all_parts_those_of_the_own_are_the_same(self) -> None:
        labels_BHW = torch.randint(0, 3, (2, 9, 7), generator=torch.Generator().manual_seed(0))
        member_BNHW = torch.nn.functional.one_hot(labels_BHW, PARTS).permute(0, 3, 1, 2)
        all_BNI2 = places_in_all_parts(member_BNHW)
        for part in range(3):
            mine = labels_BHW.flatten(1) == part
            own_BI2 = places_in_parts(labels_BHW, PARTS)
            torch.testing.assert_close(all_BNI2[:, part][mine], own_BI2[mine])

    def test_scores_are_the_equations_less_half_the_weighted_squared_distance(self) -> None:
        torch.manual_seed(2)
        weight, size = 30.0, (6, 5)
        module = SemanticAwareTransfer(8, 4, PARTS, weight).eval()
        source, decoded = torch.randn(2, 1, 8, *size).unbind()
        labels, layout = torch.randint(0, PARTS, (2, 1, *size)).unbind()
        query_JK = module.scale * module.g(decoded)[0].flatten(1).T
        scores_JI = query_JK @ module.theta(source)[0].flatten(1)
        here_J2, there_I2 = (places_in_parts(x, PARTS)[0] for x in (layout, labels))
        squared_JI = (here_J2[:, None] - there_I2[None]).square().sum(2)
        same_JI = layout.flatten()[:, None] == labels.flatten()[None]
        masked_JI = (scores_JI - 0.5 * weight * squared_JI).masked_fill(~same_JI, -torch.inf)
        wanted_JC = torch.softmax(masked_JI, dim=1).nan_to_num(0.0) @ source[0].flatten(1).T
        moved_JC = module(source, decoded, labels, layout)[0].flatten(1).T
        torch.testing.assert_close(moved_JC, wanted_JC, atol=1e-5, rtol=0)

    def test_a_part_that_moved_and_grew_is_found_again(self) -> None:
        """With equal features everywhere attention goes to the same place of the part."""
        module = SemanticAwareTransfer(1, 1, PARTS, 1000.0).eval()
        labels, layout = torch.zeros(2, 1, 24, 24, dtype=torch.long).unbind()
        labels[0, 2:8, 3:9] = 1
        layout[0, 10:22, 6:18] = 1
        flat = torch.zeros(1, 1, 24, 24)
        for row, column, wanted in ((10, 6, (2, 3)), (21, 17, (7, 8)), (15, 12, (4, 6))):
            weights_HW = module.attention(flat, flat, labels, layout, (row, column))[0]
            assert divmod(int(weights_HW.argmax()), 24) == wanted


def test_labels_are_resized_by_nearest_neighbour() -> None:
    labels = torch.arange(16).reshape(1, 4, 4)
    assert resize_labels(labels, (2, 2)).tolist() == [[[0, 2], [8, 10]]]
