"""What is in a list of pairs, and what several lists share: leaks between splits as figures.

A pair across persons, a self pair, a duplicate or a distractor is a flaw of the list. What two
lists share is a leak if one is for training and one for testing. Persons are as ``names`` has them:
a person of DeepFashion is an outfit; its item id, colour left out, counts within gender and
category. Pictures are compared by their place in the official layout, so that a list with Def-GAN's
names and one with PATN's can be compared.

An image without a partner stands in no pair. Its person belongs to the split all the same; a
manifest's header names such persons, so that the audit speaks of the whole split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from recapbench.data.manifest import Manifest
from recapbench.data.names import ImageName, is_distractor, item_of, knows_names, parse_name
from recapbench.data.protocols import codes_of
from recapbench.errors import DataError


@dataclass(frozen=True)
class Summary:
    """What is in one list of pairs.

    Attributes:
        file: where it came from, for the report.
        dataset: whose images it names.
        split: name of the split; empty where the file does not say.
        protocol: tag of what made it; empty where the file does not say.
        pairs: rows.
        images: that occur in pairs.
        persons: whom the pairs show.
        unpaired_persons: of the split whom no pair shows.
        across_persons: pairs of two different persons.
        self_pairs: pairs of an image with itself.
        duplicates: rows that repeat an earlier one.
        distractors: images of no named person (Market-1501).
        items: item ids that the pairs show (DeepFashion), else None.
    """

    file: str
    dataset: str
    split: str
    protocol: str
    pairs: int
    images: int
    persons: int
    unpaired_persons: int
    across_persons: int
    self_pairs: int
    duplicates: int
    distractors: int
    items: int | None


@dataclass(frozen=True)
class Shared:
    """What two lists of one dataset share.

    Attributes:
        files: the two.
        pairs: rows in both.
        images: pictures that occur in pairs of both.
        persons: of both splits, whether in a pair or not.
        persons_in_pairs: of these, how many the pairs of both show.
        outfits: as ``persons`` where a person is an outfit (DeepFashion), else None.
        items: item ids of both splits (DeepFashion), else None.
        items_in_pairs: of these, how many the pairs of both show.
        examples: the first few shared item ids or, without items, persons.
    """

    files: tuple[str, str]
    pairs: int
    images: int
    persons: int
    persons_in_pairs: int
    outfits: int | None
    items: int | None
    items_in_pairs: int | None
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """Summaries of lists, and what every two of one dataset share."""

    files: tuple[Summary, ...]
    between: tuple[Shared, ...]


def audit(manifests: Sequence[tuple[str, Manifest]]) -> Audit:
    """Audit lists of pairs, each with the name of its file.

    Raises:
        DataError: if a name is not of its dataset, naming file and image, or if a dataset's names
            are not known here.
    """
    lists = [_List(file, manifest) for file, manifest in manifests]
    return Audit(
        tuple(_summary(one) for one in lists),
        tuple(
            _shared(one, other)
            for one, other in combinations(lists, 2)
            if one.manifest.dataset == other.manifest.dataset
        ),
    )


class _List:
    """A list of pairs with what its names say."""

    def __init__(self, file: str, manifest: Manifest) -> None:
        if not knows_names(manifest.dataset):
            raise DataError(
                f"{file}: how {manifest.dataset!r} names its images is not known here, so its "
                f"persons cannot be told"
            )
        self.file = file
        self.manifest = manifest
        self.names = _parse(file, manifest)
        self.persons = {name.person for name in self.names}
        self.all_persons = self.persons | set(manifest.unpaired)

    @property
    def has_items(self) -> bool:
        return self.manifest.dataset == "deepfashion"

    def items(self, persons: set[str]) -> set[str]:
        return {item_of(self.manifest.dataset, person) for person in persons}

    def pairs(self) -> set[tuple[str, str]]:
        raws = [name.raw for name in self.names]
        return {(raws[a], raws[b]) for a, b in self.manifest.indices.tolist()}


def _parse(file: str, manifest: Manifest) -> tuple[ImageName, ...]:
    """What the names say; an error names the first row of the file with the bad one."""
    found = []
    for position, name in enumerate(manifest.names):
        try:
            found.append(parse_name(manifest.dataset, name))
        except DataError as error:
            row = int(np.argmax((manifest.indices == position).any(axis=1))) + 1
            raise DataError(f"{file}: row {row}: {error}") from error
    return tuple(found)


def _summary(one: _List) -> Summary:
    manifest = one.manifest
    codes, _ = codes_of([name.person for name in one.names])
    images, _ = codes_of([name.raw for name in one.names])
    rows = images[manifest.indices]
    persons = codes[manifest.indices]
    keys = rows[:, 0] * max(len(images), 1) + rows[:, 1]
    market = manifest.dataset == "market1501"
    return Summary(
        file=one.file,
        dataset=manifest.dataset,
        split=manifest.split,
        protocol=manifest.protocol,
        pairs=len(manifest),
        images=len(manifest.names),
        persons=len(one.persons),
        unpaired_persons=len(one.all_persons - one.persons),
        across_persons=int((persons[:, 0] != persons[:, 1]).sum()),
        self_pairs=int((rows[:, 0] == rows[:, 1]).sum()),
        duplicates=len(keys) - len(np.unique(keys)),
        distractors=sum(is_distractor(name.name) for name in one.names) if market else 0,
        items=len(one.items(one.persons)) if one.has_items else None,
    )


def _shared(one: _List, other: _List) -> Shared:
    def both(of: Callable[[_List], set[str]]) -> set[str]:
        return of(one) & of(other)

    persons = both(lambda x: x.all_persons)
    items = both(lambda x: x.items(x.all_persons)) if one.has_items else None
    return Shared(
        files=(one.file, other.file),
        pairs=len(one.pairs() & other.pairs()),
        images=len(both(lambda x: {name.raw for name in x.names})),
        persons=len(persons),
        persons_in_pairs=len(both(lambda x: x.persons)),
        outfits=len(persons) if one.has_items else None,
        items=None if items is None else len(items),
        items_in_pairs=len(both(lambda x: x.items(x.persons))) if one.has_items else None,
        examples=tuple(sorted(persons if items is None else items)[:5]),
    )
