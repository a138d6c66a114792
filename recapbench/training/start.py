"""From a request to a trainer: dataset, pairs, method, plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.devices import choose_device
from recapbench.errors import DataError, UsageError
from recapbench.methods.base import TrainableMethod
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.weights_file import read_header
from recapbench.processes import ALONE, Processes
from recapbench.provenance import sha256_file
from recapbench.training.folder import TrainingPlan
from recapbench.training.loop import Trainer
from recapbench.training.precision import best_precision
from recapbench.training.validation import Validation


@dataclass(frozen=True)
class TrainingRequest:
    """What to train; see the options of `recapbench train`."""

    method: str
    dataset: str
    out: Path
    steps: int
    preset: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    precision: str = "auto"
    device: str | None = None
    num_workers: int = 0
    checkpoint_every: int = 200
    sample_every: int = 500
    log_every: int = 10
    resume: bool = False
    init: Path | None = None
    passes: int = 1
    config: str | None = None
    command: str = ""


def open_trainer(
    request: TrainingRequest,
    progress: Callable[[str, int, int], None] | None = None,
    processes: Processes = ALONE,
) -> Trainer:
    """A trainer at its first step, or at its checkpoint if the run is resumed.

    Args:
        request: what to train.
        progress: told how far rendering is, in the first process.
        processes: those that share every step.

    Raises:
        UsageError: for an unknown name or setting, a method that cannot be trained, or a folder
            that holds a run already.
        DataError: if a run cannot be resumed from the folder.
    """
    report = progress if progress is not None and processes.first else _silent
    made: list[Trainer] = []
    processes.together(lambda: made.append(_make(request, report, processes)))
    (trainer,) = made
    if request.resume:
        trainer.resume()
    else:
        trainer.start()
    return trainer


def _make(
    request: TrainingRequest,
    report: Callable[[str, int, int], None],
    processes: Processes,
) -> Trainer:
    """The trainer, which has not looked into its folder yet."""
    record, cls, config = choose_method(request)
    split = record.open("train", request.preset, partial(report, "rendering persons"))
    manifest = split.manifest()
    torch.manual_seed(request.seed)
    method = cls(config, image_spec(record))
    init = None if request.init is None else _initialise(method, request.init)
    plan = TrainingPlan(
        method=request.method,
        dataset=record.name,
        preset=record.preset(request.preset),
        data=split.digest,
        manifest=manifest.sha256,
        pairs=len(manifest),
        config=config.model_dump(mode="json"),
        steps=request.steps,
        seed=request.seed,
        precision=_precision(request),
        passes=request.passes,
        init=init,
        command=request.command,
    )
    return Trainer(
        method,
        plan,
        split,
        manifest,
        request.out,
        num_workers=request.num_workers,
        checkpoint_every=request.checkpoint_every,
        sample_every=request.sample_every,
        log_every=request.log_every,
        device=request.device,
        validation=_validation(record, request, report) if request.sample_every else None,
        processes=processes,
    )


def choose_method(
    request: TrainingRequest,
) -> tuple[DatasetRecord, type[TrainableMethod[Any]], Any]:
    """The dataset, the method and its settings, before any picture is read.

    Raises:
        UsageError: for an unknown name or setting, or a method that cannot be trained.
        DataError: for a dataset that has not been prepared.
    """
    record = find_dataset(request.dataset).resolved("train")
    cls = find_method(request.method)
    if not issubclass(cls, TrainableMethod):
        raise UsageError(f"method {request.method!r} cannot be trained")
    spec = image_spec(record)
    named = {} if request.config is None else cls.named_settings(spec, request.config)
    return record, cls, cls.configure(spec, named | request.overrides)


def _initialise(method: TrainableMethod[Any], path: Path) -> dict[str, Any]:
    """Start from trained weights, of whatever dataset, if they are of the method's settings.

    Returns:
        What the plan says of them.

    Raises:
        DataError: if they are damaged, of another method, or of other shapes.
    """
    header = read_header(path)
    if header.method != method.name:
        raise DataError(f"weights {path}: expected method {method.name}, got {header.method}")
    method.load(path)
    return {
        "sha256": sha256_file(path),
        "dataset": header.dataset,
        "config": header.config,
        "training": header.training,
    }


def _precision(request: TrainingRequest) -> Any:
    if request.precision != "auto":
        return request.precision
    return best_precision(choose_device(request.device))


def _validation(
    record: DatasetRecord, request: TrainingRequest, report: Callable[[str, int, int], None]
) -> Validation:
    """Pairs of persons of the test split."""
    stage = "rendering test persons"
    return Validation.of(record.open("test", request.preset, partial(report, stage)))


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
