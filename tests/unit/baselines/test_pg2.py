"""PG2 as a method: generation, which parts move in which stage, weights files, that it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from recapbench.data.query import Batch, Query
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.weights_file import WeightsHeader, write_weights
from recapbench.training.checkpoint import (
    CheckpointHeader,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from recapbench_baselines.pg2 import losses
from recapbench_baselines.pg2.method import Pg2

STREET = ImageSpec(32, 16, 7, "market1501")
STUDIO = ImageSpec(64, 64, 20, "deepfashion")
SMALL = {"width": 4, "code": 8, "discriminator_width": 4, "learning_rate": 1e-2}


def make(spec: ImageSpec = STREET, **overrides: object) -> Pg2:
    torch.manual_seed(0)
    return Pg2(Pg2.configure(spec, SMALL | overrides), spec)


def batch(spec: ImageSpec = STREET, count: int = 2) -> Batch:
    random = torch.Generator().manual_seed(1)
    height, width = spec.size
    reach = torch.tensor([width - 1.0, height - 1.0])
    places = torch.rand(count, 18, 2, generator=random) * reach
    tensors = {
        "source_image": torch.rand(count, 3, height, width, generator=random) * 2 - 1,
        "target_pose": (torch.rand(count, 18, height, width, generator=random) < 0.02).float(),
        "target_keypoints": torch.cat([places.round(), torch.full((count, 18, 1), 2.0)], 2),
    }
    names = tuple(str(i) for i in range(count))
    return Batch(
        Query(names, names, tensors),
        torch.rand(count, 3, height, width, generator=random) * 2 - 1,
        torch.zeros(count, height, width, dtype=torch.int64),
        torch.ones(count, 1, height, width),
    )


def refining(method: Pg2) -> Pg2:
    """A method whose second stage has something to say."""
    nn.init.normal_(method.generator.second.image.weight, std=0.1)
    method.generator.eval()
    return method


def taking_steps(
    method: Pg2, optimizers: dict[str, torch.optim.Optimizer] | None = None
) -> Callable[[str, Tensor], None]:
    """What the trainer does when it is given a loss."""
    optimizers = optimizers or {side: method.optimizer(side) for side in method.sides()}

    def update(side: str, loss: Tensor) -> None:
        optimizers[side].zero_grad(set_to_none=True)
        loss.backward()
        optimizers[side].step()

    return update


@pytest.mark.parametrize("spec", [STREET, STUDIO])
def test_generates_images(spec: ImageSpec) -> None:
    method = refining(make(spec))
    query = batch(spec).query
    before = {name: query[name].clone() for name in method.inputs}
    nn.init.constant_(method.generator.first.image.bias, 0.9)  # some pixels leave [-1, 1]
    images = method.generate(query.only(method.inputs))
    assert images.shape == (2, 3, *spec.size)
    assert images.dtype == torch.float32
    assert images.is_contiguous()
    assert images.max() == 1
    assert images.min() >= -1
    assert all(torch.equal(query[name], tensor) for name, tensor in before.items())


def test_the_image_is_the_coarse_one_and_a_difference() -> None:
    method = refining(make())
    query = batch().query
    coarse, refined = method.generate_stages(query)
    network = method.generator
    with torch.no_grad():
        first = network.first(query.source_image, query.target_pose)
        wanted = first + network.second(first, query.source_image)
    assert torch.equal(coarse, first.clamp(-1, 1))
    assert torch.equal(refined, wanted.clamp(-1, 1))
    assert torch.equal(method.generate(query), refined)
    assert not torch.allclose(coarse, refined)


def test_the_coarse_generator_reads_the_source_and_heatmaps_from_minus_one_to_one() -> None:
    method, query = make(), batch().query
    read: list[Tensor] = []
    method.generator.first.stem.register_forward_pre_hook(
        lambda module, inputs: read.append(inputs[0])
    )
    method.generate(query)
    (found,) = read
    assert torch.equal(found[:, :3], query.source_image)
    assert torch.equal(found[:, 3:] == 1, query.target_pose == 1)
    assert set(found[:, 3:].unique().tolist()) == {-1, 1}


def test_a_batch_gives_what_its_samples_give() -> None:
    method = refining(make())
    query = batch(count=3).query
    whole = method.generate(query)
    for i, alone in enumerate(query.split()):
        torch.testing.assert_close(method.generate(alone)[0], whole[i], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("progress", "wanted"),
    [(0.0, {"first"}), (0.36, {"first"}), (0.37, {"second", "discriminator"})],
)
def test_a_step_moves_its_own_stage_alone(progress: float, wanted: set[str]) -> None:
    method = make()
    parts = {
        "first": method.generator.first,
        "second": method.generator.second,
        "discriminator": method.discriminators,
    }
    before = {
        name: [parameter.detach().clone() for parameter in part.parameters()]
        for name, part in parts.items()
    }
    method.training_step(batch(), progress, taking_steps(method))
    moved = {
        name
        for name, part in parts.items()
        if any(
            not torch.equal(old, new)
            for old, new in zip(before[name], part.parameters(), strict=True)
        )
    }
    assert moved == wanted
    assert all(p.requires_grad for part in parts.values() for p in part.parameters())


def test_momentum_of_the_first_stage_does_not_move_it_in_the_second() -> None:
    method = make()
    update = taking_steps(method)
    for _ in range(3):
        method.training_step(batch(), 0.0, update)
    first = [parameter.detach().clone() for parameter in method.generator.first.parameters()]
    method.training_step(batch(), 0.9, update)
    assert all(map(torch.equal, first, method.generator.first.parameters()))


@pytest.mark.parametrize("done", [[0.0, 0.1], [0.0, 0.5]])
def test_a_checkpoint_of_either_stage_goes_on_exactly(tmp_path: Path, done: list[float]) -> None:
    """In stage 1 the optimisers know nothing yet of G2 and D."""
    states = []
    for resumed in (False, True):
        method = make()
        optimizers = {side: method.optimizer(side) for side in method.sides()}
        path = tmp_path / "checkpoint.safetensors"
        if resumed:
            restore(read_checkpoint(path)[1], method.sides(), optimizers)
        else:
            for progress in done:
                method.training_step(batch(), progress, taking_steps(method, optimizers))
            header = CheckpointHeader(step=len(done), plan={})
            write_checkpoint(path, header, method.sides(), optimizers)
        method.training_step(batch(), 0.9, taking_steps(method, optimizers))
        states.append([*method.generator.parameters(), *method.discriminators.parameters()])
    assert all(map(torch.equal, *states))


def test_the_stages_change_at_the_public_codes_step() -> None:
    for spec, steps in ((STREET, 60_000), (STUDIO, 80_000)):
        share = Pg2.configure(spec).first_share
        assert min(step for step in range(steps) if step / steps >= share) == 22_000


def test_totals_are_equations_1_2_and_4() -> None:
    method, pairs = make(likeness_weight=7.0), batch()
    totals: list[tuple[str, float]] = []

    def update(side: str, loss: Tensor) -> None:
        totals.append((side, loss.item()))

    query, target = pairs.query, pairs.target_image
    mask = losses.pose_masks(query.target_keypoints, STREET.size)
    refining(method)
    method.training_step(pairs, 0.0, update)
    method.training_step(pairs, 0.9, update)
    with torch.no_grad():
        coarse = method.generator.first(query.source_image, query.target_pose)
        refined = method.generator.refine(coarse, query.source_image)
        judged = method.discriminators(torch.cat([target, refined, query.source_image]))
    real, fake, source = judged.sigmoid().chunk(3)
    likeness = [((image - target).abs() * (1 + mask)).mean() for image in (coarse, refined)]
    generator = -fake.log().mean() + 7 * likeness[1]
    wrong = (-(1 - fake).log().mean() - (1 - source).log().mean()) / 2
    discriminator = (-real.log().mean() + wrong) / 2
    assert [side for side, _ in totals] == ["generator", "generator", "discriminator"]
    wanted = torch.stack([likeness[0], generator, discriminator])
    found = torch.tensor([value for _, value in totals])
    torch.testing.assert_close(found, wanted, atol=0, rtol=1e-4)


@pytest.mark.parametrize("progress", [0.0, 0.9])
def test_training_a_stage_lowers_the_l1_of_a_fixed_batch(progress: float) -> None:
    method, pairs = make(learning_rate=3e-3), batch()
    pairs = replace(pairs, target_image=pairs.query.source_image.flip(3).mean(1, True) * 0.5 + 0.3)
    pairs = replace(pairs, target_image=pairs.target_image.expand(-1, 3, -1, -1))
    update = taking_steps(method)
    values = [float(method.training_step(pairs, progress, update)["l1"]) for _ in range(30)]
    assert values[-1] < 0.7 * values[0]


def test_weights_there_and_back(tmp_path: Path) -> None:
    method, path = refining(make()), tmp_path / "w.safetensors"
    header = WeightsHeader(
        method="pg2",
        dataset="somewhere",
        height=STREET.height,
        width=STREET.width,
        parts=STREET.parts,
        config=method.config.model_dump(mode="json"),
        training={},
    )
    write_weights(path, method.weights(), header)
    method.generator.load_state_dict(method.weights())  # bfloat16 is what is stored
    again = Pg2.open("somewhere", STREET, path)
    assert again.config == method.config
    query = batch().query
    assert torch.equal(again.generate(query), method.generate(query))


@pytest.mark.parametrize("settings", ["deepfashion", "market1501"])
def test_the_papers_settings(settings: str) -> None:
    config = Pg2.configure(ImageSpec(256, 256, 20, settings))
    fashion = settings == "deepfashion"
    assert (config.levels, config.likeness_weight) == ((6, 50) if fashion else (5, 10))
    assert config.batch_size == (1 if fashion else 16)
    assert (config.learning_rate, config.decay_from) == (2e-5, 1)
    assert config.first_skip is fashion
    assert make().optimizer("generator").defaults["betas"] == (0.5, 0.999)
    reduced = Pg2.settings_file(f"{settings}-cpu.toml")
    assert Pg2.configure(ImageSpec(256, 256, 20, settings), reduced).width < config.width


def test_a_size_that_cannot_be_halved_so_often_is_refused() -> None:
    narrow = ImageSpec(256, 176, 20, "deepfashion")
    with pytest.raises(UsageError, match=r"levels=6 needs a width that 32 divides, got 176"):
        Pg2.configure(narrow)
    assert Pg2.configure(narrow, {"levels": 5}).levels == 5
