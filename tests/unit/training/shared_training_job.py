"""Trainings for one or two real processes: ``python shared_training_job.py FOLDER NAME...``.

Every process runs the named cases in folders of its own, of which only the first one's may come to
be, and then writes all its weights into a file beside each.

In float64 rounding is too small to hide a fault: what differs there by more than rounding differs
for a reason. The library computes in float32, so float64 is slipped in underneath it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from recapbench.data.query import Batch, Query
from recapbench.errors import RecapbenchError
from recapbench.processes import Processes, open_processes
from recapbench.training.loop import Trainer
from recapbench.training.start import TrainingRequest, open_trainer

STEPS = 6
SETTINGS = {
    "width": 4,
    "geometry_width": 4,
    "discriminator_width": 4,
    "residual_blocks": 1,
    "self_pairs": 0.5,
    "ground_truth_layout": 0.5,
    "perceptual": "effnet_lite0",
}
FACTS = {"steps": STEPS, "seed": 3, "checkpoint_every": 2, "log_every": 2, "sample_every": 3}


@dataclass(frozen=True)
class Case:
    """One training.

    Attributes:
        pairs: of a step.
        passes: of a step.
        double: in float64.
        adversarial: with the discriminators.
        held: without moving spectral norm's vectors, which otherwise move once a pass.
    """

    pairs: int = 4
    passes: int = 1
    double: bool = True
    adversarial: bool = True
    held: bool = False

    @property
    def settings(self) -> dict[str, object]:
        """Settings of the method."""
        start = 0.0 if self.adversarial else 1.0
        return SETTINGS | {"batch_size": self.pairs, "adversarial_start": start}


PLAIN = Case(double=False)
CASES = {
    "plain": PLAIN,
    "three": Case(pairs=3),
    "four in two passes": Case(passes=2, held=True),
    "one pass": Case(double=False, adversarial=False),
    "two passes": Case(double=False, adversarial=False, passes=2),
    "held, one pass": Case(pairs=3, adversarial=False, held=True),
    "held, two passes": Case(pairs=3, adversarial=False, held=True, passes=2),
    "held, two passes of both sides": Case(pairs=3, held=True, passes=2),
    "held, three passes of both sides": Case(pairs=3, held=True, passes=3),
}
DISAGREE = "different seeds"
SHARED = ("plain", "three", "four in two passes")
"""The cases of two processes; a single process runs all."""


def request(out: Path, case: Case = PLAIN, **changes: object) -> TrainingRequest:
    """Six steps with all that is drawn."""
    facts = FACTS | {"precision": "fp32", "device": "cpu", "preset": "tiny"} | changes
    names = "sat_lgr", "mannequin_street"
    return TrainingRequest(*names, out, overrides=case.settings, passes=case.passes, **facts)  # type: ignore[arg-type]


def options(case: Case = PLAIN) -> list[str]:
    """The same for the command line."""
    settings = [f"--set={key}={value}" for key, value in case.settings.items()]
    facts = [f"--{key.replace('_', '-')}={value}" for key, value in FACTS.items()]
    names = ["--method=sat_lgr", "--dataset=mannequin_street", "--preset=tiny"]
    return ["train", *names, "--precision=fp32", "--device=cpu", *facts, *settings]


def place(folder: Path, name: str, count: int = 1, rank: int = 0) -> Path:
    """Folder of one process's training."""
    return folder / f"{name}, {rank} of {count}"


@contextmanager
def float64() -> Iterator[None]:
    """Have everything that asks for float32 get float64."""
    single, narrow = torch.float32, torch.Tensor.float
    torch.set_default_dtype(torch.float64)
    torch.float32, torch.Tensor.float = torch.float64, torch.Tensor.double  # type: ignore[misc, method-assign]
    try:
        yield
    finally:
        torch.float32, torch.Tensor.float = single, narrow  # type: ignore[misc, method-assign]
        torch.set_default_dtype(torch.float32)


def widen(trainer: Trainer) -> None:
    """Give a trainer its heatmaps in float64; its pictures have it already."""
    real = trainer._parts

    def parts(batch: Batch) -> Iterator[Batch]:
        for part in real(batch):
            query, pose = part.query, part.query.target_pose.double()
            tensors = {name: query[name] for name in query.inputs} | {"target_pose": pose}
            yield replace(part, query=Query(query.source_names, query.target_names, tensors))

    trainer._parts = parts  # type: ignore[method-assign]


def hold(trainer: Trainer) -> None:
    """Keep spectral norm's vectors as they are."""
    for side in trainer.sides.values():
        for module in side.modules():
            if hasattr(module, "n_power_iterations"):
                module.n_power_iterations = 0  # type: ignore[assignment]


def train(out: Path, case: Case, processes: Processes) -> Trainer:
    """A training from its first to its last step."""
    trainer = open_trainer(request(out, case), processes=processes)
    if case.double:
        widen(trainer)
    if case.held:
        hold(trainer)
    trainer.run()
    return trainer


def run(out: Path, case: Case, processes: Processes) -> None:
    """Train, and write the weights of both sides with spectral norm's vectors."""
    if case.double:
        with float64():
            trainer = train(out, case, processes)
    else:
        trainer = train(out, case, processes)
    states = {side: module.state_dict() for side, module in trainer.sides.items()}
    tensors = {
        f"{side}.{key}": t.contiguous() for side in states for key, t in states[side].items()
    }
    save_file(tensors, out.with_suffix(".safetensors"))


def disagree(out: Path, processes: Processes) -> None:
    """Write what open_trainer says to processes of different seeds."""
    try:
        open_trainer(request(out, seed=processes.rank), processes=processes)
    except RecapbenchError as error:
        out.with_suffix(".txt").write_text(f"{type(error).__name__}: {error}")


def main(folder: Path, names: list[str]) -> None:
    processes = open_processes()
    for name in names:
        out = place(folder, name, processes.count, processes.rank)
        if name == DISAGREE:
            disagree(out, processes)
        else:
            run(out, CASES[name], processes)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
