"""The method `def_gan`: settings, what it generates, one training step, weights files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from def_gan_cases import SPEC, batch, make, pose
from torch import Tensor

from recapbench.data.query import Query
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.find import find_method
from recapbench.methods.maps import as_map
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench_baselines.def_gan import losses
from recapbench_baselines.def_gan.method import DefGan
from recapbench_baselines.def_gan.networks import Maps


def test_it_is_found_by_its_name() -> None:
    assert find_method("def_gan") is DefGan


@pytest.mark.parametrize(
    ("spec", "batch_size", "side"),
    [
        (ImageSpec(256, 256, 20, "deepfashion"), 2, 5),
        (ImageSpec(128, 64, 7, "market1501"), 4, 3),
    ],
)
def test_settings_are_the_papers(spec: ImageSpec, batch_size: int, side: int) -> None:
    config = DefGan.configure(spec)
    assert (config.width, config.discriminator_width, config.dropout) == (64, 64, 0.5)
    assert (config.batch_size, config.neighbourhood, config.nn_weight) == (batch_size, side, 0.01)
    assert (config.learning_rate, DefGan.betas) == (2e-4, (0.5, 0.999))
    assert config.decay_from == 1
    reduced = DefGan.configure(spec, DefGan.settings_file(f"{spec.settings}-cpu.toml"))
    assert reduced.width < config.width


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match=r"levels=6 needs a width of at least 34 pixels that 32"):
        DefGan.configure(ImageSpec(128, 80, 7, "market1501"))
    with pytest.raises(UsageError, match=r"needs a height of at least 34 pixels that 16 divides"):
        DefGan.configure(ImageSpec(32, 48, 7, "market1501"), {"levels": 5})
    with pytest.raises(UsageError, match=r"neighbourhood: .*odd number \(got 4\)"):
        DefGan.configure(SPEC, {"neighbourhood": 4})


class TestGeneration:
    def test_images_are_what_the_interface_says(self) -> None:
        images = make().generate(batch(3).query)
        assert images.shape == (3, 3, *SPEC.size)
        assert images.dtype == torch.float32
        assert images.is_contiguous()
        assert images.abs().max() <= 1
        assert not images.requires_grad

    def test_it_reads_what_it_declares_and_changes_nothing(self) -> None:
        method, query = make(), batch().query
        assert query.inputs == DefGan.inputs
        before = {name: query[name].clone() for name in query.inputs}
        first = method.generate(query)
        assert torch.equal(method.generate(query), first)
        assert all(torch.equal(query[name], tensor) for name, tensor in before.items())

    def test_pairs_do_not_depend_on_each_other(self) -> None:
        method, query = make(), batch(3).query
        together = method.generate(query)
        alone = torch.cat([method.generate(one) for one in query.split()])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)

    def test_every_input_counts(self) -> None:
        method, query, other = make(), batch().query, batch(seed=7).query
        first = method.generate(query)
        for changed in sorted(query.inputs):
            tensors = {name: (other if name == changed else query)[name] for name in query.inputs}
            found = method.generate(Query(query.source_names, query.target_names, tensors))
            assert (found - first).abs().max() > 1e-4, changed

    def test_a_pose_without_joints_gives_an_image_too(self) -> None:
        query = batch(1).query
        tensors = {name: query[name] for name in query.inputs}
        nobody = pose(without=tuple(range(18)))[None]
        for name in ("source_keypoints", "target_keypoints"):
            given = Query(query.source_names, query.target_names, tensors | {name: nobody})
            assert make().generate(given).isfinite().all()


class TestTraining:
    def test_the_total_is_adversarial_and_weighted_nearest(self) -> None:
        method = make(nn_weight=0.3)
        totals: dict[str, float] = {}

        def update(side: str, loss: Tensor) -> None:
            totals[side] = loss.item()

        terms = method.training_step(batch(), 0.5, update)
        generator = terms["adversarial"] + 0.3 * terms["nearest"]
        assert list(totals) == ["discriminator", "generator"]
        assert math.isclose(totals["generator"], float(generator), rel_tol=1e-5)
        assert math.isclose(totals["discriminator"], float(terms["discriminator"]), rel_tol=1e-5)
        assert method.training_facts() == {"perceptual": "effnet_lite0"}

    def test_what_the_losses_see(self) -> None:
        method, given = make(), batch()
        found = method.training_step(given, 0.5, lambda side, loss: None)
        maps, judge = Maps.of(given.query), method.discriminators
        with torch.no_grad():
            image = method.generator(maps)  # no dropout: it is ready to generate
            real, fake = judge(maps, given.target_image), judge(maps, image)
            wanted = {
                "discriminator": losses.discriminator_loss(real, fake),
                "adversarial": losses.generator_loss(fake),
                "nearest": method.nearest(image, as_map(given.target_image)),
                "l1": (image - given.target_image).abs().mean(),
            }
        assert found.keys() == wanted.keys()
        for name, term in wanted.items():
            torch.testing.assert_close(found[name], term)

    def test_the_loss_follows_to_a_device(self) -> None:
        method = make()
        assert {tensor.device.type for tensor in method.nearest.state_dict().values()} == {"cpu"}
        method.to("meta")
        assert {tensor.device.type for tensor in method.nearest.state_dict().values()} == {"meta"}

    def test_each_side_moves_all_of_its_own_parameters_alone(self) -> None:
        method = make()
        touched: dict[str, dict[str, float]] = {}

        def update(side: str, loss: Tensor) -> None:
            for module in method.sides().values():
                module.zero_grad(set_to_none=True)
            loss.backward()
            touched[side] = {
                name: sum(float(p.grad is not None) for p in module.parameters())
                / len(list(module.parameters()))
                for name, module in method.sides().items()
            }

        method.training_step(batch(), 0.5, update)
        assert touched == {
            "discriminator": {"generator": 0.0, "discriminator": 1.0},
            "generator": {"generator": 1.0, "discriminator": 0.0},
        }

    def test_dropout_draws_from_the_step(self) -> None:
        """Draws after the step do not depend on what was drawn in it."""
        method = make()
        method.generator.train()
        method.training_step(batch(), 0.5, lambda side, loss: None)  # makes all that it needs
        whole = batch(2)
        parts = [whole.part(range(i, i + 1), i, 2) for i in range(2)]

        def after(*batches: Any) -> list[float]:
            found = []
            for given in batches:
                torch.manual_seed(3)
                method.training_step(given, 0.5, lambda side, loss: None)
                found.append(float(torch.rand(())))
            return found

        assert len(set(after(whole, *parts))) == 1

    def test_the_draws_of_a_part_hang_on_its_place(self) -> None:
        method, whole = make(), batch(1)
        method.generator.train()
        method.training_step(whole, 0.5, lambda side, loss: None)  # makes all that it needs
        l1, later = [], []
        for place in range(2):
            torch.manual_seed(3)
            part = whole.part(range(1), place, 2)
            l1.append(float(method.training_step(part, 0.5, lambda side, loss: None)["l1"]))
            later.append(float(torch.rand(())))
        assert l1[0] != l1[1]
        assert later[0] == later[1]

    def test_a_short_training_lowers_the_l1(self) -> None:
        method, given = make(width=8, dropout=0.0), batch(2)
        given.target_image.copy_(given.query.source_image.mean(dim=(2, 3), keepdim=True) * 0 + 0.5)
        optimizers = {side: method.optimizer(side) for side in method.sides()}
        for group in (group for found in optimizers.values() for group in found.param_groups):
            group["lr"] = 2e-3

        def update(side: str, loss: Tensor) -> None:
            optimizers[side].zero_grad(set_to_none=True)
            loss.backward()
            optimizers[side].step()

        l1 = [float(method.training_step(given, 0.0, update)["l1"]) for _ in range(25)]
        assert l1[-1] < 0.6 * l1[0]


def test_weights_there_and_back(tmp_path: Path) -> None:
    method = make()
    header = WeightsHeader(
        method="def_gan",
        dataset="somewhere",
        height=SPEC.height,
        width=SPEC.width,
        parts=SPEC.parts,
        config=method.config.model_dump(mode="json"),
        training={},
    )
    write_weights(tmp_path / "w.safetensors", method.weights(), header)
    method.generator.load_state_dict(method.weights())  # bfloat16 is what is stored
    again = DefGan.open("somewhere", SPEC, tmp_path / "w.safetensors")
    assert again.config == method.config
    assert torch.equal(again.generate(batch().query), method.generate(batch().query))
