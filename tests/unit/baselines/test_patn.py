"""The method PATN: what it reads, its losses, a training step, weights files, that it learns."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from patn_small import SMALL, STREET, STUDIO, batch, make
from torch import Tensor
from torch.nn import functional

from recapbench.data.query import Batch, Query
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench.registry import METHODS, load
from recapbench_baselines.patn import losses
from recapbench_baselines.patn.discriminators import Discriminator
from recapbench_baselines.patn.method import Patn
from recapbench_baselines.patn.variants import PatnBothParsings, PatnSourceParsing

KINDS = [Patn, PatnSourceParsing, PatnBothParsings]


def query(method: Patn, count: int = 2, **changes: Tensor) -> Query:
    """A query of the declared inputs, some of them replaced."""
    made = batch(method.spec, count)
    known = {name: made.query[name] for name in made.query.inputs}
    known |= {"target_parsing": made.target_parsing} | changes
    names = made.query.source_names
    return Query(names, names, known).only(method.inputs)


class TestSettings:
    @pytest.mark.parametrize("settings", ["deepfashion", "market1501"])
    def test_the_papers(self, settings: str) -> None:
        config = Patn.configure(ImageSpec(256, 256, 20, settings))
        fashion = settings == "deepfashion"
        assert (config.width, config.blocks) == (64, 9)
        assert (config.discriminator_width, config.discriminator_blocks) == (64, 3)
        assert (config.alpha, config.lambda_1, config.lambda_2) == (
            (5, 1, 1) if fashion else (5, 10, 10)
        )
        assert config.image_pool == (0 if fashion else 50)
        assert config.adversarial == ("least_squares" if fashion else "cross_entropy")
        assert config.batch_size == (7 if fashion else 32)
        assert config.learning_rate == 2e-4
        assert math.isclose(config.decay_from, 500 / 700)
        assert config.dropout
        assert config.adversarial_start == 0

    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    def test_the_reduced_ones_fit_a_weights_file_of_20_mb(self, spec: ImageSpec) -> None:
        config = Patn.configure(spec, Patn.named_settings(spec, "cpu"))
        weights = Patn(config, spec).weights()
        assert sum(t.numel() * t.element_size() for t in weights.values()) < 20e6

    @pytest.mark.parametrize("size", [(30, 32), (32, 18), (4, 32)])
    def test_a_size_that_does_not_fit_is_refused(self, size: tuple[int, int]) -> None:
        with pytest.raises(UsageError, match=r"patn needs a \w+ of at least 8 .*got (30|18|4)$"):
            Patn.configure(ImageSpec(*size, 7, "market1501"))

    def test_adam(self) -> None:
        for side in ("generator", "discriminator"):
            assert make().optimizer(side).defaults["betas"] == (0.5, 0.999)


class TestGenerate:
    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    @pytest.mark.parametrize("kind", KINDS)
    def test_images(self, kind: type[Patn], spec: ImageSpec) -> None:
        method = make(spec, kind)
        asked = query(method)
        before = {name: asked[name].clone() for name in asked.inputs}
        images = method.generate(asked)
        assert images.shape == (2, 3, *spec.size)
        assert images.dtype == torch.float32
        assert images.is_contiguous()
        assert images.abs().max() <= 1
        assert images.std() > 0
        assert all(torch.equal(asked[name], tensor) for name, tensor in before.items())

    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    def test_a_batch_gives_what_its_pairs_give_even_while_training(self, spec: ImageSpec) -> None:
        method = make(spec)
        for module in method.sides().values():
            module.train()
        method.training_step(batch(spec), 0.5, lambda side, loss: None)
        asked = query(method, 3)
        whole = method.generate(asked)
        assert torch.equal(whole, method.generate(asked))
        for index, alone in enumerate(asked.split()):
            torch.testing.assert_close(method.generate(alone)[0], whole[index], atol=1e-5, rtol=0)
        assert method.generator.training

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_declared_input_counts(self, kind: type[Patn]) -> None:
        method = make(STUDIO, kind)
        images = method.generate(query(method))
        assert set(method.inputs) >= {"source_image", "source_pose", "target_pose"}
        for name in method.inputs:
            other = query(method)[name].flip(2)
            changed = method.generate(query(method, **{name: other}))
            assert not torch.equal(changed, images), name

    def test_the_variants_are_registered(self) -> None:
        for kind in KINDS:
            assert load(METHODS, kind.name) is kind
        assert Patn.inputs == {"source_image", "source_pose", "target_pose"}
        assert PatnSourceParsing.inputs == Patn.inputs | {"source_parsing"}
        assert PatnBothParsings.inputs == Patn.inputs | {"source_parsing", "target_parsing"}
        assert PatnSourceParsing.shipped_weights("mannequin") is None


class TestLosses:
    @pytest.mark.parametrize("real", [True, False])
    def test_cross_entropy_is_that_of_the_sigmoid(self, real: bool) -> None:
        verdicts = torch.randn(2, 8, 4, 3)
        wanted = functional.binary_cross_entropy(
            verdicts.sigmoid(), torch.full_like(verdicts, float(real))
        )
        torch.testing.assert_close(losses.verdict_loss(verdicts, real, "cross_entropy"), wanted)

    @pytest.mark.parametrize("real", [True, False])
    def test_least_squares(self, real: bool) -> None:
        verdicts = torch.randn(2, 8, 4, 3)
        wanted = ((verdicts - (1 if real else 0)) ** 2).sum() / verdicts.numel()
        torch.testing.assert_close(losses.verdict_loss(verdicts, real, "least_squares"), wanted)

    @pytest.mark.parametrize("form", ["cross_entropy", "least_squares"])
    def test_float32_and_finite_for_sure_verdicts(self, form: str) -> None:
        verdicts = torch.full((2, 3), 200.0, dtype=torch.bfloat16)
        loss = losses.verdict_loss(verdicts, False, form)  # type: ignore[arg-type]
        assert loss.dtype == torch.float32
        assert loss.isfinite()

    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    def test_totals(self, spec: ImageSpec) -> None:
        method = make(spec, alpha=3.0, lambda_1=5.0, lambda_2=7.0)
        totals: dict[str, float] = {}

        def update(side: str, loss: Tensor) -> None:
            totals[side] = loss.item()

        found = method.training_step(batch(spec), 0.5, update)
        generator = (
            3 * (found["adversarial_pose"] + found["adversarial_appearance"]) / 2
            + 5 * found["l1"]
            + 7 * found["perceptual"]
        )
        discriminator = 3 * (found["discriminator_pose"] + found["discriminator_appearance"])
        assert list(totals) == ["generator", "discriminator"]
        assert math.isclose(totals["generator"], float(generator), rel_tol=1e-5)
        assert math.isclose(totals["discriminator"], float(discriminator), rel_tol=1e-5)

    def test_what_the_discriminators_see(self) -> None:
        method = make(STUDIO, dropout=False, adversarial="least_squares")
        given = batch(STUDIO)
        with torch.no_grad():
            image = method.generate(query(method))
            pose, source = given.query.target_pose, given.query.source_image
            real, judges = given.target_image, method.discriminators
            found = method.training_step(given, 0.5, lambda side, loss: None)

            def halves(name: str, condition: Tensor) -> tuple[Tensor, Tensor]:
                judge = getattr(judges, name)
                passed = judge(torch.cat([real, condition], 1))
                caught = judge(torch.cat([image, condition], 1))
                deceived = ((caught - 1) ** 2).mean()
                return deceived, (((passed - 1) ** 2).mean() + (caught**2).mean()) / 2

            for name, condition in (("pose", pose), ("appearance", source)):
                deceived, judged = halves(name, condition)
                torch.testing.assert_close(found[f"adversarial_{name}"], deceived)
                torch.testing.assert_close(found[f"discriminator_{name}"], judged)

    def test_discriminators_learn_from_what_the_pool_shows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Discriminator, "shown", lambda judge, pair: torch.zeros_like(pair))
        method = make(STUDIO, dropout=False, adversarial="least_squares", image_pool=1)
        given = batch(STUDIO)
        found = method.training_step(given, 0.5, lambda side, loss: None)
        conditions = {"pose": given.query.target_pose, "appearance": given.query.source_image}
        for name, condition in conditions.items():
            pair = torch.cat([given.target_image, condition], 1)
            judge = getattr(method.discriminators, name)
            with torch.no_grad():
                passed, caught = judge(pair), judge(torch.zeros_like(pair))
            wanted = (((passed - 1) ** 2).mean() + (caught**2).mean()) / 2
            torch.testing.assert_close(found[f"discriminator_{name}"], wanted)

    def test_no_discriminator_before_its_time(self) -> None:
        method = make(adversarial_start=0.5)
        for progress, sides in ((0.49, ["generator"]), (0.5, ["generator", "discriminator"])):
            called: list[str] = []
            method.training_step(batch(), progress, lambda side, loss, c=called: c.append(side))
            assert called == sides


class TestStep:
    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_side_moves_all_of_its_own_and_nothing_else(
        self, kind: type[Patn], spec: ImageSpec
    ) -> None:
        method = make(spec, kind)
        touched: dict[str, dict[str, int]] = {}

        def update(side: str, loss: Tensor) -> None:
            for module in method.sides().values():
                module.zero_grad(set_to_none=True)
            loss.backward()
            touched[side] = {
                name: sum(p.grad is not None for p in module.parameters())
                for name, module in method.sides().items()
            }

        method.training_step(batch(spec), 0.5, update)
        sizes = {name: len(list(m.parameters())) for name, m in method.sides().items()}
        assert touched == {
            "generator": {"generator": sizes["generator"], "discriminator": 0},
            "discriminator": {"generator": 0, "discriminator": sizes["discriminator"]},
        }

    def test_the_true_parsing_of_the_target_is_the_batchs(self) -> None:
        method = make(kind=PatnBothParsings, dropout=False)
        given = batch()
        assert "target_parsing" not in given.query.inputs
        other = Batch(
            given.query, given.target_image, (given.target_parsing + 1) % 7, given.target_mask
        )
        found = [
            method.training_step(each, 0.5, lambda side, loss: None)["l1"]
            for each in (given, given, other)
        ]
        assert found[0] == found[1] != found[2]

    def test_parts_of_a_step_add_up(self) -> None:
        method = make(STUDIO, dropout=False)
        whole = batch(STUDIO, count=3)
        found = method.training_step(whole, 0.5, lambda side, loss: None)
        total = dict.fromkeys(found, 0.0)
        for rows in (range(2), range(2, 3)):
            part = whole.part(rows, rows.start, 3)
            for name, value in method.training_step(part, 0.5, lambda side, loss: None).items():
                total[name] += len(part) / 3 * float(value)
        assert total == pytest.approx({name: float(value) for name, value in found.items()})

    @pytest.mark.parametrize("generator_drops", [True, False])
    def test_the_draws_of_a_part_hang_on_its_place(self, generator_drops: bool) -> None:
        method, whole = make(STUDIO), batch(STUDIO, count=1)
        method.generator.train(generator_drops)
        method.training_step(whole, 0.5, lambda side, loss: None)  # makes all that it needs
        found, later = [], []
        for place in range(2):
            torch.manual_seed(3)
            part = whole.part(range(1), place, 2)
            found.append(method.training_step(part, 0.5, lambda side, loss: None))
            later.append(float(torch.rand(())))
        differ = {name for name in found[0] if found[0][name] != found[1][name]}
        of_the_image = {"l1", "perceptual"}
        assert differ == (set(found[0]) if generator_drops else set(found[0]) - of_the_image)
        assert later[0] == later[1]

    def test_under_autocast_losses_are_float32(self) -> None:
        method = make()
        with torch.autocast("cpu", torch.bfloat16):
            found = method.training_step(batch(), 0.5, lambda side, loss: None)
        assert {value.dtype for value in found.values()} == {torch.float32}
        assert not any(value.requires_grad for value in found.values())

    def test_says_what_the_perceptual_loss_read(self) -> None:
        method = make()
        method.training_step(batch(), 0.5, lambda side, loss: None)
        assert method.training_facts() == {"perceptual": "effnet_lite0"}

    def test_the_loss_follows_to_a_device(self) -> None:
        method = make()
        assert {each.device.type for each in method.perceptual.state_dict().values()} == {"cpu"}
        method.to("meta")
        assert {each.device.type for each in method.perceptual.state_dict().values()} == {"meta"}

    @pytest.mark.parametrize("spec", [STUDIO, STREET])
    def test_learns_a_batch_by_heart(self, spec: ImageSpec) -> None:
        method = make(spec, dropout=False, learning_rate=5e-3, alpha=0.1)
        given = batch(spec)
        half = torch.full_like(given.target_image, 0.5)
        flat = Batch(given.query, half, given.target_parsing, given.target_mask)
        optimizers = {side: method.optimizer(side) for side in method.sides()}

        def update(side: str, loss: Tensor) -> None:
            optimizers[side].zero_grad()
            loss.backward()
            optimizers[side].step()

        found = [float(method.training_step(flat, 0.5, update)["l1"]) for _ in range(40)]
        assert found[-1] < 0.4 * found[0]


@pytest.mark.parametrize("spec", [STUDIO, STREET])
@pytest.mark.parametrize("kind", [Patn, PatnBothParsings])
def test_weights_there_and_back(tmp_path: Path, kind: type[Patn], spec: ImageSpec) -> None:
    method = make(spec, kind)
    method.training_step(batch(spec), 0.5, lambda side, loss: None)  # moves running statistics
    tensors = method.weights()
    statistics = {name for name in tensors if "running" in name}
    assert bool(statistics) == (spec is STREET)
    assert all(tensors[name].dtype == torch.float32 for name in statistics)
    header = WeightsHeader(
        method=kind.name,
        dataset="somewhere",
        height=spec.height,
        width=spec.width,
        parts=spec.parts,
        config=method.config.model_dump(mode="json"),
        training={},
    )
    path = tmp_path / "w.safetensors"
    write_weights(path, tensors, header)
    method.generator.load_state_dict(tensors)  # bfloat16 is what is stored
    again = kind.open("somewhere", spec, path)
    assert again.config == method.config
    for name in statistics:
        assert torch.equal(again.generator.state_dict()[name], tensors[name])
        assert not torch.equal(tensors[name], make(spec, kind).generator.state_dict()[name])
    asked = query(method)
    torch.testing.assert_close(again.generate(asked), method.generate(asked), atol=1e-5, rtol=0)


def test_small_settings_are_those_of_the_dataset_but_for_size() -> None:
    assert Patn.configure(STUDIO, SMALL).normalisation == "instance"
    assert Patn.configure(STREET, SMALL).normalisation == "batch"
