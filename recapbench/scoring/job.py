"""Score a folder of images that somebody generated: the job behind `recapbench score`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recapbench.devices import choose_device
from recapbench.errors import DataError
from recapbench.evaluation.evaluate import Progress, evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import ImageSource
from recapbench.evaluation.metrics import get_metric
from recapbench.evaluation.networks import POSE_ESTIMATOR, Networks
from recapbench.evaluation.pair_values import PairValues
from recapbench.evaluation.pairs import KeypointSource, PairSet
from recapbench.evaluation.pose.estimators import get_estimator
from recapbench.evaluation.score import Explanation, Score
from recapbench.methods.reference import CopySource
from recapbench.processes import ALONE, Processes
from recapbench.provenance import source_commit, versions
from recapbench.results import (
    DatasetPart,
    ManifestPart,
    MethodPart,
    OutputsPart,
    Reference,
    Result,
)
from recapbench.scoring.explain import Joints, explain
from recapbench.scoring.folder import list_images
from recapbench.scoring.inspection import Inspection, inspect
from recapbench.scoring.kept import check_out, keep
from recapbench.scoring.task import DatasetFacts, Inputs, Task, open_task

REAL: Final = "real"


@dataclass(frozen=True, kw_only=True)
class ScoreRequest:
    """What to score, and how.

    Attributes:
        inputs: where the images are.
        metrics: names; None for every metric.
        train_images: folder of the train images, for figures that compare with them.
        weight_files: name of a record of weights -> a file for it.
        pose_estimator: name of the one that finds joints in the generated images.
        allow_lossy: take generated images in JPEG and the like, with a note.
        explain: also say why figures differ.
        device: where networks run; CUDA if there is one.
        label: name of the method in the record; by default that of the folder.
        out: new folder for the result, and for the values of single pairs where it is known
            which pairs they are.
    """

    inputs: Inputs
    metrics: tuple[str, ...] | None = None
    train_images: Path | None = None
    weight_files: Mapping[str, Path] = field(default_factory=dict)
    pose_estimator: str = POSE_ESTIMATOR
    allow_lossy: bool = False
    explain: bool = False
    device: str | None = None
    label: str | None = None
    out: Path | None = None


def score(
    request: ScoreRequest, progress: Progress | None = None, processes: Processes = ALONE
) -> Result:
    """Score the images of a folder; keep the result if a folder for it is named.

    Args:
        request: what to score.
        progress: told how far it is, in the first process.
        processes: those that share the work and see the same folders; each gets the result.

    Raises:
        UsageError: for an unknown name, options that contradict each other, a folder for the
            result that lies among images or holds one, or a device that is not there.
        DataError: for images that are missing, superfluous, damaged, of another kind or size.
        StorageError: if the result cannot be written.
    """
    report = progress if progress is not None and processes.first else _silent
    opened: list[_Job] = []
    processes.together(lambda: opened.append(_open(request, report, processes)))
    return opened[0].run()


def _open(request: ScoreRequest, report: Progress, processes: Processes) -> _Job:
    """Find everything that the request names."""
    _check(request)
    device = str(choose_device(request.device))
    train = None if request.train_images is None else list_images(request.train_images)
    task = open_task(request.inputs, report)
    networks = Networks(device, request.weight_files, request.pose_estimator)
    store = FeatureStore(networks, processes)
    return _Job(request, task, train, store, device, report, processes)


def _check(request: ScoreRequest) -> None:
    """Refuse what cannot be meant before anything is read."""
    for name in request.metrics or ():
        get_metric(name)
    get_estimator(request.pose_estimator)
    for name, file in request.weight_files.items():
        if not file.is_file():
            raise DataError(f"weights {name!r}: there is no file {file}")
    if request.out is not None:
        inputs = request.inputs
        folders = (inputs.generated, inputs.targets, inputs.images, request.train_images)
        check_out(request.out, folders)


@dataclass(frozen=True)
class _Job:
    """A request with everything opened."""

    request: ScoreRequest
    task: Task
    train_images: Sequence[Path] | None
    store: FeatureStore
    device: str
    report: Progress
    processes: Processes

    def run(self) -> Result:
        """Look at the images, score them and the references, and keep the record."""
        seen = inspect(
            self.task,
            allow_lossy=self.request.allow_lossy,
            progress=self.report,
            processes=self.processes,
        )
        pairs = self._pairs(self.task.generated, self.task.generated_keypoints)
        values: dict[str, list[float | None]] = {}
        scores = self._scores(pairs, values)
        references = self._references(seen)
        explanations = self._explanations(pairs, scores) if self.request.explain else []

        def kept() -> Result:
            result = self._result(seen, scores, references, explanations)
            if self.request.out is not None:
                keep(self.request.out, result, self._table(pairs, values))
            return result

        return self.processes.once(kept)

    def _pairs(
        self, images: Sequence[ImageSource], found: Sequence[KeypointSource] | None = None
    ) -> PairSet:
        task = self.task
        return PairSet(
            generated=images,
            targets=task.targets,
            target_keypoints=task.target_keypoints,
            masks=task.masks,
            generated_keypoints=found,
            identities=task.identities,
            lossy=True,  # whether they may be was settled when they were looked at
        )

    def _scores(
        self, pairs: PairSet, values: dict[str, list[float | None]] | None = None
    ) -> list[Score]:
        return evaluate(
            pairs,
            metrics=self.request.metrics,
            train_images=self.train_images,
            store=self.store,
            progress=self.report,
            processes=self.processes,
            values=values,
        )

    def _table(self, pairs: PairSet, values: dict[str, list[float | None]]) -> PairValues | None:
        """The values of single pairs; None where files were paired by their name."""
        names = self.task.pairs
        if names is None:
            return None
        persons = tuple(pairs.identity(index) for index in range(len(names)))
        return PairValues(pairs=names, persons=persons, metrics=values)

    def _references(self, seen: Inspection) -> list[Reference]:
        """What copying the source scores, if it is known, and what the targets themselves do."""
        rows = []
        if self.task.sources is not None and seen.sources_fit:
            rows.append((CopySource.name, CopySource.title, self.task.sources))
        rows.append((REAL, "The target images themselves", self.task.targets))
        return [
            Reference(name=name, title=title, scores=self._scores(self._pairs(images)))
            for name, title, images in rows
        ]

    def _explanations(self, pairs: PairSet, scores: list[Score]) -> list[Explanation]:
        return explain(
            pairs,
            scores,
            joints=Joints(target=self.task.target_keypoints, source=self.task.source_keypoints),
            files=self.task.files,
            store=self.store,
            progress=self.report,
            processes=self.processes,
        )

    def _result(
        self,
        seen: Inspection,
        scores: list[Score],
        references: list[Reference],
        explanations: list[Explanation],
    ) -> Result:
        task, label = self.task, self.request.label
        label = self.request.inputs.generated.resolve().name if label is None else label
        notes = [*task.notes, *seen.notes()]
        if task.sources is not None and not seen.sources_fit:
            notes.append("no row copy_source: sources have another size than their targets")
        opened = task.dataset is not None and task.dataset.images is not None
        return Result(
            origin="measured",
            method=MethodPart(name=label, title=label),
            weights=None,
            dataset=_dataset_part(task.dataset),
            manifest=ManifestPart(
                sha256=task.sha256,
                n=len(task),
                protocol=task.protocol,
                file=task.manifest.name if task.manifest is not None else None,
            ),
            outputs=OutputsPart(sha256=seen.outputs),
            targets=None if opened else OutputsPart(sha256=seen.targets),
            target_parsing=None,
            scores=scores,
            references=references,
            notes=notes,
            explanations=explanations,
            seed=None,
            device=self.device,
            seconds=None,
            versions=versions(),
            commit=source_commit(),
        )


def _dataset_part(facts: DatasetFacts | None) -> DatasetPart | None:
    if facts is None:
        return None
    return DatasetPart(
        name=facts.name,
        split=facts.split,
        preset=facts.preset,
        images=facts.images,
        annotations=facts.annotations,
    )


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
