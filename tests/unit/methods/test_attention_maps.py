"""Attention of a pixel (Fig. 4): by image coordinates, for every variant, hard and soft layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from recapbench.data.query import Query
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.sat_lgr.appearance import most_likely
from recapbench.methods.sat_lgr.attention import segment_attention, soft_attention
from recapbench.methods.sat_lgr.layers import probabilities
from recapbench.methods.sat_lgr.method import SatLgr
from recapbench.methods.sat_lgr.sat import SemanticAwareTransfer, resize_labels
from recapbench.methods.sat_lgr.variants import Basic, LgrN3, LgrR, SatL, SatL1, SatL2

STUDIO = ImageSpec(64, 64, 20, "deepfashion")
STREET = ImageSpec(64, 32, 7, "market1501")
SMALL = {"width": 4, "geometry_width": 4, "discriminator_width": 4, "residual_blocks": 1}
VARIANTS = (SatLgr, SatL, SatL1, SatL2, LgrN3, LgrR)


def make(spec: ImageSpec, cls: type[SatLgr] = SatLgr, **overrides: object) -> SatLgr:
    """A small model; layers stay those of the settings, but for what the size does not allow."""
    torch.manual_seed(0)
    layers = 7 if spec is STUDIO else 6
    method = cls(cls.configure(spec, SMALL | {"layers": layers} | overrides), spec)
    method.generator.eval()
    return method


def query(spec: ImageSpec, count: int = 2, target_parsing: bool = False) -> Query:
    """Blocks of few parts, so that a smaller map still has most of them."""
    random = torch.Generator().manual_seed(0)
    height, width = spec.size

    def parts() -> Tensor:
        blocks = torch.randint(0, 4, (count, 1, 4, 4), generator=random)
        return functional.interpolate(blocks.float(), spec.size)[:, 0].long()

    tensors = {
        "source_image": torch.rand(count, 3, height, width, generator=random) * 2 - 1,
        "source_pose": (torch.rand(count, 18, height, width, generator=random) < 0.02).float(),
        "target_pose": (torch.rand(count, 18, height, width, generator=random) < 0.02).float(),
        "source_parsing": parts(),
    }
    if target_parsing:
        tensors["target_parsing"] = parts()
    names = tuple(str(i) for i in range(count))
    return Query(names, names, tensors)


@contextmanager
def recorded(module: SemanticAwareTransfer) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """What SAT reads as the source's feature, and what it hands on, of each pass."""
    seen: list[tuple[Tensor, Tensor]] = []
    hook = module.register_forward_hook(lambda _, given, made: seen.append((given[0], made)))
    try:
        yield seen
    finally:
        hook.remove()


def check_makes_the_output(method: SatLgr, pairs: Query, pixels: list[tuple[int, int]]) -> None:
    """The source's features under the weights are what SAT gave that position in generating."""
    with recorded(method.generator.appearance.sat) as seen:
        method.generate(pairs)
    ((source_BChw, moved_BChw),) = seen
    height, width = source_BChw.shape[2:]
    step, largest = method.spec.height // height, 0.0
    for row, column in pixels:
        weights_Bhw = method.attention(pairs, (row, column))
        assert weights_Bhw.shape == (len(pairs), height, width)
        made_BC = torch.einsum("bhw,bchw->bc", weights_Bhw, source_BChw)
        there_BC = moved_BChw[:, :, row // step, column // step]
        torch.testing.assert_close(made_BC, there_BC, atol=1e-5, rtol=0)
        largest = max(largest, float(there_BC.abs().max()))
    assert largest > 1e-3


@pytest.mark.parametrize("spec", [STUDIO, STREET], ids=["studio", "street"])
@pytest.mark.parametrize("cls", VARIANTS, ids=lambda cls: cls.name)
def test_every_variant_with_sat_shows_what_made_the_output(
    cls: type[SatLgr], spec: ImageSpec
) -> None:
    method = make(spec, cls)
    shared = {(spec.height // 4 * i + 5, spec.width // 4 * i + 3) for i in range(4)}
    check_makes_the_output(method, query(spec, target_parsing=True), sorted(shared))


@pytest.mark.parametrize("place_weight", [0.0, 20.0])
def test_with_soft_regions_too(place_weight: float) -> None:
    method = make(STREET, sat_layer=3, soft_regions=True, sat_place_weight=place_weight)
    check_makes_the_output(method, query(STREET), [(0, 0), (17, 9), (63, 31)])


def test_a_pixel_counts_in_image_coordinates() -> None:
    """Pixels of one position of the 16x8 map share their attention; the next one's differs."""
    method, pairs = make(STREET, sat_layer=3), query(STREET, target_parsing=True)
    maps_BPhw = method.attentions(pairs, [(8, 4), (11, 7), (12, 4), (8, 8)])
    assert maps_BPhw.shape == (2, 4, 16, 8)
    assert torch.equal(maps_BPhw[:, 0], maps_BPhw[:, 1])
    assert not torch.allclose(maps_BPhw[:, 0], maps_BPhw[:, 2])
    assert not torch.allclose(maps_BPhw[:, 0], maps_BPhw[:, 3])
    assert torch.equal(method.attention(pairs, (12, 4)), maps_BPhw[:, 2])


def test_weights_lie_in_the_part_of_the_layout_and_sum_to_one() -> None:
    method, pairs = make(STREET, sat_layer=3), query(STREET, target_parsing=True)
    pairs.source_parsing[pairs.source_parsing == 2] = 0
    source_Bhw = resize_labels(pairs.source_parsing, (16, 8))
    found = set()
    for row, column in [(i, j) for i in range(2, 64, 16) for j in range(2, 32, 8)]:
        maps_Bhw = method.attention(pairs, (row, column))
        for weights_hw, labels_hw, layout_HW in zip(
            maps_Bhw, source_Bhw, pairs.target_parsing, strict=True
        ):
            part = layout_HW[row // 4 * 4, column // 4 * 4]
            present = bool((labels_hw == part).any())
            found.add(present)
            assert abs(float(weights_hw[labels_hw == part].sum()) - present) < 1e-5
            assert float(weights_hw[labels_hw != part].abs().sum()) == 0
    assert found == {False, True}  # or the test says nothing about absent parts


def test_soft_weights_sum_to_the_probability_of_the_parts_that_the_source_has() -> None:
    torch.manual_seed(3)
    module = SemanticAwareTransfer(8, 4, 5).eval()
    source, decoded = torch.randn(2, 2, 8, 6, 5).unbind()
    labels = torch.randint(0, 4, (2, 6, 5))  # the last part is absent
    member_BNHW = torch.randn(2, 5, 6, 5).softmax(dim=1)
    weights_BHW = module.attention(source, decoded, labels, labels, (2, 3), member_BNHW)
    torch.testing.assert_close(weights_BHW.sum((1, 2)), 1 - member_BNHW[:, 4, 2, 3])
    for part in range(4):
        inside_BHW = labels == part
        mass_B = (weights_BHW * inside_BHW).sum((1, 2))
        torch.testing.assert_close(mass_B, member_BNHW[:, part, 2, 3])


@pytest.mark.parametrize("cls", [Basic, SatLgr], ids=lambda cls: cls.name)
def test_a_model_without_sat_says_so(cls: type[SatLgr]) -> None:
    method = make(STREET, cls, sat_layer=0, lgr_layer=0)
    with pytest.raises(UsageError, match=rf"^{cls.name} has no SAT \(sat_layer=0\)"):
        method.attention(query(STREET), (0, 0))


@pytest.mark.parametrize("pixel", [(-1, 0), (64, 0), (0, 32), (3, -2)])
def test_a_pixel_outside_the_image_is_refused(pixel: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=r"inside 64x32 pixels, got \(-?\d+, -?\d+\)"):
        make(STREET).attention(query(STREET), pixel)


@pytest.mark.parametrize("scale", [1.0, 300.0, 1e4])
def test_scores_far_apart_are_still_the_softmax(scale: float) -> None:
    """Exponentials underflow for most pairs of positions at the larger scales."""
    random = torch.Generator().manual_seed(0)
    query_JK, key_IK = (torch.randn(90, 11, generator=random) for _ in range(2))
    value_IC = torch.randn(90, 6, generator=random)
    labels_J, labels_I = (torch.randint(0, 3, (90,), generator=random) for _ in range(2))
    query_JK = query_JK * scale
    same_JI = labels_J[:, None] == labels_I
    member_JN = functional.one_hot(labels_J, 3).float()

    def literal(query_JK: Tensor, key_IK: Tensor, value_IC: Tensor) -> Tensor:
        scores_JI = (query_JK @ key_IK.T).masked_fill(~same_JI, -torch.inf)
        return torch.softmax(scores_JI, dim=1) @ value_IC

    def results(function: Callable[..., Tensor], dtype: torch.dtype) -> list[Tensor]:
        leaves = [x.to(dtype).requires_grad_() for x in (query_JK, key_IK, value_IC)]
        out_JC = function(*leaves)
        of_query, of_key, of_value = torch.autograd.grad(out_JC.square().sum(), leaves)
        return [out_JC.detach(), of_query, of_key / scale, of_value]

    wanted, usual = results(literal, torch.float64), results(literal, torch.float32)
    for function in (
        lambda *features: segment_attention(*features, labels_J, labels_I),
        lambda q, k, v: soft_attention(q[None], k, v, member_JN, labels_I),
    ):
        found = results(function, torch.float32)
        for ours, theirs, exact in zip(found, usual, wanted, strict=True):
            # Scores in the hundreds are rounded to 1e-4, by a softmax in float32 as by us.
            limit = 1e-5 if scale == 1 else 5e-4
            allowed = 3 * (theirs - exact).norm() + limit * max(1.0, exact.norm())
            assert (ours - exact).norm() <= allowed


def test_the_layouts_parts_may_be_chosen_before_they_are_resized() -> None:
    soft_BNHW = torch.randn(2, 5, 16, 8).softmax(dim=1)
    for size in ((16, 8), (8, 4), (2, 1)):
        ours = resize_labels(most_likely(soft_BNHW, (16, 8)), size)
        assert torch.equal(ours, functional.interpolate(soft_BNHW, size).argmax(dim=1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probabilities_are_the_softmax_over_parts(dtype: torch.dtype) -> None:
    logits_BNHW = torch.randn(2, 7, 6, 5).to(dtype).requires_grad_()
    ours = probabilities(logits_BNHW)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours, logits_BNHW.float().softmax(dim=1), atol=1e-6, rtol=0)
