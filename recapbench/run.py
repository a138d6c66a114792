"""The main job: generate the images of a manifest, save them, score what was saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from recapbench import registry
from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.manifest import Manifest
from recapbench.data.selection import select_manifest
from recapbench.data.split import Split
from recapbench.devices import choose_device
from recapbench.errors import DataError, MissingWeightsError, UsageError, unknown
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import ImageSource
from recapbench.evaluation.layout import layout_score
from recapbench.evaluation.metrics import get_metric
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.score import Score
from recapbench.generation import Generation, Progress
from recapbench.grid import run_grid
from recapbench.methods.base import LayoutMethod, Method
from recapbench.methods.contract import move_checked, open_checked, shipped_weights
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.reference import CopySource
from recapbench.methods.weights_file import read_header
from recapbench.outputs import OutputFolder
from recapbench.processes import ALONE, Processes
from recapbench.provenance import (
    seed_everything,
    sha256_file,
    source_commit,
    versions,
    write_atomic,
    write_json,
)
from recapbench.request import GRID, RESULT, VALUES, RunRequest
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Reference,
    Result,
    WeightsPart,
    read_result,
)


def run(
    request: RunRequest, progress: Progress | None = None, processes: Processes = ALONE
) -> Result:
    """Generate, save, score, and write ``result.json``, ``values.csv``, ``images/``, ``grid.png``.

    Args:
        request: what to run.
        progress: told how far it is, in the first process.
        processes: those that share the work and see the same folders; each gets the result.

    Raises:
        UsageError: for an unknown name, setting or device, or a folder that holds another run.
        DataError: for damaged data or weights.
        MissingWeightsError: if there are no weights for this method and dataset.
        StorageError: if the folder or the cache cannot be written.
    """
    report = progress if progress is not None and processes.first else _silent
    request = request.located()
    record = find_dataset(request.dataset)
    _check(request, record)
    record = record.resolved(request.split)
    device = choose_device(request.device)
    method, weights = open_method(request, record)
    seed_everything(request.seed)
    move_checked(method, device)
    split = record.open(request.split, request.preset, partial(report, "rendering persons"))
    inputs = _inputs(request, method)
    _check_inputs(inputs, method, split)
    manifest = select_manifest(split, request.preset, request.manifest)
    if request.limit is not None:
        manifest = manifest.limit(request.limit)
    annotations = open_annotations(split, partial(report, "caching annotations"))
    outputs = OutputFolder(request.out, split, manifest, isinstance(method, LayoutMethod))
    job = _Job(request, method, inputs, annotations, device, weights, outputs, processes)
    processes.once(lambda: outputs.begin(job.identity(), request.resume))
    made = Generation(
        method, inputs, annotations, outputs, device, request.batch_size, request.num_workers
    )
    seconds = made.fill(report, processes)
    return job.finish(seconds, report)


def _check(request: RunRequest, record: DatasetRecord) -> None:
    """Refuse what cannot be meant before anything is made."""
    if request.split not in record.splits:
        raise unknown(f"split of {record.name}", request.split, record.splits)
    record.preset(request.preset)
    cls = find_method(request.method)
    for name in request.metrics or ():
        get_metric(name)
    if request.target_parsing == "ground_truth" and not issubclass(cls, LayoutMethod):
        raise UsageError(f"--target-parsing ground_truth: {cls.name} takes no layout")


def _inputs(request: RunRequest, method: Method[Any]) -> frozenset[str]:
    """What a method is given."""
    given = request.target_parsing == "ground_truth"
    return method.inputs | ({"target_parsing"} if given else set())


def _check_inputs(inputs: frozenset[str], method: Method[Any], split: Split) -> None:
    """Refuse a method that reads label maps where there are none."""
    wanted = sorted(inputs & {"source_parsing", "target_parsing"})
    if wanted and not split.has_parsing:
        raise DataError(
            f"method {method.name} reads {', '.join(wanted)}, and {split.record.name} "
            f"{split.name!r} was prepared without label maps: prepare it again with --parsing DIR"
        )


def open_method(request: RunRequest, record: DatasetRecord) -> tuple[Method[Any], Path | None]:
    """The method with its weights, and the file that they came from.

    Raises:
        MissingWeightsError: naming the command that trains them.
        PluginError: if the method fails otherwise.
    """
    cls = find_method(request.method)
    spec = image_spec(record)
    weights = request.weights
    if weights is None and cls.needs_weights:
        weights = shipped_weights(cls, record.name, spec, request.overrides)
        if weights is None:
            raise MissingWeightsError(
                f"no weights of {cls.name} for {record.name} are shipped; train them with "
                f"`recapbench train --method {cls.name} --dataset {record.name} --out DIR` and "
                f"pass `--weights DIR/weights.safetensors`"
            )
    return open_checked(cls, record.name, spec, weights, request.overrides), weights


@dataclass(frozen=True)
class _Job:
    """One method on one manifest, with everything opened."""

    request: RunRequest
    method: Method[Any]
    inputs: frozenset[str]
    annotations: Annotations
    device: torch.device
    weights: Path | None
    outputs: OutputFolder
    processes: Processes

    @property
    def split(self) -> Split:
        """The images."""
        return self.outputs.split

    @property
    def manifest(self) -> Manifest:
        """The pairs."""
        return self.outputs.manifest

    def identity(self) -> dict[str, Any]:
        """What decides the pixels; a resumed run must agree with it."""
        return {
            "method": self.method.name,
            "config": self.method.config.model_dump(mode="json"),
            "weights": sha256_file(self.weights) if self.weights else None,
            "dataset": self.split.record.name,
            "split": self.split.name,
            "images": self.split.digest,
            "annotations": self.split.annotation_digest,
            "manifest": self.manifest.sha256,
            "target_parsing": self.request.target_parsing,
            "seed": self.request.seed,
        }

    def finish(self, seconds: float | None, report: Progress) -> Result:
        """Score the saved images and the reference rows; write the grid and the result."""
        networks = Networks(str(self.device), self.request.metric_weights)
        store = FeatureStore(networks, self.processes)
        images = [self.outputs.image_path(row) for row in range(len(self.manifest))]
        values: dict[str, list[float | None]] = {}
        scores = self._score(images, store, report, values)
        predicted = self.outputs.layouts and self.request.target_parsing == "predicted"
        if predicted and self.split.has_parsing:
            scores.append(self.processes.once(self._layout_score))
        references = self._references(store, report)
        return self.processes.once(lambda: self._write(scores, references, values, seconds))

    def _write(
        self,
        scores: list[Score],
        references: list[Reference],
        values: dict[str, list[float | None]],
        seconds: float | None,
    ) -> Result:
        table = PairValues(
            pairs=tuple((pair.source, pair.target) for pair in self.manifest),
            persons=tuple(self.split.identity(pair.source) for pair in self.manifest),
            metrics=values,
        )
        write_atomic(self.request.out / VALUES, table.encoded())
        write_atomic(self.request.out / GRID, run_grid(self.outputs))
        digest = self.outputs.digest()
        if seconds is None:
            seconds = _earlier_seconds(self.request.out / RESULT, digest)
        result = self._result(scores, references, seconds, digest)
        write_json(self.request.out / RESULT, result.document())
        return result

    def _score(
        self,
        images: Sequence[ImageSource],
        store: FeatureStore,
        report: Progress,
        values: dict[str, list[float | None]] | None = None,
    ) -> list[Score]:
        pairs = PairSet(
            generated=images,
            targets=[partial(self.split.image, pair.target) for pair in self.manifest],
            target_keypoints=[
                partial(self.annotations.keypoints, pair.target) for pair in self.manifest
            ],
            masks={
                "def_gan": [partial(self.annotations.mask, pair.target) for pair in self.manifest]
            },
            identities=[self.split.identity(pair.source) for pair in self.manifest],
        )
        return evaluate(
            pairs,
            metrics=self.request.metrics,
            train_images=self._train_images(report),
            store=store,
            progress=report,
            processes=self.processes,
            values=values,
        )

    def _train_images(self, report: Progress) -> list[ImageSource] | None:
        """The images of the train split, if they are wanted."""
        if not self.request.train_images:
            return None
        record = find_dataset(self.request.dataset).resolved("train")
        train = record.open(
            "train", self.request.preset, partial(report, "rendering persons of the train split")
        )
        return [partial(train.image, name) for name in train.names]

    def _layout_score(self) -> Score:
        pairs = (
            (self.outputs.layout(row), self.annotations.parsing(pair.target))
            for row, pair in enumerate(self.manifest)
        )
        return layout_score(pairs, self.split.record.parts)

    def _references(self, store: FeatureStore, report: Progress) -> list[Reference]:
        """What copying the source scores, and what the targets themselves do."""
        rows = (
            (CopySource.name, CopySource.title, [pair.source for pair in self.manifest]),
            ("real", "The target images themselves", [pair.target for pair in self.manifest]),
        )
        return [
            Reference(
                name=name,
                title=title,
                scores=self._score(
                    [partial(self.split.image, image) for image in names], store, report
                ),
            )
            for name, title, names in rows
            if name != self.method.name
        ]

    def _result(
        self,
        scores: list[Score],
        references: list[Reference],
        seconds: float | None,
        digest: str,
    ) -> Result:
        plugin = registry.find(registry.METHODS, self.method.name)
        return Result(
            origin="measured",
            method=MethodPart(
                name=self.method.name,
                title=self.method.title,
                distribution=plugin.distribution,
                config=self.method.config.model_dump(mode="json"),
                inputs=sorted(self.inputs),
                parameters=self.method.parameters,
            ),
            weights=self._weights_part(),
            dataset=DatasetPart(
                name=self.split.record.name,
                split=self.split.name,
                preset=self.split.record.preset(self.request.preset),
                images=self.split.digest,
                annotations=self.split.annotation_digest,
            ),
            manifest=ManifestPart(
                sha256=self.manifest.sha256,
                n=len(self.manifest),
                protocol=self.manifest.protocol,
                file=self.request.manifest.name if self.request.manifest else None,
            ),
            outputs=OutputsPart(sha256=digest),
            target_parsing=self.request.target_parsing,
            scores=scores,
            references=references,
            seed=self.request.seed,
            device=str(self.device),
            seconds=None if seconds is None else round(seconds, 3),
            versions=versions(),
            commit=source_commit(),
        )

    def _weights_part(self) -> WeightsPart | None:
        if self.weights is None:
            return None
        try:
            training = read_header(self.weights).training
        except DataError:  # a plugin's own format
            training = {}
        return WeightsPart(
            file=self.weights.name, sha256=sha256_file(self.weights), training=training
        )


def _earlier_seconds(record: Path, digest: str) -> float | None:
    """How long it took to generate these very images, if the folder's record of them says so."""
    if not record.is_file():
        return None
    try:
        earlier = read_result(record)
    except DataError:  # it is about to be replaced
        return None
    return earlier.seconds if earlier.outputs.sha256 == digest else None


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
