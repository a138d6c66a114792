"""One training step of sat_lgr, before and after, and where it goes: ``python bench_step.py``.

256x256 pictures of the built-in set, two pairs a step, every loss of equation (18), one thread.

- ``before``: float32, contiguous maps and weights, SAT as one dense attention under a mask;
- ``after``: what `recapbench train` does: bfloat16 (autocast), channels last, SAT by segments.

Both sides take the same steps from the same weights, in turn, by CPU time; the goal is a ratio of
medians of at least 2. With ``--profile`` the table of the parts is followed by the operations that
take longest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest.mock import patch

import torch
from bench_sat import dense
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from recapbench.data.datasets import find_dataset
from recapbench.data.examples import training_loader
from recapbench.data.query import Batch
from recapbench.methods.find import image_spec
from recapbench.methods.sat_lgr import appearance, discriminators, method, sat
from recapbench.methods.sat_lgr.method import SatLgr
from recapbench.methods.weights_file import read_header

DATASET: Final = "mannequin"
PAPER: Final = {"self_pairs": 0.0, "coarse_loss": 1, "adversarial_start": 0.0}
SIZES: Final[dict[str, dict[str, Any]]] = {
    "shipped": {},
    "wide": {"width": 48, "geometry_width": 48, "geometry_stride": 1, "discriminator_width": 48},
}
"""Settings over those of the shipped weights."""
PARTS: Final = (
    "loading",
    "geometry",
    "encoders",
    "SAT",
    "LGR",
    "decoder",
    "discriminators",
    "perceptual",
    "other losses and maps",
    "backward of the generator",
    "backward of the discriminators",
    "optimisers",
)


@dataclass
class Clock:
    """CPU seconds by part; a part that runs within another one's time is not counted twice."""

    seconds: dict[str, float] = field(default_factory=dict)
    inside: list[float] = field(default_factory=list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self.inside.append(0.0)
        start = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self.inside.pop()
            if self.inside:
                self.inside[-1] += took

    def watch(self, name: str, module: nn.Module) -> None:
        """Count a module's forward passes."""
        forward = module.forward

        def counted(*arguments: Any) -> Any:
            with self.part(name):
                return forward(*arguments)

        module.forward = counted


@dataclass
class Side:
    """A way of taking steps: the model, its optimisers, and how it computes."""

    model: SatLgr
    optimizers: dict[str, torch.optim.Optimizer]
    fast: bool
    clock: Clock

    def step(self, batch: Batch, progress: float = 0.5) -> dict[str, Tensor]:
        """One step as the trainer takes it."""
        torch.manual_seed(0)
        with self.as_it_computes(), self.clock.part("other losses and maps"):
            return self.model.training_step(batch, progress, self.update)

    def update(self, side: str, loss: Tensor) -> None:
        self.optimizers[side].zero_grad(set_to_none=True)
        with torch.autocast("cpu", enabled=False):
            with self.clock.part(f"backward of the {side}{'s' * (side == 'discriminator')}"):
                loss.backward()
            with self.clock.part("optimisers"):
                self.optimizers[side].step()

    @contextmanager
    def as_it_computes(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self.fast:
                stack.enter_context(torch.autocast("cpu", torch.bfloat16))
            else:
                for module in (appearance, discriminators, method):
                    stack.enter_context(patch.object(module, "as_map", torch.Tensor.contiguous))
                for module in (appearance, method):
                    stack.enter_context(patch.object(module, "one_hot", contiguous_one_hot))
                stack.enter_context(patch.object(sat, "segment_attention", dense))
            yield


def contiguous_one_hot(labels_BHW: Tensor, parts: int) -> Tensor:
    return nn.functional.one_hot(labels_BHW, parts).permute(0, 3, 1, 2).float().contiguous()


def side(settings: dict[str, Any], fast: bool) -> Side:
    """The model with the first of its weights, its parts watched."""
    torch.manual_seed(0)
    spec = image_spec(find_dataset(DATASET))
    model = SatLgr(SatLgr.configure(spec, settings), spec)
    optimizers = {}
    for name, module in model.sides().items():
        layout = torch.channels_last if fast else torch.contiguous_format
        module.to(memory_format=layout).train()
        optimizers[name] = model.optimizer(name)
    clock = Clock()
    network, judges = model.generator.appearance, model.discriminators
    for name, watched in (
        ("geometry", [model.generator.geometry]),
        ("encoders", [network.source_encoder, network.target_encoder]),
        ("SAT", [network.sat]),
        ("LGR", [network.lgr]),
        ("decoder", [network]),
        ("discriminators", [judges.layout, judges.pose, judges.identity]),
        ("perceptual", [model.perceptual]),
    ):
        for module in watched:
            clock.watch(name, module)
    return Side(model, optimizers, fast, clock)


def settings(size: str) -> dict[str, Any]:
    """The settings of the shipped weights with the paper's losses, at one of the sizes."""
    weights = SatLgr.shipped_weights(DATASET)
    assert weights is not None
    return read_header(weights).config | PAPER | SIZES[size]


def batches(count: int) -> Iterator[Batch]:
    split = find_dataset(DATASET).open("train")
    yield from training_loader(split, split.manifest(), count, seed=0)


def measure(size: str, rounds: int) -> None:
    """Steps of both sides in turn; prints the ratio and the parts."""
    sides = {"before": side(settings(size), False), "after": side(settings(size), True)}
    stream = batches(sides["after"].model.batch_size)
    taken: dict[str, list[float]] = {name: [] for name in sides}
    loading = Clock()
    for round_ in range(rounds + 1):
        with loading.part("loading"):
            batch = next(stream)
        found = {}
        for name, one in sides.items():
            taken[name].append(cpu_time(lambda: found.update({name: one.step(batch)})))  # noqa: B023
        if not round_:
            compare(found)
            loading.seconds.clear()
            for name, one in sides.items():
                taken[name].clear()
                one.clock.seconds.clear()
    report(size, sides, taken, loading, rounds)


def cpu_time(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def compare(found: dict[str, dict[str, Tensor]]) -> None:
    """The losses of the first step, which both sides take from the same weights."""
    rows = [
        f"{name} {float(before):.4f} / {float(found['after'][name]):.4f}"
        for name, before in found["before"].items()
    ]
    print(f"  losses before / after: {', '.join(rows)}")


def report(
    size: str,
    sides: dict[str, Side],
    taken: dict[str, list[float]],
    loading: Clock,
    rounds: int,
) -> None:
    config = sides["after"].model.config
    middle = {name: statistics.median(values) for name, values in taken.items()}
    print(
        f"{size}: width {config.width}, batch {config.batch_size}: before {middle['before']:.2f} "
        f"s, after {middle['after']:.2f} s a step, ratio {middle['before'] / middle['after']:.2f} "
        f"(goal 2)"
    )
    print(f"  {'part':<32}{'before s':>10}{'after s':>10}{'share':>8}{'ratio':>8}")
    whole = sum(sides["after"].clock.seconds.values()) / rounds
    for part in PARTS:
        before, after = (
            (loading if part == "loading" else one.clock).seconds.get(part, 0.0) / rounds
            for one in sides.values()
        )
        print(
            f"  {part:<32}{before:>10.3f}{after:>10.3f}{after / whole:>8.1%}"
            f"{before / max(after, 1e-9):>8.2f}"
        )


def largest(size: str, fast: bool, rows: int = 18) -> None:
    """The operations that take longest in a step."""
    one = side(settings(size), fast)
    batch = next(batches(one.model.batch_size))
    one.step(batch)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        one.step(batch)
    table = profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=rows)
    print("\n".join(line[:120] for line in table.splitlines()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=SIZES, help="one size")
    parser.add_argument("--profile", action="store_true", help="also the largest operations")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for size in [options.size] if options.size else SIZES:
        measure(size, options.rounds)
        if options.profile:
            largest(size, True)


if __name__ == "__main__":
    main()
