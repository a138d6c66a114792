"""PATN's networks: parameter counts, the attention block, receptive fields, layers."""

from __future__ import annotations

import pytest
import torch
from patn_small import SMALL, STREET, STUDIO
from torch import Tensor, nn
from torch.nn import functional

from recapbench.methods.base import ImageSpec
from recapbench_baselines.patn.config import PatnConfig
from recapbench_baselines.patn.discriminators import Discriminators
from recapbench_baselines.patn.generator import Generator, TransferBlock
from recapbench_baselines.patn.layers import DropHalf, InstanceNorm, ReflectionPad
from recapbench_baselines.patn.method import Patn
from recapbench_baselines.patn.variants import PatnBothParsings, PatnSourceParsing

FASHION = ImageSpec(256, 256, 20, "deepfashion")
MARKET = ImageSpec(128, 64, 7, "market1501")


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("spec", "wanted"), [(MARKET, 41_365_763), (FASHION, 41_358_019)])
def test_the_generators_have_the_public_models_parameters(spec: ImageSpec, wanted: int) -> None:
    with torch.device("meta"):
        assert count(Generator(Patn.configure(spec), 36)) == wanted


@pytest.mark.parametrize("spec", [MARKET, FASHION])
@pytest.mark.parametrize(("kind", "maps"), [(PatnSourceParsing, 1), (PatnBothParsings, 2)])
def test_parsings_widen_the_pose_streams_first_layer_alone(
    kind: type[Patn], maps: int, spec: ImageSpec
) -> None:
    with torch.device("meta"):
        plain = Patn(Patn.configure(spec), spec)
        wider = kind(kind.configure(spec), spec)
    added = maps * spec.parts * 49 * 64
    assert count(wider.generator) == count(plain.generator) + added


def discriminator_count(channels: int, biased: bool) -> int:
    """Weights of a 7x7 and two 3x3 layers and of three blocks of two; with each layer's biases,
    or else a gain and an offset per channel."""
    weights = channels * 49 * 64 + 64 * 9 * 128 + 128 * 9 * 256 + 3 * 2 * 256 * 9 * 256
    outputs = 64 + 128 + 256 + 3 * 2 * 256
    return weights + outputs * (1 if biased else 2)


@pytest.mark.parametrize(
    ("spec", "pose", "appearance"),
    [(MARKET, 3_977_408, 3_930_368), (FASHION, 3_975_424, 3_928_384)],
)
def test_the_discriminators_parameters(spec: ImageSpec, pose: int, appearance: int) -> None:
    with torch.device("meta"):
        judges = Discriminators(Patn.configure(spec), spec.size)
    biased = spec is FASHION
    assert count(judges.pose) == discriminator_count(21, biased) == pose
    assert count(judges.appearance) == discriminator_count(6, biased) == appearance


@pytest.mark.parametrize("spec", [STUDIO, STREET])
def test_normalisation_and_biases_follow_the_dataset(spec: ImageSpec) -> None:
    method = Patn(Patn.configure(spec, SMALL), spec)
    kind, biased = (nn.InstanceNorm2d, True) if spec is STUDIO else (nn.BatchNorm2d, False)
    for side, root in method.sides().items():
        layers = dict(root.named_modules())
        norms = [m for m in layers.values() if isinstance(m, nn.BatchNorm2d | nn.InstanceNorm2d)]
        assert norms
        assert all(isinstance(norm, kind) and norm.affine != biased for norm in norms)
        for name, layer in layers.items():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                last = side == "generator" and layer.out_channels == 3
                assert (layer.bias is not None) == (biased or last), name


class TestTransferBlock:
    @staticmethod
    def normalised(layer: nn.Module, x: Tensor) -> Tensor:
        if isinstance(layer, nn.BatchNorm2d):
            mean, var = layer.running_mean, layer.running_var
            assert mean is not None
            assert var is not None
            x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
            return x * layer.weight[:, None, None] + layer.bias[:, None, None]
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), correction=0, keepdim=True)
        return (x - mean) / (var + 1e-5).sqrt()

    @staticmethod
    def convolved(layer: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(layer, nn.Conv2d)
        return functional.conv2d(
            functional.pad(x, [1] * 4, mode="reflect"), layer.weight, layer.bias
        )

    @pytest.mark.parametrize("kind", ["batch", "instance"])
    @pytest.mark.parametrize("pose_channels", [4, 8])
    def test_equals_its_two_lines(self, kind: str, pose_channels: int) -> None:
        torch.manual_seed(1)
        block = TransferBlock(4, pose_channels, kind, True).eval()  # type: ignore[arg-type]
        for norm in block.modules():
            if isinstance(norm, nn.BatchNorm2d):
                for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
                    assert tensor is not None
                    nn.init.uniform_(tensor, 0.5, 1.5)
        x1, x2 = torch.randn(2, 4, 6, 5), torch.randn(2, pose_channels, 6, 5)
        # Children: pad, convolution, norm, ReLU, dropout, pad, convolution, and s1's norm.
        s1 = self.convolved(block.image[1], x1)
        s1 = self.convolved(block.image[6], self.normalised(block.image[2], s1).relu())
        s1 = self.normalised(block.image[7], s1)
        s2 = self.convolved(block.pose[1], x2)
        s2 = self.convolved(block.pose[6], self.normalised(block.pose[2], s2).relu())
        assert len(block.image) == 8
        assert len(block.pose) == 7
        out = x1 + s1 * s2.sigmoid()
        moved, pose = block(x1, x2)
        torch.testing.assert_close(moved, out, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(pose, torch.cat([s2, out], 1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("spec", [STUDIO, STREET])
def test_the_decoder_layer_by_layer(spec: ImageSpec) -> None:
    torch.manual_seed(1)
    decoder = Generator(Patn.configure(spec, SMALL), 36).decoder.eval()
    for norm in decoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
                assert tensor is not None
                nn.init.uniform_(tensor, 0.5, 1.5)
    # Children: twice a transposed convolution, norm and ReLU; pad and the last convolution.
    assert len(decoder) == 8
    codes = torch.randn(2, 16, 6, 5)
    x = codes
    for index in (0, 3):
        layer = decoder[index]
        assert isinstance(layer, nn.ConvTranspose2d)
        x = functional.conv_transpose2d(x, layer.weight, layer.bias, 2, 1, output_padding=1)
        x = TestTransferBlock.normalised(decoder[index + 1], x).relu()
    last = decoder[7]
    assert isinstance(last, nn.Conv2d)
    x = functional.conv2d(functional.pad(x, [3] * 4, mode="reflect"), last.weight, last.bias)
    assert x.shape == (2, 3, 24, 20)
    torch.testing.assert_close(decoder(codes), x, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("spec", [FASHION, MARKET])
@pytest.mark.parametrize("dropout", [True, False])
def test_where_features_are_dropped(dropout: bool, spec: ImageSpec) -> None:
    """Once in each stream of a block, and once in each residual block of a discriminator."""
    config = Patn.configure(spec, {} if dropout else {"dropout": False})
    with torch.device("meta"):
        generator, judges = Generator(config, 36), Discriminators(config, spec.size)
    found = [
        sum(isinstance(module, DropHalf) for module in network.modules())
        for network in (generator, judges.pose, judges.appearance)
    ]
    assert found == ([18, 3, 3] if dropout else [0, 0, 0])


@pytest.mark.parametrize("spec", [STUDIO, STREET])
def test_how_weights_start(spec: ImageSpec) -> None:
    """The generator's normal ones of 0.02, gains around 1; the discriminators' are PyTorch's."""
    torch.manual_seed(0)
    config = Patn.configure(spec, SMALL | {"width": 8})
    generator, judges = Generator(config, 36), Discriminators(config, spec.size)
    for layer in generator.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            assert 0.017 < layer.weight.std() < 0.023
            assert layer.weight.abs().max() > 0.04  # not a uniform one
    gains = [layer.weight for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert bool(gains) == (spec is STREET)
    if gains:
        gain = torch.cat(gains)
        assert 0.017 < gain.std() < 0.023
        assert abs(gain.mean() - 1) < 0.01
    for layer in judges.modules():
        if isinstance(layer, nn.Conv2d):
            limit = layer.weight[0].numel() ** -0.5
            assert 0.9 * limit < layer.weight.abs().max() <= limit


class TestReceptiveField:
    """7, then two 3x3 of stride 2 (+2, +4), then 3x3 at stride 4 (+8 each, two to a block)."""

    @pytest.mark.parametrize(("blocks", "side"), [(0, 13), (1, 29), (3, 61)])
    @pytest.mark.parametrize("which", ["pose", "appearance"])
    def test_of_a_discriminator(self, which: str, blocks: int, side: int) -> None:
        # With running statistics of 0 and 1, and all weights positive, no path can vanish.
        changes = {"width": 2, "discriminator_width": 2, "discriminator_blocks": blocks}
        config = Patn.configure(MARKET, changes | {"image_pool": 0})
        judge = getattr(Discriminators(config, MARKET.size), which).eval()
        for parameter in judge.parameters():
            nn.init.constant_(parameter, 0.1)
        channels = judge.body[1].in_channels
        pair = torch.ones(1, channels, 128, 128, requires_grad=True)
        judge(pair)[0, :, 16, 16].sum().backward()
        assert pair.grad is not None
        support = pair.grad.abs().sum((0, 1)) > 0
        reach = side // 2
        wanted = torch.zeros(128, 128, dtype=torch.bool)
        wanted[64 - reach : 64 + reach + 1, 64 - reach : 64 + reach + 1] = True
        assert torch.equal(support, wanted)

    def test_verdicts_are_features_at_a_quarter_of_the_size(self) -> None:
        config = PatnConfig.model_validate(Patn.settings(STREET) | SMALL)
        judges = Discriminators(config, STREET.size)
        assert judges.pose(torch.zeros(2, 21, 32, 16)).shape == (2, 8, 8, 4)
        assert judges.appearance(torch.zeros(2, 6, 32, 16)).shape == (2, 8, 8, 4)


class TestDropHalf:
    def test_drops_half_and_doubles_the_rest(self) -> None:
        torch.manual_seed(0)
        x = torch.rand(2, 5, 31, 33) + 1
        y = DropHalf()(x)
        kept = y != 0
        torch.testing.assert_close(y[kept], 2 * x[kept])
        assert abs(float(kept.float().mean()) - 0.5) < 0.03  # six standard deviations

    def test_every_coin_of_a_draw_is_fair(self) -> None:
        torch.manual_seed(0)
        coins = DropHalf()(torch.ones(1, 8, 100, 100)) / 2  # channels last: one draw a pixel
        shares = coins.mean((0, 2, 3))
        assert ((shares - 0.5).abs() < 0.03).all()  # six standard deviations of 10,000 coins
        together = torch.corrcoef(coins.permute(1, 0, 2, 3).flatten(1)) - torch.eye(8)
        assert together.abs().max() < 0.06

    def test_gradients_pass_where_features_do(self) -> None:
        torch.manual_seed(0)
        x = torch.ones(1, 3, 4, 5, requires_grad=True)
        y = DropHalf()(x)
        y.sum().backward()
        assert x.grad is not None
        assert torch.equal(x.grad, y.detach())

    def test_does_nothing_in_evaluation(self) -> None:
        x = torch.rand(1, 3, 4, 5)
        assert torch.equal(DropHalf().eval()(x), x)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_torchs(layout: torch.memory_format) -> None:
    x = (torch.randn(3, 4, 7, 5) * 3 + 2).to(memory_format=layout)
    torch.testing.assert_close(InstanceNorm(4)(x), functional.instance_norm(x))


def test_padding_keeps_the_type_under_autocast() -> None:
    x = torch.randn(1, 2, 6, 5, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        padded = ReflectionPad(3)(x)
    assert padded.dtype == torch.bfloat16
    assert torch.equal(padded, functional.pad(x, [3] * 4, mode="reflect"))
