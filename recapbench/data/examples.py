"""From pairs to batches: examples, collation, and loaders whose order depends on nothing else.

With several processes (ranks), each takes a share of the pairs, or of every training batch; no pair
is repeated to make the shares equal.

Shapes: B pairs, J = 18 joints, H x W pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from recapbench.data.annotations import Annotations, open_annotations
from recapbench.data.images import to_network
from recapbench.data.manifest import Manifest, Pair
from recapbench.data.pool import TensorPool
from recapbench.data.pose import stamp_heatmaps
from recapbench.data.query import INPUTS, Batch, Query
from recapbench.data.skeleton import NUM_JOINTS
from recapbench.data.split import Split
from recapbench.errors import DataError

T = TypeVar("T", Query, Batch)

CACHE_BYTES: Final = 1 << 30
"""How many bytes of decoded images and labels one process keeps by default."""

TRAINING_INPUTS: Final[frozenset[str]] = INPUTS - {"target_parsing"}
"""What the query of a training batch carries; the target's labels stand beside it."""

_HEATMAPS: Final = TensorPool()


@dataclass(frozen=True)
class Example:
    """One pair as stored: small types, which ``collate`` turns into what a method sees.

    Attributes:
        source: image name.
        target: image name.
        size: height and width in pixels.
        inputs: names of the query's inputs.
        arrays: images uint8 (H, W, 3), labels uint8 (H, W), joints float32 (18, 3), and for
            training the target's mask bool (H, W), by name.
        training: whether the target's image, labels and mask are among them.
    """

    source: str
    target: str
    size: tuple[int, int]
    inputs: frozenset[str]
    arrays: dict[str, npt.NDArray[Any]]
    training: bool


@dataclass
class _Recent:
    """The most recently used arrays, up to a number of bytes."""

    limit: int
    size: int = 0
    items: OrderedDict[tuple[str, str], npt.NDArray[Any]] = field(default_factory=OrderedDict)

    def get(self, key: tuple[str, str]) -> npt.NDArray[Any] | None:
        if key not in self.items:
            return None
        self.items.move_to_end(key)
        return self.items[key]

    def put(self, key: tuple[str, str], array: npt.NDArray[Any]) -> None:
        self.items[key] = array
        self.size += array.nbytes
        while self.size > self.limit:
            _, dropped = self.items.popitem(last=False)
            self.size -= dropped.nbytes


class PairDataset(Dataset[Example]):
    """The pairs of a manifest as a map-style dataset: one example each.

    Decoded images and labels are kept in memory, the least recently used dropped first.

    Args:
        split: where images and annotations come from.
        pairs: a manifest, or pairs of image names.
        inputs: what the method declares; of these alone the query is made. Training takes
            everything but ``target_parsing``, whatever is said here.
        training: also the target's image, labels and mask.
        annotations: the split's annotation cache; opened (and built) if not given.
        cache_bytes: how much to keep in memory.

    Raises:
        ValueError: if an input is unknown.
        DataError: if the manifest is of another split, or the inputs include label maps and the
            split has none.
    """

    def __init__(
        self,
        split: Split,
        pairs: Manifest | Sequence[Pair],
        inputs: Collection[str] = TRAINING_INPUTS,
        training: bool = False,
        annotations: Annotations | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        strange = sorted(set(inputs) - INPUTS)
        if strange:
            raise ValueError(f"unknown inputs {strange}; known: {sorted(INPUTS)}")
        if isinstance(pairs, Manifest):
            split.check(pairs)
        self.split = split
        self.pairs = pairs
        self.inputs = TRAINING_INPUTS if training else frozenset(inputs)
        self.training = training
        self._check_parsing()
        self.annotations = annotations or open_annotations(split)
        self._recent = _Recent(cache_bytes)

    def _check_parsing(self) -> None:
        wanted = sorted(name for name in self.inputs if name.endswith("_parsing"))
        if (wanted or self.training) and not self.split.has_parsing:
            raise DataError(
                f"split {self.split.name!r} of {self.split.record.name} in {self.split.root} has "
                f"no label maps, expected them for {', '.join(wanted) or 'training'}: prepare it "
                f"again with --parsing DIR"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_recent": _Recent(self._recent.limit)}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Example:
        source, target = self.pairs[index]
        arrays: dict[str, npt.NDArray[Any]] = {}
        for side, name in (("source", source), ("target", target)):
            whole = self.training and side == "target"
            arrays[f"{side}_keypoints"] = self.split.keypoints[self.split.position(name)]
            if f"{side}_image" in self.inputs or whole:
                arrays[f"{side}_image"] = self._read("image", name)
            if f"{side}_parsing" in self.inputs or whole:
                arrays[f"{side}_parsing"] = self._read("parsing", name)
            if whole:
                arrays["target_mask"] = self._read("mask", name)
        return Example(
            source,
            target,
            self.split.record.image_size,
            self.inputs,
            arrays,
            self.training,
        )

    def _read(self, kind: str, name: str) -> npt.NDArray[Any]:
        found = self._recent.get((kind, name))
        if found is None:
            read = {
                "image": self.split.image,
                "parsing": self.annotations.parsing,
                "mask": self.annotations.mask,
            }[kind]
            found = read(name)
            self._recent.put((kind, name), found)
        return found


def collate(examples: Sequence[Example]) -> Query | Batch:
    """Stack examples: a Batch if they are for training, else a Query of the declared inputs."""
    first = examples[0]

    def stack(name: str) -> npt.NDArray[Any]:
        return np.stack([example.arrays[name] for example in examples])

    tensors = {}
    for name in sorted(first.inputs):
        if name.endswith("_image"):
            tensors[name] = to_network(stack(name))
        elif name.endswith("_parsing"):
            tensors[name] = torch.from_numpy(stack(name)).long()
        elif name.endswith("_keypoints"):
            tensors[name] = torch.from_numpy(stack(name))
        else:
            joints = stack(name.replace("_pose", "_keypoints"))
            tensors[name], maps = _HEATMAPS.zeros((len(examples), NUM_JOINTS, *first.size))
            stamp_heatmaps(maps, joints)
    query = Query(
        tuple(example.source for example in examples),
        tuple(example.target for example in examples),
        tensors,
    )
    if not first.training:
        return query
    return Batch(
        query,
        target_image=to_network(stack("target_image")),
        target_parsing=torch.from_numpy(stack("target_parsing")).long(),
        target_mask=torch.from_numpy(stack("target_mask")).float().unsqueeze(1),
    )


def share(count: int, rank: int, world_size: int) -> range:
    """The rows of one rank: all ranks' shares in order are all rows in order.

    Shares differ by one row at most. A share is consecutive, as neighbours in a manifest are pairs
    of one person, whose images are then decoded once.

    Args:
        count: number of rows.
        rank: number of the process, from 0.
        world_size: number of processes.

    Raises:
        ValueError: if there is no such rank.
    """
    if count < 0 or not 0 <= rank < world_size:
        raise ValueError(f"expected a rank below {world_size} and rows, got rank {rank} of {count}")
    return range(count * rank // world_size, count * (rank + 1) // world_size)


def batch_indices(count: int, batch_size: int, seed: int, step: int) -> list[int]:
    """Rows of training step ``step``: a pure function of its arguments.

    The rows of all steps are one endless sequence of permutations, one an epoch; a batch may
    reach over the end of an epoch. NumPy promises that ``RandomState`` never changes.
    """
    start = step * batch_size
    chosen: list[int] = []
    while len(chosen) < batch_size:
        epoch, offset = divmod(start + len(chosen), count)
        order = _epoch(count, seed, epoch)
        chosen.extend(order[offset : offset + batch_size - len(chosen)].tolist())
    return chosen


def _epoch(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    state = np.random.RandomState([seed & 0xFFFFFFFF, epoch])
    return state.permutation(count)


class StepSampler(Sampler[list[int]]):
    """Batches of rows from a step on, without end; of each, one rank's share.

    Args:
        count: number of rows.
        batch_size: rows a step, of all ranks together.
        seed: of the permutations.
        start_step: first step, as when a run is resumed.
        rank: number of the process, from 0.
        world_size: number of processes.

    Raises:
        ValueError: if there are no rows, or fewer rows a step than ranks.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        start_step: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if count < 1 or batch_size < 1 or start_step < 0:
            raise ValueError(
                f"expected rows, a batch size and a step, got {count}, {batch_size}, {start_step}"
            )
        if batch_size < world_size:
            raise ValueError(
                f"expected a batch of at least one pair for each of {world_size} processes, "
                f"got {batch_size}"
            )
        self.count = count
        self.batch_size = batch_size
        self.seed = seed
        self.start_step = start_step
        self.share = share(batch_size, rank, world_size)

    def __iter__(self) -> Iterator[list[int]]:
        position = self.start_step * self.batch_size
        epoch, order = -1, np.empty(0, np.int64)
        while True:
            chosen: list[int] = []
            while len(chosen) < self.batch_size:
                now, offset = divmod(position, self.count)
                if now != epoch:
                    epoch, order = now, _epoch(self.count, self.seed, now)
                taken = order[offset : offset + self.batch_size - len(chosen)].tolist()
                chosen.extend(taken)
                position += len(taken)
            yield chosen[self.share.start : self.share.stop]


class Batches(Generic[T]):
    """An iterable of queries or training batches over a ``DataLoader`` of examples.

    Worker processes send examples as they are stored, and this process collates them: a query
    with its heatmaps is twenty times the bytes of what it was made from.
    """

    def __init__(self, examples: DataLoader[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[T]:
        for examples in self.examples:
            yield cast(T, collate(examples))


def loader(
    split: Split,
    pairs: Manifest | Sequence[Pair],
    inputs: Collection[str],
    batch_size: int,
    num_workers: int = 0,
    annotations: Annotations | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Batches[Query]:
    """Queries of all pairs in their own order, or of one rank's share; the last may be smaller.

    Order and content do not depend on ``batch_size`` or ``num_workers``. The ranks' pairs, one rank
    after the other, are all pairs in order (``share``).

    Raises:
        ValueError: if an input is unknown, or there is no such rank.
        DataError: if the manifest is of another split, or the inputs include label maps and the
            split has none.
    """
    dataset = PairDataset(split, pairs, inputs, training=False, annotations=annotations)
    rows = share(len(dataset), rank, world_size)
    return _loader(dataset, num_workers, batch_size=batch_size, sampler=rows)


def training_loader(
    split: Split,
    pairs: Manifest | Sequence[Pair],
    batch_size: int,
    seed: int,
    start_step: int = 0,
    num_workers: int = 0,
    annotations: Annotations | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> Batches[Batch]:
    """Training batches without end, from ``start_step`` on.

    The batch of a step is a function of the pairs, the batch size, the seed and the step alone
    (``batch_indices``), so a resumed run sees what an uninterrupted one would have seen, and
    ``world_size`` processes together see what one would: each its ``share`` of every batch.

    Raises:
        ValueError: if there are no pairs, no such rank, or fewer pairs a step than ranks.
        DataError: if the manifest is of another split, or the split has no label maps.
    """
    dataset = PairDataset(split, pairs, training=True, annotations=annotations)
    sampler = StepSampler(len(dataset), batch_size, seed, start_step, rank, world_size)
    return _loader(dataset, num_workers, batch_sampler=sampler)


def _start_worker(_: int) -> None:
    """Many threads in many workers are slower than one each."""
    torch.set_num_threads(1)


def _loader(dataset: PairDataset, num_workers: int, **options: Any) -> Batches[Any]:
    return Batches(
        DataLoader(
            dataset,
            num_workers=num_workers,
            collate_fn=list,
            worker_init_fn=_start_worker,
            persistent_workers=num_workers > 0,
            **options,
        )
    )
