"""Attention within parts, equations (1) and (2): the products, forward and backward.

Letters: J target positions, I source positions, K key channels, C value channels, N parts.

Positions are sorted by label, so that a part is one contiguous segment, and a block of target
positions is attended at a time. Neither a mask nor the scores of all pairs are ever in memory, and
the backward pass makes the scores again: a block of them costs K multiplications a pair against
the C of the values, less than reading them back from memory would.
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

BLOCK: Final = 1 << 20
"""Scores in memory at once: few enough to stay in the processor's cache."""

_LOG2_E: Final = math.log2(math.e)
"""Exponentials are powers of two: torch's `exp` on CPUs takes 4 times as long, and 50 times where
the result underflows, as it does for most pairs of places that lie far apart."""


def segment_attention(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) for one sample.

    Args:
        query_JK: g of the decoder's feature at each target position.
        key_IK: theta of the encoder's feature at each source position.
        value_IC: the encoder's feature at each source position, float32 or bfloat16; the products
            with it run in its type, the scores and their softmax in float32.
        labels_J: part of each target position, int64.
        labels_I: part of each source position, int64.

    Returns:
        (J,C) in the values' type: the transferred feature; zero at target positions whose part
        the source lacks.
    """
    if query_JK.is_cuda:
        return masked_attention(query_JK, key_IK, value_IC, labels_J, labels_I)
    order_J, counts_J = _by_part(labels_J)
    order_I, counts_I = _by_part(labels_I)
    sorted_JC = _Segments.apply(
        _whole_vectors(query_JK[order_J].float()),
        _whole_vectors(key_IK[order_I].float()),
        value_IC[order_I],
        counts_J,
        counts_I,
    )
    return sorted_JC[torch.argsort(order_J)]


def masked_attention(
    query_JK: Tensor, key_IK: Tensor, value_IC: Tensor, labels_J: Tensor, labels_I: Tensor
) -> Tensor:
    """The same by one fused attention under a mask: for devices where sorting and many small
    products cost more than the masked ones."""
    same_JI = labels_J[:, None] == labels_I[None, :]
    present_J1 = same_JI.any(dim=1, keepdim=True)
    # A row without a key has no softmax: it attends to everything, and is then put to zero.
    moved_JC = functional.scaled_dot_product_attention(
        query_JK.to(value_IC.dtype)[None],
        key_IK.to(value_IC.dtype)[None],
        value_IC[None],
        attn_mask=(same_JI | ~present_J1)[None],
        scale=1.0,
    )[0]
    return moved_JC * present_J1


def soft_attention(
    query_NJK: Tensor, key_IK: Tensor, value_IC: Tensor, member_JN: Tensor, labels_I: Tensor
) -> Tensor:
    """Equations (1)-(2) for a layout of probabilities, exactly: every target position is the
    mean over parts, weighted by its membership, of what each part would give it.

    Args:
        query_NJK: g at each target position, a row for each part; or (1,J,K) for one for all.
        key_IK: theta at each source position.
        value_IC: the encoder's feature at each source position.
        member_JN: share of each part at each target position, in [0, 1].
        labels_I: part of each source position, int64, below N.

    Returns:
        (J,C) in the values' type; gradients reach the memberships too.
    """
    order_I, counts_I = _by_part(labels_I, member_JN.shape[1])
    return _Soft.apply(
        _whole_vectors(query_NJK.float()),
        _whole_vectors(key_IK[order_I].float()),
        value_IC[order_I],
        member_JN.float(),
        counts_I,
    )


def _by_part(labels: Tensor, parts: int = 0) -> tuple[Tensor, list[int]]:
    """The order that sorts positions by part, and how many each part has."""
    return torch.argsort(labels, stable=True), torch.bincount(labels, minlength=parts).tolist()


def _whole_vectors(features: Tensor) -> Tensor:
    """Zeros after the last of the channels, up to a multiple of 16: products with fewer channels
    than a vector register holds take up to four times as long in the backward pass."""
    return functional.pad(features, (0, -features.shape[-1] % 16))


def _segments(counts_J: list[int], counts_I: list[int]) -> list[tuple[slice, slice]]:
    """Blocks of target positions with the source positions of their part."""
    found, j, i = [], 0, 0
    for part in range(min(len(counts_J), len(counts_I))):
        wide, long = counts_I[part], counts_J[part]
        if wide and long:
            step = max(1, BLOCK // wide)
            found += [
                (slice(j + start, min(j + start + step, j + long)), slice(i, i + wide))
                for start in range(0, long, step)
            ]
        j, i = j + long, i + wide
    return found


class _Segments(Function):
    """Attention of sorted positions; saves its inputs, its output and two numbers per row."""

    @staticmethod
    def forward(
        ctx: Any,
        query_JK: Tensor,
        key_IK: Tensor,
        value_IC: Tensor,
        counts_J: list[int],
        counts_I: list[int],
    ) -> Tensor:
        out_JC = value_IC.new_zeros(len(query_JK), value_IC.shape[1])
        largest_J1, sum_J1 = query_JK.new_zeros(2, len(query_JK), 1)
        for j, i in _segments(counts_J, counts_I):
            weights_JI = _LOG2_E * query_JK[j] @ key_IK[i].T
            largest_J1[j], sum_J1[j] = _softmax_(weights_JI)
            out_JC[j] = weights_JI.to(value_IC.dtype) @ value_IC[i]
        ctx.save_for_backward(query_JK, key_IK, value_IC, out_JC, largest_J1, sum_J1)
        ctx.counts = counts_J, counts_I
        return out_JC

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_JC: Tensor) -> tuple[Tensor | None, ...]:
        query_JK, key_IK, value_IC, out_JC, largest_J1, sum_J1 = ctx.saved_tensors
        grad_query_JK = torch.zeros_like(query_JK)
        grad_key_IK, grad_value_IC = torch.zeros_like(key_IK), value_IC.new_zeros(value_IC.shape)
        mean_J1 = (grad_JC * out_JC).sum(dim=1, keepdim=True, dtype=torch.float32)
        for j, i in _segments(*ctx.counts):
            # The weights but for their sums, by which the gradients are divided in their place.
            weights_JI = (_LOG2_E * query_JK[j] @ key_IK[i].T).sub_(largest_J1[j]).exp2_()
            share_JC = (grad_JC[j] / sum_J1[j]).to(value_IC.dtype)
            grad_value_IC[i] += weights_JI.to(value_IC.dtype).T @ share_JC
            grad_JI = (share_JC @ value_IC[i].T).float()
            grad_JI.sub_(mean_J1[j] / sum_J1[j]).mul_(weights_JI)
            grad_query_JK[j] = grad_JI @ key_IK[i]
            grad_key_IK[i] += grad_JI.T @ query_JK[j]
        return grad_query_JK, grad_key_IK, grad_value_IC, None, None


class _Soft(Function):
    """Attention of every target position over every part, weighted by its membership."""

    @staticmethod
    def forward(
        ctx: Any,
        query_NJK: Tensor,
        key_IK: Tensor,
        value_IC: Tensor,
        member_JN: Tensor,
        counts_I: list[int],
    ) -> Tensor:
        out_JC = value_IC.new_empty(len(member_JN), value_IC.shape[1])
        largest_JN, sum_JN = member_JN.new_ones(2, *member_JN.shape)
        for j in _rows(len(member_JN), len(key_IK)):
            weights_JI = _scores(query_NJK, key_IK, j, counts_I)
            for part, i in _parts(counts_I):
                of_part_JI = weights_JI[:, i]
                largest_J1, sum_J1 = _softmax_(of_part_JI)
                largest_JN[j, part], sum_JN[j, part] = largest_J1[:, 0], sum_J1[:, 0]
                of_part_JI.mul_(member_JN[j, part, None])
            out_JC[j] = weights_JI.to(value_IC.dtype) @ value_IC
        ctx.save_for_backward(query_NJK, key_IK, value_IC, member_JN, largest_JN, sum_JN)
        ctx.counts = counts_I
        return out_JC

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_JC: Tensor) -> tuple[Tensor | None, ...]:
        query_NJK, key_IK, value_IC, member_JN, largest_JN, sum_JN = ctx.saved_tensors
        grad_query_NJK = torch.zeros_like(query_NJK)
        grad_key_IK, grad_value_IC = torch.zeros_like(key_IK), value_IC.new_zeros(value_IC.shape)
        grad_member_JN = torch.zeros_like(member_JN)
        shared = len(query_NJK) == 1
        for j in _rows(len(member_JN), len(key_IK)):
            weights_JI = _scores(query_NJK, key_IK, j, ctx.counts)
            grad_JI = (grad_JC[j] @ value_IC.T).float()
            for part, i in _parts(ctx.counts):
                of_part_JI, grad_of_JI = weights_JI[:, i], grad_JI[:, i]
                of_part_JI.sub_(largest_JN[j, part, None]).exp2_()
                mean_J = (of_part_JI * grad_of_JI).sum(dim=1) / sum_JN[j, part]
                grad_member_JN[j, part] = mean_J
                of_part_JI.mul_((member_JN[j, part] / sum_JN[j, part])[:, None])
                grad_of_JI.sub_(mean_J[:, None]).mul_(of_part_JI)
                if not shared:
                    grad_query_NJK[part, j] = grad_of_JI @ key_IK[i]
                    grad_key_IK[i] += grad_of_JI.T @ query_NJK[part, j]
            grad_value_IC += weights_JI.to(value_IC.dtype).T @ grad_JC[j]
            if shared:
                grad_query_NJK[0, j] = grad_JI @ key_IK
                grad_key_IK += grad_JI.T @ query_NJK[0, j]
        return grad_query_NJK, grad_key_IK, grad_value_IC, grad_member_JN, None


def _rows(count: int, wide: int) -> list[slice]:
    """Blocks of target positions that attend to every source position."""
    step = max(1, BLOCK // wide)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _parts(counts: list[int]) -> list[tuple[int, slice]]:
    """The parts that the source has, and where their positions lie."""
    found, begin = [], 0
    for part, count in enumerate(counts):
        if count:
            found.append((part, slice(begin, begin + count)))
        begin += count
    return found


def _scores(query_NJK: Tensor, key_IK: Tensor, j: slice, counts: list[int]) -> Tensor:
    """(J,I) of a block, in powers of two: by the query of each part, or by the one they share."""
    query_NJK = _LOG2_E * query_NJK[:, j]
    if len(query_NJK) == 1:
        return query_NJK[0] @ key_IK.T
    return torch.cat([query_NJK[part] @ key_IK[i].T for part, i in _parts(counts)], dim=1)


def _softmax_(scores_JI: Tensor) -> tuple[Tensor, Tensor]:
    """Turn scores (powers of two) into weights in place; returns what was taken off and their sum.

    The backward pass takes off and divides by the same two: by the logarithm of the whole, which
    large scores leave few digits, weights would not sum to 1.
    """
    largest_J1 = scores_JI.amax(dim=1, keepdim=True)
    sum_J1 = scores_JI.sub_(largest_J1).exp2_().sum(dim=1, keepdim=True)
    scores_JI.div_(sum_J1)
    return largest_J1, sum_J1
