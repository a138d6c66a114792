"""PG2's networks: parameter counts, TensorFlow's padding, shapes, what the discriminator sees."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.base import ImageSpec
from recapbench_baselines.pg2.layers import Residual, SameConv2d, enlarge, same_padding
from recapbench_baselines.pg2.method import Pg2
from recapbench_baselines.pg2.networks import Discriminator, Generator

FASHION = ImageSpec(256, 256, 20, "deepfashion")
MARKET = ImageSpec(128, 64, 7, "market1501")


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("spec", "first", "second", "discriminator"),
    [
        (MARKET, 70_795_075, 6_058_883, 4_324_737),
        (FASHION, 122_103_235, 12_696_067, 10_896_257),
    ],
)
def test_parameter_counts(spec: ImageSpec, first: int, second: int, discriminator: int) -> None:
    config = Pg2.configure(spec)
    with torch.device("meta"):
        generator = Generator(config, spec.size)
        judge = Discriminator(config, spec.size)
    assert parameters(generator.first) == first
    assert parameters(generator.second) == second
    assert parameters(judge) == discriminator


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "wanted"),
    [
        (64, 3, 1, (1, 1)),
        (64, 3, 2, (0, 1)),
        (63, 3, 2, (1, 1)),
        (64, 5, 2, (1, 2)),
        (63, 5, 2, (2, 2)),
        (64, 1, 1, (0, 0)),
        (64, 1, 2, (0, 0)),
    ],
)
def test_same_padding(size: int, kernel: int, stride: int, wanted: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == wanted


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(8, 6), (7, 6), (7, 9)])
def test_a_strided_convolution_pads_more_at_the_end(kernel: int, size: tuple[int, int]) -> None:
    convolution = SameConv2d(1, 1, kernel, stride=2)
    image = torch.randn(1, 1, *size)
    found = convolution(image)
    assert found.shape[2:] == (-(-size[0] // 2), -(-size[1] // 2))
    assert convolution.bias is not None
    for row in range(found.shape[2]):
        for column in range(found.shape[3]):
            wanted = convolution.bias[0]
            for y in range(kernel):
                for x in range(kernel):
                    # An even side has kernel - 2 zeros around it, an odd one kernel - 1.
                    i = 2 * row + y - (kernel - 2 + size[0] % 2) // 2
                    j = 2 * column + x - (kernel - 2 + size[1] % 2) // 2
                    if 0 <= i < size[0] and 0 <= j < size[1]:
                        wanted = wanted + convolution.weight[0, 0, y, x] * image[0, 0, i, j]
            torch.testing.assert_close(found[0, 0, row, column], wanted, atol=1e-5, rtol=0)


def test_a_residual_block_is_two_convolutions_and_what_came_in() -> None:
    block = Residual(3)
    first, second = (each for each in block.modules() if isinstance(each, nn.Conv2d))
    features = torch.randn(2, 3, 6, 4)
    inner = functional.conv2d(features, first.weight, first.bias, padding=1).clamp(min=0)
    branch = functional.conv2d(inner, second.weight, second.bias, padding=1).clamp(min=0)
    torch.testing.assert_close(block(features), features + branch)


def randomised(module: nn.Module) -> nn.Module:
    """A module in which every weight and bias counts."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module


def doubled(features: Tensor) -> Tensor:
    return features.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_enlarging_repeats_rows_and_columns() -> None:
    features = torch.randn(2, 3, 4, 5)
    assert torch.equal(enlarge(features), doubled(features))


def test_the_first_generator_layer_by_layer() -> None:
    """As in the code: a 1x1 convolution and its ReLU follow the enlarging."""
    spec = ImageSpec(16, 8, 7, "market1501")
    torch.manual_seed(0)
    first = Generator(Pg2.configure(spec, {"width": 2, "levels": 3, "code": 5}), spec.size).first
    randomised(first)
    image, pose = torch.randn(2, 3, 16, 8), (torch.rand(2, 18, 16, 8) < 0.1).float()
    e, d, downs, ups = first.encoders, first.decoders, first.downs, first.ups
    skip_0 = e[0](first.stem(torch.cat([image, 2 * pose - 1], 1)).relu())
    skip_1 = e[1](downs[0](skip_0).relu())
    skip_2 = e[2](downs[1](skip_1).relu())
    x = first.spread(first.squeeze(skip_2.reshape(2, 6 * 4 * 2))).reshape(2, 2, 4, 2)
    x = d[2](torch.cat([x, skip_2], 1))
    x = d[1](torch.cat([ups[1](doubled(x)).relu(), skip_1], 1))
    x = d[0](torch.cat([ups[0](doubled(x)).relu(), skip_0], 1))
    torch.testing.assert_close(first(image, pose), first.image(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("first_skip", [False, True])
def test_the_second_generator_layer_by_layer(first_skip: bool) -> None:
    spec = ImageSpec(32, 16, 7, "market1501")
    torch.manual_seed(0)
    config = Pg2.configure(spec, {"width": 2, "levels": 5, "first_skip": first_skip})
    second = Generator(config, spec.size).second
    randomised(second)
    coarse, source = torch.randn(2, 2, 3, 32, 16).unbind()
    e, d, downs = second.encoders, second.decoders, second.downs
    skip_0 = e[0](second.stem(torch.cat([coarse, source], 1)).relu())
    skip_1 = e[1](downs[0](skip_0).relu())
    skip_2 = e[2](downs[1](skip_1).relu())
    x = d[2](torch.cat([skip_2, skip_2], 1))
    x = doubled(d[1](torch.cat([doubled(x), skip_1], 1)))
    x = d[0](torch.cat([x, skip_0], 1) if first_skip else x)
    torch.testing.assert_close(second(coarse, source), second.image(x), atol=1e-4, rtol=1e-4)


def test_slope_of_the_discriminator() -> None:
    judge = Discriminator(Pg2.configure(MARKET, {"discriminator_width": 2}), MARKET.size)
    slopes = [layer.negative_slope for layer in judge.layers if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


def test_the_generators_start_as_glorots() -> None:
    torch.manual_seed(0)
    generator = Generator(Pg2.configure(MARKET, {"width": 4}), MARKET.size)
    layers = [each for each in generator.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    for layer in layers:
        assert layer.bias is not None
        assert (layer.bias == 0).all()
        if layer is not generator.second.image:  # that starts at zero
            outputs, inputs = layer.weight.shape[:2]
            limit = (6 / ((outputs + inputs) * layer.weight[0, 0].numel())) ** 0.5
            assert 0.9 * limit < layer.weight.abs().max() <= limit


def test_the_discriminator_starts_small() -> None:
    torch.manual_seed(0)
    judge = Discriminator(Pg2.configure(MARKET, {"discriminator_width": 8}), MARKET.size)
    for layer in judge.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            assert (layer.bias == 0).all()
            assert layer.weight.abs().max() <= 0.02 * 3**0.5
            assert 0.018 < layer.weight.std() < 0.022


@pytest.mark.parametrize("spec", [MARKET, FASHION])
def test_levels_and_skips_of_the_second_generator(spec: ImageSpec) -> None:
    config = Pg2.configure(spec, {"width": 2, "discriminator_width": 2})
    generator = Generator(config, spec.size)
    levels = 3 if spec is MARKET else 4
    assert len(generator.second.encoders) == levels
    into = [next(iter(decoder)).in_channels for decoder in generator.second.decoders]
    assert into == ([2, 6, 12] if spec is MARKET else [4, 6, 8, 16])
    assert len(generator.first.encoders) == levels + 2
    assert generator.first.small == ((2, 8, 4) if spec is MARKET else (2, 8, 8))


def test_an_untrained_second_generator_changes_nothing() -> None:
    spec = ImageSpec(32, 16, 7, "market1501")
    generator = Generator(Pg2.configure(spec, {"width": 2}), spec.size)
    coarse, source = torch.randn(2, 2, 3, 32, 16).unbind()
    assert torch.equal(generator.refine(coarse, source), coarse)


def test_the_fully_connected_layer_carries_what_is_far_away() -> None:
    spec = ImageSpec(64, 32, 7, "market1501")
    torch.manual_seed(0)
    first = Generator(Pg2.configure(spec, {"width": 4}), spec.size).first
    image = torch.randn(1, 3, 64, 32, requires_grad=True)
    first(image, torch.zeros(1, 18, 64, 32))[0, :, 0, 0].sum().backward()
    assert image.grad is not None
    assert image.grad[0, :, -1, -1].abs().sum() > 0


@pytest.mark.parametrize(("layers", "field"), [(1, 5), (2, 13), (3, 29), (4, 61), (5, 125)])
def test_receptive_field_of_the_discriminators_convolutions(layers: int, field: int) -> None:
    """One position of a layer's output sees so many pixels, 2^layers from its neighbour's."""
    config = Pg2.configure(FASHION, {"width": 1, "discriminator_width": 1})
    judge = Discriminator(config, FASHION.size)
    found, features = 0, list[nn.Module]()
    for layer in judge.layers:
        if isinstance(layer, nn.Conv2d):
            found += 1
        if found <= layers and not isinstance(layer, nn.BatchNorm2d):  # that sees all pixels
            features.append(layer)
    first, last = seen(nn.Sequential(*features), 0)
    assert last - first + 1 == field
    assert seen(nn.Sequential(*features), 1) == (first + 2**layers, last + 2**layers)


def seen(features: nn.Module, further: int) -> tuple[int, int]:
    """First and last row that a position in the middle, or some positions further down, sees."""
    for parameter in features.parameters():
        nn.init.constant_(parameter, 0.1)
    image = torch.ones(1, 3, *FASHION.size, requires_grad=True)
    output: Tensor = features(image)
    middle = output.shape[2] // 2 - 1
    output[0, 0, middle + further, middle].backward()
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    return int(rows[0]), int(rows[-1])


def test_the_discriminators_logit_sees_every_pixel() -> None:
    config = Pg2.configure(MARKET, {"width": 1, "discriminator_width": 2})
    torch.manual_seed(0)
    judge = Discriminator(config, MARKET.size)
    images = torch.randn(3, 3, *MARKET.size, requires_grad=True)
    logits = judge(images)
    assert logits.shape == (3,)
    logits[0].backward()
    assert images.grad is not None
    assert (images.grad[0].abs().sum(0) > 0).all()


def test_the_discriminators_normalisation_is_over_all_images_of_a_call() -> None:
    config = Pg2.configure(MARKET, {"width": 1, "discriminator_width": 2})
    judge = Discriminator(config, MARKET.size)
    norms = [layer for layer in judge.layers if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 3  # all convolutions but the first
    assert not list(judge.buffers())
    alone, together = torch.randn(2, 3, *MARKET.size), torch.randn(4, 3, *MARKET.size)
    logits = judge(alone)
    torch.testing.assert_close(judge.eval()(alone), logits)
    beside = judge(torch.cat([alone, together]))[:2]
    assert not torch.allclose(beside, logits)
