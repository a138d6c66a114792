"""How pairs are made: named, versioned protocols.

A protocol's name and version stand in every manifest that it made. Changing what a protocol does
makes a new version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recapbench.data.manifest import Manifest, from_indices
from recapbench.errors import unknown


def ordered_pairs(identities: Sequence[str]) -> npt.NDArray[np.int64]:
    """All ordered pairs of different images of one person.

    Persons come in order of first appearance; within a person the pairs come as
    ``itertools.permutations(images, 2)`` yields them, images in their given order.

    Args:
        identities: the person of each image, n of them.

    Returns:
        int64 (pairs, 2): positions of source and target.
    """
    table: dict[str, int] = {}
    codes = np.array([table.setdefault(name, len(table)) for name in identities], dtype=np.int64)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=len(table))
    per_image = np.repeat(sizes, sizes)
    begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
    within = np.arange(len(codes)) - begins
    repeats = per_image - 1
    sources = np.repeat(np.arange(len(codes)), repeats)
    first = np.repeat(np.cumsum(repeats) - repeats, repeats)
    steps = np.arange(len(sources)) - first
    targets = begins[sources] + steps + (steps >= within[sources])
    return np.stack([order[sources], order[targets]], axis=1)


def sample_rows(total: int, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Positions of ``min(count, total)`` rows drawn without replacement.

    NumPy promises that ``RandomState`` never changes; this is the draw that
    ``DataFrame.sample(n=count, replace=False, random_state=seed)`` makes, whatever pandas does in
    later releases.
    """
    chosen = np.random.RandomState(seed).permutation(total)[: min(count, total)]
    return chosen.astype(np.int64)


@dataclass(frozen=True)
class Protocol:
    """How pairs are made from the images of a split.

    Attributes:
        name: short name, as in ``within_identity``.
        version: raised whenever the same images would give other pairs.
        description: one line for people.
        sample: how many test pairs are drawn; None keeps them all.
        sampled_splits: splits of which only a sample is kept.
        seed: of the draw.
    """

    name: str
    version: int
    description: str
    sample: int | None = None
    sampled_splits: tuple[str, ...] = ("test",)
    seed: int = 0

    @property
    def tag(self) -> str:
        """Name and version, as they stand in a manifest."""
        return f"{self.name}/{self.version}"

    def indices(self, identities: Sequence[str], split: str) -> npt.NDArray[np.int64]:
        """Pairs of one split as positions, int64 (pairs, 2).

        Args:
            identities: the person of each image, in the split's order.
            split: name of the split; it decides whether pairs are sampled.
        """
        rows = ordered_pairs(identities)
        if self.sample is None or split not in self.sampled_splits:
            return rows
        return rows[sample_rows(len(rows), self.sample, self.seed)]

    def manifest(
        self,
        names: Sequence[str],
        identities: Sequence[str],
        *,
        dataset: str,
        split: str,
        made_from: Mapping[str, str],
    ) -> Manifest:
        """The manifest of one split.

        Args:
            names: images of the split, in its order.
            identities: the person of each image.
            dataset: name of the dataset's record.
            split: name of the split.
            made_from: digests of the images and annotations.

        Raises:
            DataError: if a name cannot stand in a manifest.
        """
        rows = self.indices(identities, split)
        return from_indices(
            names,
            rows,
            dataset=dataset,
            split=split,
            protocol=self.tag,
            identities=len({identities[image] for image in rows[:, 0].tolist()}),
            made_from=made_from,
        )


WITHIN_IDENTITY: Final = Protocol(
    name="within_identity",
    version=1,
    description="all ordered pairs of one person's images; of the test split, 500 drawn",
    sample=500,
)
"""The protocol of the built-in sets."""

LISTED: Final = Protocol(
    name="listed",
    version=1,
    description="the pairs that the split itself lists, such as an edit's before and after",
)
"""The protocol of splits that come with pairs of their own."""

PROTOCOLS: Final[Mapping[str, Protocol]] = {
    protocol.name: protocol for protocol in (WITHIN_IDENTITY, LISTED)
}


def find_protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        UsageError: if it is unknown; the nearest known one is suggested.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]
