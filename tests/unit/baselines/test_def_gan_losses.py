"""The nearest-neighbour loss against brute force, and the adversarial losses against BCE."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.perceptual import Vgg19Conv12
from recapbench_baselines.def_gan import losses
from recapbench_baselines.def_gan.nn_loss import SCALES, NearestNeighbourLoss, nearest_rows, nn_loss


def brute_force(generated: Tensor, truth: Tensor, side: int) -> Tensor:
    """Every position, every neighbour of it inside the picture."""
    batch, _, height, width = generated.shape
    reach, least = side // 2, []
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                around = [
                    (generated[b, :, y, x] - truth[b, :, v, u]).abs().sum()
                    for v in range(max(y - reach, 0), min(y + reach, height - 1) + 1)
                    for u in range(max(x - reach, 0), min(x + reach, width - 1) + 1)
                ]
                least.append(torch.stack(around).min())
    return torch.stack(least).mean()


@pytest.mark.parametrize("side", [1, 3, 5])
def test_it_is_the_brute_force_one_with_its_gradient(side: int) -> None:
    random = torch.Generator().manual_seed(side)
    generated = torch.randn(2, 4, 6, 5, generator=random).requires_grad_()
    truth = torch.randn(2, 4, 6, 5, generator=random).requires_grad_()
    found, wanted = nn_loss(generated, truth, side), brute_force(generated, truth, side)
    torch.testing.assert_close(found, wanted)
    gradients = [torch.autograd.grad(loss, generated)[0] for loss in (found, wanted)]
    torch.testing.assert_close(*gradients)
    again = nn_loss(generated, truth, side)
    assert torch.autograd.grad(again, truth, allow_unused=True) == (None,)


def test_a_neighbourhood_larger_than_the_picture_is_the_whole_picture() -> None:
    generated, truth = torch.randn(1, 3, 2, 3), torch.randn(1, 3, 2, 3)
    torch.testing.assert_close(nn_loss(generated, truth, 9), brute_force(generated, truth, 9))


@pytest.mark.parametrize(("by", "free"), [((0, 1), True), ((1, -1), True), ((2, 0), False)])
def test_a_picture_moved_within_reach_costs_nothing_but_at_its_border(
    by: tuple[int, int], free: bool
) -> None:
    truth = torch.rand(1, 2, 8, 8)
    moved = truth.roll(by, dims=(2, 3))
    inner = nearest_rows(moved.permute(0, 2, 3, 1), truth.permute(0, 2, 3, 1), 3)[0, 2:-2, 2:-2]
    rows, columns = torch.meshgrid(torch.arange(2, 6), torch.arange(2, 6), indexing="ij")
    assert torch.equal(inner, (rows - by[0]) * 8 + columns - by[1]) == free


def handed_on(network: str) -> nn.Module:
    """A loss network without layers: its input as it scales it."""
    if network == "effnet_lite0":
        return nn.Identity()
    shapes = {"0.weight": (64, 3, 3, 3), "0.bias": 64, "2.weight": (64, 64, 3, 3), "2.bias": 64}
    vgg = Vgg19Conv12({f"features.{name}": torch.zeros(shape) for name, shape in shapes.items()})
    vgg.layers = nn.Sequential()
    return vgg


@pytest.mark.parametrize("network", list(SCALES))
def test_features_are_measured_in_grey_levels(network: str) -> None:
    """One grey level, of 255 from -1 to 1, in each of three channels costs 3 x 1."""
    image = torch.rand(1, 3, 4, 4)
    loss = NearestNeighbourLoss(handed_on(network), network, 1)
    torch.testing.assert_close(loss(image + 2 / 255, image), torch.tensor(3.0), rtol=1e-3, atol=0)


def test_adversarial_losses_are_cross_entropies_of_sigmoids() -> None:
    real, fake = torch.randn(2, 1, 3, 2), torch.randn(2, 1, 3, 2)
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    bce = functional.binary_cross_entropy
    wanted = bce(real.sigmoid(), ones) + bce(fake.sigmoid(), zeros)
    torch.testing.assert_close(losses.discriminator_loss(real, fake), wanted)
    torch.testing.assert_close(losses.generator_loss(fake), bce(fake.sigmoid(), ones))
    assert losses.generator_loss(torch.full((1, 1), -1e4)).isfinite()
