"""Parameter counts of the paper, shapes, normalisation and what each network sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from def_gan_cases import SPEC, batch, make
from torch import nn

from recapbench.methods.base import ImageSpec
from recapbench_baselines.def_gan.method import DefGan
from recapbench_baselines.def_gan.networks import Discriminator, Encoder, Maps
from recapbench_baselines.def_gan.norm import InstanceNorm

STUDIO, STREET = ImageSpec(256, 256, 20, "deepfashion"), ImageSpec(128, 64, 7, "market1501")


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("spec", "generator"), [(STREET, 61_109_085), (STUDIO, 82_080_611)])
def test_full_width_has_the_papers_parameters(spec: ImageSpec, generator: int) -> None:
    with torch.device("meta"):
        method = DefGan(DefGan.configure(spec), spec)
        assert count(method.generator) == generator
        assert count(method.make_discriminators()) == 2_803_782


def test_encoders_have_the_papers_channels_and_sizes() -> None:
    with torch.device("meta"):
        features = Encoder(21, 64, 7)(torch.empty(1, 21, 256, 256))
    sizes = [tuple(feature.shape[1:3]) for feature in features]
    assert sizes == [(64, 256), (128, 128), (256, 64), (512, 32), (512, 16), (512, 8), (512, 4)]


@pytest.mark.parametrize(("size", "logits"), [((256, 256), (7, 7)), ((128, 64), (3, 1))])
def test_the_discriminator_judges_patches_of_94_pixels(
    size: tuple[int, int], logits: tuple[int, int]
) -> None:
    body = Discriminator(4).body
    for module in body.modules():  # its statistics would make every pixel count
        for name, child in module.named_children():
            if isinstance(child, InstanceNorm):
                setattr(module, name, nn.Identity())
    judged = torch.randn(1, 42, *size, requires_grad=True)
    found = body(judged)
    assert found.shape == (1, 1, *logits)
    middle = found[0, 0, logits[0] // 2, logits[1] // 2]
    seen = torch.autograd.grad(middle, judged)[0][0].abs().amax(dim=0)
    rows, columns = (int((seen.amax(dim=axis) > 0).sum()) for axis in (1, 0))
    assert (rows, columns) == (min(94, size[0]), min(94, size[1]))


def test_the_discriminator_reads_source_both_poses_and_picture() -> None:
    maps, picture = Maps.of(batch(1).query), torch.randn(1, 3, *SPEC.size)
    judge = make().discriminators
    first = judge.body[0]
    assert isinstance(first, nn.Conv2d)
    read: list[torch.Tensor] = []
    first.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0]))
    judge(maps, picture)
    wanted = [maps.image_BCHW, maps.source_pose_BJHW, maps.target_pose_BJHW, picture]
    assert torch.equal(read[0], torch.cat(wanted, dim=1))


def test_normalisation_is_over_height_width_and_channels() -> None:
    layer, x = InstanceNorm(), torch.randn(3, 4, 5, 6) * 2 + 1
    with torch.no_grad():
        layer.gamma.fill_(1.7)
        layer.beta.fill_(-0.3)
    wanted = torch.stack(
        [1.7 * (image - image.mean()) / (image.std(correction=0) + 1e-3) - 0.3 for image in x]
    )
    torch.testing.assert_close(layer(x), wanted, atol=1e-5, rtol=1e-5)
    assert [parameter.shape for parameter in layer.parameters()] == [(), ()]


def test_the_eps_is_added_to_the_deviation_not_the_variance() -> None:
    x = torch.tensor([1e-3, -1e-3]).view(1, 1, 1, 2)
    torch.testing.assert_close(InstanceNorm()(x), torch.tensor([0.5, -0.5]).view(1, 1, 1, 2))
    assert (InstanceNorm()(torch.full((2, 3, 4, 4), 5.0)) == 0).all()


def test_the_normalisations_gradient_is_right() -> None:
    layer = InstanceNorm().double()
    x = (torch.randn(2, 3, 2, 2, dtype=torch.float64) * 3e-3).requires_grad_()  # where eps tells
    weight = torch.randn(2, 3, 2, 2, dtype=torch.float64)

    def literal() -> torch.Tensor:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        deviation = (x - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return layer.gamma * (x - mean) / (deviation + 1e-3) + layer.beta

    leaves = [x, layer.gamma, layer.beta]
    wanted = torch.autograd.grad((literal() * weight).sum(), leaves)
    found = torch.autograd.grad((layer(x) * weight).sum(), leaves)
    # The tiny eps inside the variance is 1e-12; these variances are near 1e-5.
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-8)


def test_only_the_decoders_first_three_layers_drop() -> None:
    shares = [module.p for module in make().generator.modules() if isinstance(module, nn.Dropout)]
    assert shares == [0.5, 0.5, 0.5, 0.0, 0.0]


def test_only_the_four_finest_skips_are_deformable() -> None:
    """Other joints change what comes from the finer levels; the deepest is handed on as it is."""
    generator = make().generator
    deepest: list[torch.Tensor] = []
    generator.decoder.steps[0].register_forward_pre_hook(
        lambda module, inputs: deepest.append(inputs[0])
    )
    one, other = batch(1, seed=0).query, batch(1, seed=5).query
    first = Maps.of(one)
    second = replace(first, where=Maps.of(other).where)
    images = [generator(maps) for maps in (first, second)]
    assert torch.equal(deepest[0], deepest[1])
    assert not torch.equal(*images)
    assert len(first.where) == 4


@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_weights_start_as_glorots(side: str) -> None:
    torch.manual_seed(0)
    layers = [
        module
        for module in make().sides()[side].modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    assert layers
    for layer in layers:
        area = layer.kernel_size[0] * layer.kernel_size[1]
        limit = (6 / ((layer.in_channels + layer.out_channels) * area)) ** 0.5
        assert 0.95 * limit < layer.weight.abs().max() <= limit
        assert layer.bias is None or (layer.bias == 0).all()


def test_slope_of_the_leaky_relus() -> None:
    method = make()
    for module, count in ((method.generator, 10), (method.discriminators, 4)):
        found = [each for each in module.modules() if isinstance(each, nn.LeakyReLU)]
        assert [layer.negative_slope for layer in found] == [0.2] * count


def test_the_discriminator_needs_34_pixels() -> None:
    judge = Discriminator(4)
    assert judge.body(torch.zeros(1, 42, 34, 34)).shape == (1, 1, 1, 1)
    with pytest.raises(RuntimeError):
        judge.body(torch.zeros(1, 42, 33, 34))
