"""The main job: generate the images of a manifest, save them, score what was saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch

from recapbench import registry
from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.datasets import DatasetRecord, Split, find_dataset
from recapbench.data.examples import loader
from recapbench.data.manifest import Manifest, read_manifest, shipped_manifest
from recapbench.data.pictures import to_uint8
from recapbench.data.query import Query
from recapbench.devices import choose_device
from recapbench.errors import DataError, MissingWeightsError, UsageError, unknown
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features import FeatureStore
from recapbench.evaluation.images import ImageSource
from recapbench.evaluation.layout import layout_score
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.score import Score
from recapbench.grid import run_grid
from recapbench.methods.base import LayoutMethod, Method
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.reference import CopySource
from recapbench.methods.weights_file import read_header
from recapbench.outputs import OutputFolder
from recapbench.provenance import (
    seed_everything,
    sha256_file,
    source_commit,
    versions,
    write_atomic,
    write_json,
)
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Reference,
    Result,
    WeightsPart,
)

RESULT: Final = "result.json"
GRID: Final = "grid.png"

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much is done, and how much there is."""


@dataclass(frozen=True)
class RunRequest:
    """What to run.

    Attributes:
        method: name of a registered method.
        dataset: name of a registered dataset.
        out: folder for the outputs.
        split: which split.
        preset: size of the dataset, where it has several.
        manifest: pairs to generate; by default those shipped for the split, or its protocol's.
        limit: only the first pairs.
        weights: file of weights; by default those shipped with the method.
        overrides: settings that must differ from the method's own.
        target_parsing: let the method predict the layout, or give it the true one.
        device: where to generate; CUDA if there is one.
        batch_size: pairs generated at once.
        num_workers: processes that read the data.
        seed: for methods that draw.
        resume: keep the images that are there already.
    """

    method: str
    dataset: str
    out: Path
    split: str = "test"
    preset: str | None = None
    manifest: Path | None = None
    limit: int | None = None
    weights: Path | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    target_parsing: Literal["predicted", "ground_truth"] = "predicted"
    device: str | None = None
    batch_size: int = 4
    num_workers: int = 0
    seed: int = 0
    resume: bool = False


def run(request: RunRequest, progress: Progress | None = None) -> Result:
    """Generate, save, score, and write ``result.json``, ``images/`` and ``grid.png``.

    Raises:
        UsageError: for an unknown name, setting or device, or a folder that holds another run.
        DataError: for damaged data or weights.
        MissingWeightsError: if there are no weights for this method and dataset.
        StorageError: if the folder or the cache cannot be written.
    """
    report = progress or _silent
    record = find_dataset(request.dataset)
    _check(request, record)
    record = record.resolved(request.split)
    device = choose_device(request.device)
    method, weights = open_method(request, record)
    seed_everything(request.seed)
    method.to(device)
    split = record.open(request.split, request.preset, partial(report, "rendering persons"))
    _check_inputs(_inputs(request, method), method, split)
    manifest = choose_manifest(request, split)
    annotations = open_annotations(split, partial(report, "caching annotations"))
    outputs = OutputFolder(request.out, split, manifest, isinstance(method, LayoutMethod))
    job = _Job(request, method, split, manifest, annotations, device, weights, outputs)
    seconds = job.generate(report)
    return job.finish(seconds, report)


def _check(request: RunRequest, record: DatasetRecord) -> None:
    """Refuse what cannot be meant before anything is made."""
    if request.split not in record.splits:
        raise unknown(f"split of {record.name}", request.split, record.splits)
    record.preset(request.preset)
    cls = find_method(request.method)
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
    """
    cls = find_method(request.method)
    spec = image_spec(record)
    weights = request.weights
    if weights is None and cls.needs_weights:
        cls.configure(spec, request.overrides)
        weights = cls.shipped_weights(record.name)
        if weights is None:
            raise MissingWeightsError(
                f"no weights of {cls.name} for {record.name} are shipped; train them with "
                f"`recapbench train --method {cls.name} --dataset {record.name} --out DIR` and "
                f"pass `--weights DIR/weights.safetensors`"
            )
    return cls.open(record.name, spec, weights, request.overrides), weights


def choose_manifest(request: RunRequest, split: Split) -> Manifest:
    """The pairs of a run: a file's, the shipped ones, or what the dataset's protocol makes.

    Shipped manifests belong to the default preset alone.
    """
    record = split.record
    path = request.manifest
    if path is None and record.preset(request.preset) == record.default_preset:
        path = shipped_manifest(record.name, request.split)
    manifest = split.manifest() if path is None else read_manifest(path)
    split.check(manifest)
    return manifest if request.limit is None else manifest.limit(request.limit)


@dataclass(frozen=True)
class _Job:
    """One method on one manifest, with everything opened."""

    request: RunRequest
    method: Method[Any]
    split: Split
    manifest: Manifest
    annotations: Annotations
    device: torch.device
    weights: Path | None
    outputs: OutputFolder

    @property
    def inputs(self) -> frozenset[str]:
        """What the method is given."""
        return _inputs(self.request, self.method)

    def identity(self) -> dict[str, Any]:
        """What decides the pixels; a resumed run must agree with it."""
        return {
            "method": self.method.name,
            "config": self.method.config.model_dump(mode="json"),
            "weights": sha256_file(self.weights) if self.weights else None,
            "dataset": self.split.record.name,
            "split": self.split.name,
            "manifest": self.manifest.sha256,
            "target_parsing": self.request.target_parsing,
            "seed": self.request.seed,
        }

    def generate(self, report: Progress) -> float:
        """Save every output that is not there yet; returns the seconds that it took."""
        self.outputs.begin(self.identity(), self.request.resume)
        rows = self.outputs.missing()
        total = len(self.manifest)
        began = time.monotonic()
        queries = loader(
            self.split,
            [self.manifest[row] for row in rows],
            self.inputs,
            self.request.batch_size,
            self.request.num_workers,
            self.annotations,
        )
        made = (output for query in queries for output in self._outputs(query.to(self.device)))
        for count, (row, (image, layout)) in enumerate(zip(rows, made, strict=True), start=1):
            self.outputs.save(row, image, layout)
            report("generating", total - len(rows) + count, total)
        return time.monotonic() - began

    def _outputs(self, query: Query) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Images uint8 (H,W,3), each with its layout uint8 (H,W) if there is one.

        On the CPU the pairs of a batch go through the method one by one: convolution kernels are
        chosen by batch size there, so the last bits, and now and then a grey level, would depend
        on it.
        """
        for part in query.split() if self.device.type == "cpu" else [query]:
            layouts: list[np.ndarray | None] = [None] * len(part)
            if isinstance(self.method, LayoutMethod):
                images, labels = self.method.generate_with_layout(part)
                layouts = list(labels.to(torch.uint8).cpu().numpy())
            else:
                images = self.method.generate(part)
            self._check_output(images, len(part))
            yield from zip(to_uint8(images), layouts, strict=True)

    def _check_output(self, images: torch.Tensor, count: int) -> None:
        """Validate a method's output at the boundary."""
        expected = (count, 3, *self.split.record.image_size)
        if tuple(images.shape) != expected:
            raise DataError(
                f"method {self.method.name!r} returned images of shape {tuple(images.shape)}, "
                f"expected {expected}"
            )
        if not torch.isfinite(images).all():
            raise DataError(f"method {self.method.name!r} returned values that are not finite")

    def finish(self, seconds: float, report: Progress) -> Result:
        """Score the saved images and the reference rows; write the grid and the result."""
        store = FeatureStore(Networks(device=str(self.device)))
        images = [self.outputs.image_path(row) for row in range(len(self.manifest))]
        scores = self._score(images, store, report)
        predicted = self.outputs.layouts and self.request.target_parsing == "predicted"
        if predicted and self.split.has_parsing:
            scores.append(self._layout_score())
        references = self._references(store, report)
        write_atomic(self.request.out / GRID, run_grid(self.outputs))
        result = self._result(scores, references, seconds)
        write_json(self.request.out / RESULT, result.document())
        return result

    def _score(
        self, images: Sequence[ImageSource], store: FeatureStore, report: Progress
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
        return evaluate(pairs, store=store, progress=report)

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

    def _result(self, scores: list[Score], references: list[Reference], seconds: float) -> Result:
        point = registry.available(registry.METHODS)[self.method.name]
        return Result(
            origin="measured",
            method=MethodPart(
                name=self.method.name,
                title=self.method.title,
                distribution=_distribution(point),
                config=self.method.config.model_dump(mode="json"),
                inputs=sorted(self.inputs),
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
                file=str(self.request.manifest) if self.request.manifest else None,
            ),
            outputs=OutputsPart(sha256=self.outputs.digest()),
            target_parsing=self.request.target_parsing,
            scores=scores,
            references=references,
            seed=self.request.seed,
            device=str(self.device),
            seconds=round(seconds, 3),
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


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "unknown"


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
