"""A record that is to be filed, and everything that it must fulfil before it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.manifest import Manifest, from_pairs
from recapbench.data.split import Split
from recapbench.errors import DataError
from recapbench.evaluation.base import KeypointMetric, SetMetric
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.networks import POSE_ESTIMATOR
from recapbench.evaluation.pair_values import PairValues
from recapbench.leaderboard.outputs import FindImages, Outputs, Progress, beside_record
from recapbench.leaderboard.soundness import score_problems, value_problems, values_beside
from recapbench.leaderboard.vouched import Installation, claims, is_whole
from recapbench.provenance import sha256_file
from recapbench.request import VALUES
from recapbench.results import DatasetPart, Result, read_result

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_TAKEN: Final = ("compare", "real", "source", "target")
"""What tables and pages call something else than a method."""


@dataclass(frozen=True)
class Candidate:
    """A record to be filed, of a run or of images that were only scored.

    Attributes:
        path: its file.
        result: the record.
        values: of its single pairs.
    """

    path: Path
    result: Result
    values: PairValues

    @property
    def dataset(self) -> DatasetRecord:
        """The data set's record.

        Raises:
            DataError: if the result is of no data set.
            UsageError: if it is not registered.
        """
        return find_dataset(self._part.name)

    @property
    def _part(self) -> DatasetPart:
        if self.result.dataset is None:
            raise DataError(f"{self.path}: expected the name of a dataset, got none")
        return self.result.dataset

    @property
    def manifest(self) -> Manifest:
        """The pairs."""
        return from_pairs(
            self.values.pairs,
            dataset=self.dataset.name,
            split=self._part.split,
            protocol=self.result.manifest.protocol,
            identities=len(set(self.values.persons)),
            where=str(self.path.parent / VALUES),
        )

    def check(self, here: Installation, partial_list: bool) -> None:
        """Refuse a record that does not belong on a board.

        Args:
            here: the installation whose files it may vouch for.
            partial_list: whether it may be of pairs that are no whole list that others have.

        Raises:
            DataError: saying everything that is wrong.
            UsageError: if the data set is not registered.
        """
        wrong = list(self._problems(here, partial_list))
        if wrong:
            raise DataError("\n".join(f"{self.path}: {problem}" for problem in wrong))

    def _problems(self, here: Installation, partial_list: bool) -> Iterator[str]:
        result = self.result
        if result.origin != "measured":
            yield f"expected origin measured, got {result.origin}"
        yield from _name_problems(result.method.name)
        if any(score.failed for score in result.scores):
            failed = [score.name for score in result.scores if score.failed]
            yield f"expected figures that did not fail, got {', '.join(failed)}"
        if self.dataset and not partial_list and not is_whole(result, here):
            yield (
                f"expected a whole list of pairs that comes with the package or has a lock there, "
                f"got {result.manifest.n} pairs of {result.manifest.protocol or 'no protocol'}: "
                f"leave out --limit and --manifest, or add --partial"
            )
        yield from _digest_problems(self._part)
        if not result.generated_here:
            yield from _own_problems(result)
        yield from score_problems(result)
        yield from value_problems(result, self.values)
        for claim in claims(result, here):
            if claim.sha256 not in (None, sha256_file(here.path(claim.name))):
                yield f"{claim.name} is not what the record was made with"

    def outputs(self, find: FindImages | None, progress: Progress) -> Outputs:
        """Its images, found to be those of the record.

        Args:
            find: finds them; by default they lie beside the record, as a run saves them.
            progress: told how far it is.

        Raises:
            DataError: if the data set here is not the one of the record or has other persons, or
                the images are missing or others.
        """
        split, manifest = self._split(progress), self.manifest
        self._check_persons(split)
        images = (
            beside_record(self.path.parent, split, manifest)
            if find is None
            else find(manifest.pairs)
        )
        outputs = Outputs(split, manifest, images)
        outputs.check(self.result.outputs.sha256, self.path, progress)
        return outputs

    def _check_persons(self, split: Split) -> None:
        """Intervals of differences rest on who is in which pair."""
        rows = zip(self.values.pairs, self.values.persons, strict=True)
        for line, ((source, _), person) in enumerate(rows, start=2):
            if split.identity(source) != person:
                raise DataError(
                    f"{self.path.parent / VALUES}: line {line}: expected person "
                    f"{split.identity(source)!r} of {source}, got {person!r}"
                )

    def _split(self, progress: Progress) -> Split:
        """The data set's images, found to be those of the record."""
        part = self._part
        split = self.dataset.resolved(part.split).open(
            part.split, part.preset or None, partial(progress, "opening the dataset")
        )
        if part.images != split.digest:
            raise DataError(f"{self.path}: expected images {split.digest}, got {part.images}")
        if part.annotations != split.annotation_digest:
            raise DataError(
                f"{self.path}: expected annotations {split.annotation_digest}, "
                f"got {part.annotations}"
            )
        return split


def read_candidate(path: Path) -> Candidate:
    """A record with the values beside it.

    Raises:
        DataError: if one is missing or malformed.
    """
    return Candidate(path, read_result(path), values_beside(path))


def _name_problems(name: str) -> Iterator[str]:
    hint = "give it another one, of scored images with --label"
    if not _SLUG.fullmatch(name):
        yield f"expected a method's name of small letters, digits and _.-, got {name!r}: {hint}"
    if name in _TAKEN:
        yield f"expected a method's name other than {', '.join(_TAKEN)}, got {name!r}: {hint}"


def _digest_problems(part: DatasetPart) -> Iterator[str]:
    """Images of a folder that only has a data set's names."""
    for what, digest in (("images", part.images), ("annotations", part.annotations)):
        if digest is None:
            yield (
                f"expected {what} by digest, got None: score with --dataset {part.name} and "
                f"without --images"
            )


def _own_problems(result: Result) -> Iterator[str]:
    """Figures of scored images that also depend on files which the record does not tell."""
    for score in result.scores:
        metric = METRICS.get(score.name)
        if score.value is None:
            continue
        if isinstance(metric, SetMetric) and metric.real == "train_images":
            yield (
                f"{score.name} is against a folder of train images that the record does not tell: "
                f"score without --train-images"
            )
        if isinstance(metric, KeypointMetric) and score.extractor != POSE_ESTIMATOR:
            yield (
                f"{score.name}: expected joints found by {POSE_ESTIMATOR}, got {score.extractor}: "
                f"score without --generated-keypoints and --pose-estimator"
            )
