"""How pairs are made: named, versioned protocols.

A protocol's name and version stand in every manifest that it made. Changing what a protocol does
makes a new version. One name may stand for two protocols, of two datasets.

The field's algorithm, which Def-GAN published and PATN and the papers after it use: keep the images
whose hips and shoulders were all found, drop Market-1501's distractors, and make all ordered pairs
within a person, persons in order of first appearance; of the test split, draw 12,000. It is the
order of the keypoint file's rows that decides which are drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from recapbench.data.manifest import Manifest, by_first_appearance, from_indices
from recapbench.data.names import DISTRACTORS
from recapbench.data.skeleton import JOINTS, MISSING
from recapbench.errors import DataError, unknown

TORSO: Final = tuple(
    JOINTS.index(name) for name in ("right_shoulder", "left_shoulder", "right_hip", "left_hip")
)
"""Joints that an image needs to be paired, where a protocol says so."""

NO_FILTER: Final = "none: made from a bare list of names, without a keypoint filter or a draw"
"""What ``made_from["filter"]`` says where a protocol that filters was given no keypoints."""


def codes_of(values: Sequence[str]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Numbers of values in order of first appearance, int64 (n,), and the different values."""
    table: dict[str, int] = {}
    firsts = np.fromiter(map(table.setdefault, values, count()), np.int64, len(values))
    codes = np.cumsum(firsts == np.arange(len(values))) - 1
    return codes[firsts], list(table)


def ordered_pairs(identities: Sequence[str]) -> npt.NDArray[np.int32]:
    """All ordered pairs of different images of one person.

    Persons come in order of first appearance; within a person the pairs come as
    ``itertools.permutations(images, 2)`` yields them, images in their given order.

    Args:
        identities: the person of each image, n of them.

    Returns:
        int32 (pairs, 2): positions of source and target.
    """
    return pairs_of_codes(codes_of(identities)[0])


def pairs_of_codes(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """As ``ordered_pairs``, of persons that are given by number, int64 (n,) of 0 upwards."""
    ranks = _ranks_by_appearance(codes)
    sizes = np.bincount(ranks)
    short = np.uint16 if len(sizes) <= 1 << 16 else np.int64  # NumPy sorts 16 bits in linear time
    order = np.argsort(ranks.astype(short), kind="stable").astype(np.int32)
    begins = np.cumsum(sizes) - sizes
    counts = sizes * (sizes - 1)
    starts = np.cumsum(counts) - counts
    rows = np.empty((int(counts.sum()), 2), np.int32)
    for size in np.unique(sizes).tolist():
        persons = np.flatnonzero(sizes == size)
        template = _permutations(size)
        places = starts[persons, None] + np.arange(len(template))
        rows[places] = order[begins[persons, None, None] + template]
    return rows


def _permutations(size: int) -> npt.NDArray[np.int64]:
    """``itertools.permutations(range(size), 2)`` as an array, int64 (size (size - 1), 2)."""
    first = np.repeat(np.arange(size), size - 1)
    second = np.tile(np.arange(size - 1), size)
    return np.stack([first, second + (second >= first)], axis=1)


def _ranks_by_appearance(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The codes renumbered so that 0, 1, 2, ... first come in this order."""
    used = by_first_appearance(codes)
    ranks = np.zeros(int(codes.max(initial=-1)) + 1, np.int64)
    ranks[used] = np.arange(len(used))
    return ranks[codes]


def count_pairs(identities: Sequence[str]) -> int:
    """How many rows ``ordered_pairs`` has: n (n - 1) for a person of n images."""
    return sum(images * (images - 1) for images in Counter(identities).values())


def sample_rows(total: int, size: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Positions of ``min(size, total)`` rows drawn without replacement.

    NumPy promises that ``RandomState`` never changes; this is the draw that
    ``DataFrame.sample(n=size, replace=False, random_state=seed)`` makes, whatever pandas does in
    later releases.
    """
    chosen = np.random.RandomState(seed).permutation(total)[: min(size, total)]
    return chosen.astype(np.int64)


class Expected(NamedTuple):
    """How many pairs a split has.

    Attributes:
        split: name of the split.
        pairs: how many.
        proven: True if made here from the public keypoint file; False if only published: a figure
            to check on the machine of a user who has the file.
    """

    split: str
    pairs: int
    proven: bool


@dataclass(frozen=True)
class Protocol:
    """How pairs are made from the images of a split.

    Attributes:
        name: short name, as in ``within_identity``.
        version: raised whenever the same images would give other pairs.
        description: one line for people.
        dataset: the one that it is for; empty for any.
        splits: names of the splits that it knows; empty for any.
        torso: keep only images whose hips and shoulders are all there.
        distractors: drop images whose names start with one of these.
        sample: how many test pairs are drawn; None keeps them all.
        sampled_splits: splits of which only a sample is kept.
        seed: of the draw.
        expected: pairs of each split, as far as they are known.
        notes: what to know before using it: which lists, who used it, traps.
    """

    name: str
    version: int
    description: str
    dataset: str = ""
    splits: tuple[str, ...] = ()
    torso: bool = False
    distractors: tuple[str, ...] = ()
    sample: int | None = None
    sampled_splits: tuple[str, ...] = ("test",)
    seed: int = 0
    expected: tuple[Expected, ...] = ()
    notes: str = ""

    @property
    def tag(self) -> str:
        """Name and version, as they stand in a manifest."""
        return f"{self.name}/{self.version}"

    def keep(
        self, names: Sequence[str], keypoints: npt.NDArray[np.floating] | None
    ) -> npt.NDArray[np.int32]:
        """Positions of the images that may stand in a pair, int32 (kept,).

        Args:
            names: images of the split, n of them.
            keypoints: (n, 18, 3) of x, y, visibility as the keypoint file has them, before any
                crop; None applies no keypoint filter.
        """
        kept = self._named(names)
        if self.torso and keypoints is not None:
            kept &= (np.asarray(keypoints)[:, TORSO, 2] > MISSING).all(axis=1)
        return np.flatnonzero(kept).astype(np.int32)

    def _named(self, names: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which images are no distractors."""
        if not self.distractors:
            return np.ones(len(names), np.bool_)
        return np.array([not name.startswith(self.distractors) for name in names], np.bool_)

    def indices(self, identities: Sequence[str], split: str) -> npt.NDArray[np.int32]:
        """Pairs of one split as positions, int32 (pairs, 2).

        Args:
            identities: the person of each image, in the split's order.
            split: name of the split; it decides whether pairs are sampled.
        """
        return self._drawn(ordered_pairs(identities), split)

    def _drawn(self, rows: npt.NDArray[np.int32], split: str) -> npt.NDArray[np.int32]:
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
        keypoints: npt.NDArray[np.floating] | None = None,
    ) -> Manifest:
        """The manifest of one split.

        A protocol that filters by joints but is given none keeps all images and all their pairs,
        undrawn, and ``made_from`` says so.

        Args:
            names: images of the split, in its order.
            identities: the person of each image.
            dataset: name of the dataset's record.
            split: name of the split.
            made_from: digests of the images and annotations.
            keypoints: (n, 18, 3) of x, y, visibility as the keypoint file has them, before any
                crop: the filter of the field speaks of whole images.

        Raises:
            DataError: if a name cannot stand in a manifest or comes twice, or if the protocol does
                not know the split.
        """
        if self.splits and split not in self.splits:
            raise DataError(
                f"protocol {self.tag} knows the splits {', '.join(self.splits)}, got {split!r}"
            )
        codes, persons = codes_of(identities)
        kept = self.keep(names, keypoints)
        rows = kept[pairs_of_codes(codes[kept])]
        if self.torso and keypoints is None:
            made_from = {**made_from, "filter": NO_FILTER}
        else:
            rows = self._drawn(rows, split)
        shown = np.zeros(len(persons), np.bool_)
        shown[codes[rows[:, 0]]] = True
        known = np.zeros(len(persons), np.bool_)
        known[codes[self._named(names)]] = True
        return from_indices(
            names,
            rows,
            dataset=dataset,
            split=split,
            protocol=self.tag,
            identities=int(shown.sum()),
            made_from=made_from,
            unpaired=[persons[code] for code in np.flatnonzero(known & ~shown).tolist()],
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

FIELD_SAMPLE: Final = 12_000
"""How many test pairs the field draws."""

DEEPFASHION_DEF_GAN: Final = Protocol(
    name="def_gan",
    version=1,
    description="Def-GAN's old split: images with hips and shoulders, all ordered pairs of one "
    "outfit; of the test split, 12,000 drawn",
    dataset="deepfashion",
    splits=("train", "test"),
    torso=True,
    sample=FIELD_SAMPLE,
    notes="Def-GAN's random split of outfits, of the first version of its paper. The later figures "
    "of the field are on def_gan_new or patn: never put them in one column.",
)
"""Def-GAN's old split of DeepFashion."""

DEEPFASHION_DEF_GAN_NEW: Final = Protocol(
    name="def_gan_new",
    version=1,
    description="Def-GAN's new split, the paper's: images with hips and shoulders, all ordered "
    "pairs of one outfit; of the test split, 12,000 drawn",
    dataset="deepfashion",
    splits=("train", "test"),
    torso=True,
    sample=FIELD_SAMPLE,
    expected=(Expected("train", 89_262, False), Expected("test", FIELD_SAMPLE, False)),
    notes="PG2's test images under Def-GAN's names. The counts are the papers'; the keypoint file "
    "of the training split was not at hand to prove them.",
)
"""Def-GAN's new split of DeepFashion, which the paper uses."""

DEEPFASHION_PATN: Final = Protocol(
    name="patn",
    version=1,
    description="PATN's own lists: images with hips and shoulders, all ordered pairs of one "
    "outfit; of the test split, at most 12,000 drawn",
    dataset="deepfashion",
    splits=("train", "test"),
    torso=True,
    sample=FIELD_SAMPLE,
    expected=(Expected("train", 101_966, False), Expected("test", 8_570, False)),
    notes="Lists train.lst and test.lst, names with prefix fashion. The counts are PATN's; the "
    "bare lists, with images without hips or shoulders too, give 154,758 and 12,860 pairs. "
    "Its test pairs are fewer than 12,000, so the draw only orders them.",
)
"""PATN's split of DeepFashion."""

MARKET_DEF_GAN: Final = Protocol(
    name="def_gan",
    version=1,
    description="Def-GAN's: images with hips and shoulders but no distractors, all ordered pairs "
    "of one person; of the test split, 12,000 drawn",
    dataset="market1501",
    splits=("train", "test"),
    torso=True,
    distractors=DISTRACTORS,
    sample=FIELD_SAMPLE,
    expected=(Expected("train", 263_632, True), Expected("test", FIELD_SAMPLE, True)),
    notes="12,116 of 12,936 training images and 12,344 of 19,732 test images are kept; 12,000 of "
    "257,198 test pairs are drawn.",
)
"""The field's split of Market-1501."""

PROTOCOLS: Final[Mapping[tuple[str, str], Protocol]] = {
    (protocol.dataset, protocol.name): protocol
    for protocol in (
        WITHIN_IDENTITY,
        LISTED,
        DEEPFASHION_DEF_GAN,
        DEEPFASHION_DEF_GAN_NEW,
        DEEPFASHION_PATN,
        MARKET_DEF_GAN,
    )
}
"""Every protocol by dataset and name; the dataset is empty for protocols of any dataset."""


def find_protocol(name: str, dataset: str = "") -> Protocol:
    """The protocol of a name, for a dataset.

    Args:
        name: of the protocol.
        dataset: name of the dataset's record; without it only protocols of any dataset are found.

    Raises:
        UsageError: if the dataset has none of that name; the nearest known one is suggested.
    """
    for key in ((dataset, name), ("", name)):
        if key in PROTOCOLS:
            return PROTOCOLS[key]
    known = [protocol for owner, protocol in PROTOCOLS if owner in ("", dataset)]
    raise unknown(f"protocol of {dataset}" if dataset else "protocol", name, known)
