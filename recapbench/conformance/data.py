"""The pairs that a method is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.datasets import DatasetRecord, find_dataset
from recapbench.data.examples import loader, training_loader
from recapbench.data.manifest import Pair
from recapbench.data.query import Batch, Query
from recapbench.data.split import Split
from recapbench.errors import UsageError
from recapbench.methods.base import ImageSpec
from recapbench.methods.find import image_spec

SPLIT: Final = "test"
SEED: Final = 0

BUILT_IN: Final = ("mannequin_street", "mannequin")
"""A data set of each image size, which is there without any download."""

Tell = Callable[[str, int, int], None]
"""Called with what is done now, how much is done, and how much there is."""


class Data:
    """Pairs of a dataset's test split, its smallest size.

    Args:
        name: of the dataset.
        count: how many pairs are given at once.
        tell: told how far rendering is.

    Raises:
        UsageError: if the dataset is unknown, or has fewer pairs.
        DataError: if it has to be prepared first.
    """

    def __init__(self, name: str, count: int, tell: Tell) -> None:
        self.record: DatasetRecord = find_dataset(name).resolved(SPLIT)
        preset = "tiny" if "tiny" in self.record.presets else None
        self.split: Split = self.record.open(
            SPLIT, preset, lambda done, total: tell("rendering persons", done, total)
        )
        self.annotations: Annotations = open_annotations(
            self.split, lambda done, total: tell("caching annotations", done, total)
        )
        self.spec: ImageSpec = image_spec(self.record)
        manifest = self.split.manifest()
        if len(manifest) < 2 * count:
            raise UsageError(
                f"--pairs: expected at most {len(manifest) // 2} of {name}, got {count}"
            )
        step = len(manifest) // count
        self.pairs: Sequence[Pair] = [manifest[index * step] for index in range(count)]
        self.others: Sequence[Pair] = [manifest[index * step + 1] for index in range(count)]

    def query(self, inputs: frozenset[str]) -> Query:
        """The pairs, with these inputs."""
        queries = loader(
            self.split, self.pairs, inputs, len(self.pairs), annotations=self.annotations
        )
        return next(iter(queries))

    def batch(self, count: int) -> Batch:
        """The first so many pairs, with the truth, for training.

        Raises:
            DataError: if the split has no label maps.
        """
        pairs = self.pairs[:count]
        return next(
            iter(training_loader(self.split, pairs, count, SEED, annotations=self.annotations))
        )
