"""The whole model: shapes, spectral norm everywhere, losses, what it reads, weights files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from recapbench.data.query import Batch, Query
from recapbench.errors import DataError, UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.sat_lgr import losses
from recapbench.methods.sat_lgr.appearance import same_part
from recapbench.methods.sat_lgr.method import SatLgr
from recapbench.methods.weights_file import WeightsHeader, read_header, write_weights

STUDIO = ImageSpec(64, 64, 20, "deepfashion")
STREET = ImageSpec(64, 32, 7, "market1501")
SMALL = {
    "width": 4,
    "geometry_width": 4,
    "discriminator_width": 4,
    "layers": 5,
    "sat_layer": 3,
    "lgr_layer": 5,
    "residual_blocks": 1,
    "perceptual": "effnet_lite0",
}


def make(spec: ImageSpec = STREET, **overrides: object) -> SatLgr:
    torch.manual_seed(0)
    return SatLgr(SatLgr.configure(spec, SMALL | overrides), spec)


def batch(spec: ImageSpec = STREET, count: int = 2, seed: int = 0) -> Batch:
    random = torch.Generator().manual_seed(seed)
    height, width = spec.size
    tensors = {
        "source_image": torch.rand(count, 3, height, width, generator=random) * 2 - 1,
        "source_pose": (torch.rand(count, 18, height, width, generator=random) < 0.02).float(),
        "target_pose": (torch.rand(count, 18, height, width, generator=random) < 0.02).float(),
        "source_parsing": torch.randint(0, spec.parts, (count, height, width), generator=random),
    }
    names = tuple(str(i) for i in range(count))
    return Batch(
        Query(names, names, tensors),
        torch.rand(count, 3, height, width, generator=random) * 2 - 1,
        torch.randint(0, spec.parts, (count, height, width), generator=random),
        torch.ones(count, 1, height, width),
    )


@pytest.mark.parametrize("spec", [STUDIO, STREET])
def test_generates_images_and_layouts(spec: ImageSpec) -> None:
    method = make(spec)
    method.generator.eval()
    images, layouts = method.generate_with_layout(batch(spec).query)
    assert images.shape == (2, 3, *spec.size)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    assert layouts.shape == (2, *spec.size)
    assert 0 <= layouts.min() <= layouts.max() < spec.parts


@pytest.mark.parametrize(
    "variant",
    [
        {"sat_layer": 0, "lgr_layer": 0},
        {"lgr_layer": 0},
        {"sat_layer": 4},
        {"sat_layer": 3, "lgr_layer": 4, "lgr_steps": 3},
        {"sat_layer": 3, "lgr_layer": 3},
        {"geometry_stride": 2},
    ],
)
def test_every_variant_runs(variant: dict[str, object]) -> None:
    method = make(STREET, **variant)
    assert method.generate(batch().query).shape == (2, 3, *STREET.size)


@pytest.mark.parametrize("settings", ["deepfashion", "market1501"])
def test_the_papers_settings(settings: str) -> None:
    spec = ImageSpec(256, 256, 20, settings)
    config = SatLgr.configure(spec)
    fashion = settings == "deepfashion"
    assert (config.sat_layer, config.lgr_layer, config.lgr_steps) == (3 if fashion else 4, 6, 2)
    weights = (config.lambda_1, config.lambda_2, config.lambda_3, config.lambda_4)
    assert weights == (1, 5, 2 if fashion else 10, 50)
    assert config.batch_size == (4 if fashion else 20)
    assert config.learning_rate == 2e-4
    optimizer = make(STREET).optimizer("generator")
    assert optimizer.defaults["betas"] == (0.5, 0.999)


@pytest.mark.parametrize(
    ("spec", "layer", "size"),
    [
        (ImageSpec(256, 256, 20, "deepfashion"), 3, (64, 64)),
        (ImageSpec(256, 256, 20, "deepfashion"), 6, (8, 8)),
        (ImageSpec(128, 64, 7, "market1501"), 4, (16, 8)),
        (ImageSpec(128, 64, 7, "market1501"), 6, (4, 2)),
    ],
)
def test_layers_have_the_papers_sizes(spec: ImageSpec, layer: int, size: tuple[int, int]) -> None:
    config = SatLgr.configure(spec, {"width": 4, "geometry_width": 4, "discriminator_width": 4})
    encoder = SatLgr(config, spec).generator.appearance.target_encoder
    features = encoder(torch.zeros(1, spec.parts + 18, *spec.size))
    assert features[layer - 1].shape[2:] == size


def test_every_layer_has_spectral_norm() -> None:
    method = make(STUDIO)
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    layers = [
        (side, name, module)
        for side, root in method.sides().items()
        for name, module in root.named_modules()
        if isinstance(module, kinds)
    ]
    assert len(layers) > 50
    bare = [(side, name) for side, name, module in layers if not is_parametrized(module, "weight")]
    assert bare == []


def test_a_batch_gives_what_its_samples_give() -> None:
    method = make()
    method.generator.eval()
    query = batch(count=3).query
    whole = method.generate(query)
    for i, alone in enumerate(query.split()):
        torch.testing.assert_close(method.generate(alone)[0], whole[i], atol=1e-5, rtol=0)


def test_a_given_layout_is_used_as_it_is() -> None:
    method = make()
    method.generator.eval()
    query = batch().query
    wanted = torch.full((2, *STREET.size), 3)
    given = Query(
        query.source_names,
        query.target_names,
        {name: query[name] for name in query.inputs} | {"target_parsing": wanted},
    )
    images, layouts = method.generate_with_layout(given)
    assert torch.equal(layouts, wanted)
    assert not torch.allclose(images, method.generate(query))


def test_skips_pass_where_source_and_layout_agree() -> None:
    labels_BHW = torch.tensor([[[0, 1], [2, 0]]])
    layout_BHW = torch.tensor([[[0, 2], [2, 1]]])
    mask = same_part(labels_BHW, layout_BHW, torch.zeros(1, 5, 2, 2))
    assert mask.tolist() == [[[[1.0, 0.0], [1.0, 0.0]]]]


def test_an_unknown_setting_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'width'"):
        SatLgr.configure(STREET, {"widht": 8})
    with pytest.raises(UsageError, match=r"width: .*got 'wide'"):
        SatLgr.configure(STREET, {"width": "wide"})


def test_a_size_that_cannot_be_halved_so_often_is_refused() -> None:
    narrow = ImageSpec(256, 176, 20, "deepfashion")
    with pytest.raises(UsageError, match=r"layers=7 .* a width that 64 divides, got 176"):
        SatLgr.configure(narrow)
    assert SatLgr.configure(narrow, {"layers": 5, "lgr_layer": 0}).layers == 5


class TestLosses:
    def test_discriminator_loss_is_equation_9(self) -> None:
        real, fake = torch.randn(2, 5).unbind()
        probability_real, probability_fake = real.sigmoid(), fake.sigmoid()
        wanted = -probability_real.log().mean() - (1 - probability_fake).log().mean()
        torch.testing.assert_close(losses.discriminator_loss(real, fake), wanted)

    def test_saturating_loss_is_equation_10(self) -> None:
        fake = torch.randn(7)
        wanted = (1 - fake.sigmoid()).log().mean()
        torch.testing.assert_close(losses.generator_loss(fake, "saturating"), wanted)

    def test_non_saturating_loss(self) -> None:
        fake = torch.randn(7)
        wanted = -fake.sigmoid().log().mean()
        torch.testing.assert_close(losses.generator_loss(fake, "non_saturating"), wanted)

    def test_both_forms_push_the_same_way(self) -> None:
        slopes = []
        for form in ("saturating", "non_saturating"):
            fake = torch.zeros(1, requires_grad=True)
            losses.generator_loss(fake, form).backward()  # type: ignore[arg-type]
            assert fake.grad is not None
            slopes.append(float(fake.grad))
        assert all(slope < 0 for slope in slopes)

    def test_layout_loss_is_equation_8(self) -> None:
        logits_BNHW, labels_BHW = torch.randn(2, 7, 4, 3), torch.randint(0, 7, (2, 4, 3))
        onehot = nn.functional.one_hot(labels_BHW, 7).permute(0, 3, 1, 2)
        wanted = -(onehot * logits_BNHW.softmax(1).log()).sum() / labels_BHW.numel()
        torch.testing.assert_close(losses.layout_loss(logits_BNHW, labels_BHW), wanted)

    def test_total_is_equation_18(self) -> None:
        method = make(STREET, lambda_1=2.0, lambda_2=3.0, lambda_3=5.0, lambda_4=7.0)
        totals: dict[str, float] = {}

        def update(side: str, loss: torch.Tensor) -> None:
            totals[side] = loss.item()

        terms = method.training_step(batch(), 0.5, update)
        generator = (
            2 * terms["adversarial_layout"]
            + 3 * terms["adversarial_image"]
            + 5 * (terms["l1"] + terms["perceptual"])
            + 7 * terms["layout"]
        )
        discriminator = 2 * terms["discriminator_layout"] + 3 * terms["discriminator_image"]
        assert math.isclose(totals["generator"], float(generator), rel_tol=1e-5)
        assert math.isclose(totals["discriminator"], float(discriminator), rel_tol=1e-5)

    @pytest.mark.parametrize(
        ("share", "terms"), [(0.0, {"coarse_l1"}), (1.0, {"l1", "perceptual"})]
    )
    def test_real_pairs_are_compared_coarsely_and_self_pairs_finely(
        self, share: float, terms: set[str]
    ) -> None:
        method = make(STREET, self_pairs=share, coarse_loss=8, adversarial_start=1.0, lambda_4=0.0)
        totals: list[float] = []
        found = method.training_step(batch(), 0.5, lambda side, loss: totals.append(loss.item()))
        assert set(found) == {"layout"} | terms
        likeness = sum(float(found[name]) for name in terms)
        assert math.isclose(totals[0], method.config.lambda_3 * likeness, rel_tol=1e-5)

    def test_the_coarse_loss_is_blind_within_a_square(self) -> None:
        image = torch.rand(2, 3, 16, 8)
        shuffled = image.view(2, 3, 4, 4, 2, 4).flip(3, 5).reshape(2, 3, 16, 8)
        assert float(losses.coarse_loss(image, shuffled, 4)) < 1e-6
        assert losses.pixel_loss(image, shuffled) > 0.1
        assert math.isclose(float(losses.coarse_loss(image, image + 0.5, 4)), 0.5, rel_tol=1e-5)

    def test_each_side_moves_its_own_parameters_alone(self) -> None:
        method = make()
        touched: dict[str, set[str]] = {}

        def update(side: str, loss: torch.Tensor) -> None:
            for module in method.sides().values():
                module.zero_grad(set_to_none=True)
            loss.backward()
            touched[side] = {
                name
                for name, module in method.sides().items()
                for p in module.parameters()
                if p.grad is not None and p.grad.abs().sum() > 0
            }

        method.training_step(batch(), 0.5, update)
        assert touched == {"generator": {"generator"}, "discriminator": {"discriminator"}}

    def test_gradients_of_the_image_reach_the_geometric_network(self) -> None:
        method = make(STREET, lambda_4=0.0, lambda_1=0.0)

        def update(side: str, loss: torch.Tensor) -> None:
            if side == "generator":
                loss.backward()

        method.training_step(batch(), 0.5, update)
        grads = [p.grad for p in method.generator.geometry.parameters() if p.grad is not None]
        assert sum(float(grad.abs().sum()) for grad in grads) > 0


class TestWeights:
    def save(self, path: Path, model: SatLgr, **header: object) -> Path:
        facts = {
            "method": "sat_lgr",
            "dataset": "somewhere",
            "height": STREET.height,
            "width": STREET.width,
            "parts": STREET.parts,
            "config": model.config.model_dump(mode="json"),
            "training": {"steps": 3},
        }
        write_weights(path, model.weights(), WeightsHeader.model_validate(facts | header))
        return path

    def test_there_and_back(self, tmp_path: Path) -> None:
        method = make()
        path = self.save(tmp_path / "w.safetensors", method)
        method.generator.load_state_dict(method.weights())  # bfloat16 is what is stored
        method.generator.eval()
        again = SatLgr.open("somewhere", STREET, path)
        assert read_header(path).training == {"steps": 3}
        assert again.config == method.config
        query = batch().query
        torch.testing.assert_close(again.generate(query), method.generate(query), atol=1e-5, rtol=0)

    def test_generating_weights_are_the_normalised_ones(self, tmp_path: Path) -> None:
        path = self.save(tmp_path / "w.safetensors", make())
        plain = SatLgr(make().config, STREET)
        plain.load(path)
        fixed = SatLgr.open("somewhere", STREET, path)
        assert not any(is_parametrized(module) for module in fixed.generator.modules())
        query = batch().query
        torch.testing.assert_close(fixed.generate(query), plain.generate(query), atol=1e-5, rtol=0)

    def test_another_dataset_method_or_size_is_refused(self, tmp_path: Path) -> None:
        path = self.save(tmp_path / "w.safetensors", make())
        with pytest.raises(DataError, match=r"dataset: expected elsewhere, got somewhere"):
            SatLgr.open("elsewhere", STREET, path)
        with pytest.raises(DataError, match=r"image size: expected 128x64, got 64x32"):
            SatLgr.open("somewhere", ImageSpec(128, 64, 7, "market1501"), path)
        other = self.save(tmp_path / "o.safetensors", make(), method="another")
        with pytest.raises(DataError, match=r"method: expected sat_lgr, got another"):
            SatLgr.open("somewhere", STREET, other)

    def test_another_width_is_refused(self, tmp_path: Path) -> None:
        path = self.save(tmp_path / "w.safetensors", make())
        with pytest.raises(DataError, match=r"width: expected 8, got 4"):
            SatLgr.open("somewhere", STREET, path, {"width": 8})
        config = make().config.model_dump(mode="json") | {"width": 8}
        lying = self.save(tmp_path / "l.safetensors", make(), config=config)
        with pytest.raises(DataError, match=r"has shape .*, expected"):
            SatLgr.open("somewhere", STREET, lying)

    def test_settings_are_never_filled_in(self, tmp_path: Path) -> None:
        config = make().config.model_dump(mode="json")
        del config["same_part_skips"]
        path = self.save(tmp_path / "w.safetensors", make(), config=config)
        with pytest.raises(DataError, match="settings without a value: same_part_skips"):
            SatLgr.open("somewhere", STREET, path)

    @pytest.mark.parametrize("keep", [0, 5, 100, 0.5, 0.999])
    def test_a_truncated_file_is_refused(self, tmp_path: Path, keep: float) -> None:
        path = self.save(tmp_path / "w.safetensors", make())
        data = path.read_bytes()
        path.write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
        with pytest.raises(DataError, match=r"w\.safetensors"):
            SatLgr.open("somewhere", STREET, path)

    def test_a_file_of_something_else_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "w.safetensors"
        with pytest.raises(DataError, match="no such file"):
            SatLgr.open("somewhere", STREET, path)
        path.write_bytes(b"weights" * 100)
        with pytest.raises(DataError, match="not a whole safetensors file"):
            SatLgr.open("somewhere", STREET, path)
