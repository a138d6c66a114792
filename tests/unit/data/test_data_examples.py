from __future__ import annotations

import dataclasses
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.examples import (
    TRAINING_INPUTS,
    PairDataset,
    StepSampler,
    batch_indices,
    collate,
    loader,
    share,
    training_loader,
)
from recapbench.data.pose import heatmaps, pose_mask
from recapbench.data.query import INPUTS, Batch, Query
from recapbench.data.split import Split
from recapbench.errors import DataError

SHAPES = {
    "image": (3, 256, 256),
    "keypoints": (18, 3),
    "pose": (18, 256, 256),
    "parsing": (256, 256),
}


def digest(batches: Any) -> list[tuple[str, float]]:
    return [
        (name, float(query["source_image"].double().sum()))
        for batch in batches
        for query in batch.split()
        for name in query.target_names
    ]


def test_query_holds_what_was_declared_and_no_more(split: Split) -> None:
    pairs = split.manifest()
    query = collate([PairDataset(split, pairs, {"source_image", "target_pose"})[i] for i in (0, 1)])
    assert isinstance(query, Query)
    assert query.inputs == {"source_image", "target_pose"}
    assert query.source_names == (pairs[0].source, pairs[1].source)
    with pytest.raises(KeyError, match="not declared"):
        _ = query.target_parsing


def test_values_are_those_of_the_split(split: Split) -> None:
    pairs = split.manifest()
    query = next(iter(loader(split, pairs, INPUTS, batch_size=3)))
    assert query.inputs == INPUTS
    for name in INPUTS:
        kind = name.split("_")[1]
        assert query[name].shape == (3, *SHAPES[kind])
        assert query[name].dtype == (torch.int64 if kind == "parsing" else torch.float32)
    pair = pairs[2]
    target = split.annotation(pair.target)
    np.testing.assert_array_equal(query.target_keypoints[2], target.keypoints)
    np.testing.assert_array_equal(query.target_parsing[2], target.parsing)
    np.testing.assert_array_equal(query.target_pose[2], heatmaps(target.keypoints, (256, 256)))
    expected = split.image(pair.source).transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(query.source_image[2], expected, atol=1e-6)


def test_training_batch_holds_the_truth_beside_the_query(split: Split) -> None:
    pairs = split.manifest()
    batch = next(iter(training_loader(split, pairs, 2, seed=1)))
    assert isinstance(batch, Batch)
    assert batch.query.inputs == TRAINING_INPUTS
    assert batch.target_image.shape == (2, 3, 256, 256)
    assert batch.target_parsing.dtype == torch.int64
    assert batch.target_mask.shape == (2, 1, 256, 256)
    name = batch.query.target_names[0]
    mask = pose_mask(split.annotation(name).keypoints, (256, 256))
    np.testing.assert_array_equal(batch.target_mask[0, 0], mask)
    expected = split.image(name).transpose(2, 0, 1) / 127.5 - 1
    np.testing.assert_allclose(batch.target_image[0], expected, atol=1e-6)


def test_order_depends_on_the_pairs_alone(split: Split) -> None:
    pairs = split.manifest()
    whole = digest(loader(split, pairs, {"source_image"}, batch_size=24))
    assert [name for name, _ in whole] == [pair.target for pair in pairs]
    assert digest(loader(split, pairs, {"source_image"}, batch_size=5, num_workers=2)) == whole
    assert len(list(loader(split, pairs, {"source_image"}, batch_size=5))) == 5


def test_training_resumes_at_any_step(split: Split) -> None:
    pairs = split.manifest()

    def names(start: int, steps: int, workers: int = 0) -> list[tuple[str, ...]]:
        batches = training_loader(split, pairs, 5, 7, start, workers)
        return [
            batch.query.source_names + batch.query.target_names
            for batch in itertools.islice(batches, steps)
        ]

    whole = names(0, 12)
    assert names(9, 3) == whole[9:]
    assert names(4, 4, workers=2) == whole[4:8]


@given(st.integers(1, 40), st.integers(1, 50), st.integers(-3, 2**40), st.integers(0, 30))
def test_a_step_is_a_pure_function(count: int, size: int, seed: int, step: int) -> None:
    rows = batch_indices(count, size, seed, step)
    assert len(rows) == size
    assert rows == next(iter(StepSampler(count, size, seed, step)))
    stream = itertools.chain.from_iterable(StepSampler(count, size, seed))
    assert rows == list(itertools.islice(stream, step * size, (step + 1) * size))


def test_an_epoch_is_every_pair_once() -> None:
    stream = list(itertools.islice(itertools.chain.from_iterable(StepSampler(10, 4, 3)), 30))
    epochs = [stream[start : start + 10] for start in (0, 10, 20)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 3
    assert epochs[0] != epochs[1]


def test_memory_is_bounded(split: Split) -> None:
    image = 256 * 256 * 3
    data = PairDataset(split, split.manifest(), {"source_image"}, cache_bytes=2 * image)
    for index in range(len(data)):
        _ = data[index]
    assert data._recent.size <= 2 * image
    assert len(data._recent.items) == 2
    copy = pickle.loads(pickle.dumps(data))
    assert copy._recent.size == 0
    np.testing.assert_array_equal(copy[0].arrays["source_image"], data[0].arrays["source_image"])


def test_bad_arguments(split: Split) -> None:
    with pytest.raises(ValueError, match=r"unknown inputs \['target_image'\]"):
        PairDataset(split, split.manifest(), {"target_image"})
    with pytest.raises(ValueError, match="expected rows"):
        training_loader(split, [], 2, 0)
    with pytest.raises(DataError, match="no image 'x'"):
        _ = PairDataset(split, [("x", "y")], {"source_image"})[0]  # type: ignore[list-item]


@given(st.integers(0, 200), st.integers(1, 20))
def test_shares_are_all_rows_in_order(count: int, world_size: int) -> None:
    shares = [share(count, rank, world_size) for rank in range(world_size)]
    assert [row for part in shares for row in part] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 4, 7, 24])
def test_ranks_together_see_every_pair_once(split: Split, world_size: int, count: int) -> None:
    pairs = list(split.manifest())[:count]
    whole = digest(loader(split, pairs, {"source_image"}, batch_size=count))
    ranks = [
        digest(loader(split, pairs, {"source_image"}, 2, rank=rank, world_size=world_size))
        for rank in range(world_size)
    ]
    assert [line for lines in ranks for line in lines] == whole
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_ranks_share_every_training_batch(split: Split, world_size: int) -> None:
    pairs = split.manifest()

    def steps(rank: int, of: int, start: int = 0, workers: int = 0) -> list[list[tuple[str, str]]]:
        batches = training_loader(split, pairs, 7, 3, start, workers, rank=rank, world_size=of)
        return [
            list(zip(batch.query.source_names, batch.query.target_names, strict=True))
            for batch in itertools.islice(batches, 6)
        ]

    whole = steps(0, 1)
    ranks = [steps(rank, world_size) for rank in range(world_size)]
    for step, pairs_of_step in enumerate(whole):
        assert [pair for rank in ranks for pair in rank[step]] == pairs_of_step
        sizes = [len(rank[step]) for rank in ranks]
        assert max(sizes) - min(sizes) <= 1
    last = world_size - 1
    assert steps(last, world_size, start=2, workers=1)[:4] == ranks[last][2:]


def test_batches_do_not_share_memory_while_they_live(split: Split) -> None:
    pairs = list(split.manifest())[:6]
    poses = [query.target_pose for query in loader(split, pairs, {"target_pose"}, 2)]
    for pose, pair in zip(torch.cat(poses), pairs, strict=True):
        joints = split.annotation(pair.target).keypoints
        np.testing.assert_array_equal(pose, heatmaps(joints, (256, 256)))


def test_a_changed_batch_does_not_change_the_next(split: Split) -> None:
    pairs = [split.manifest()[0]] * 5
    for query in loader(split, pairs, {"target_pose"}, 1):
        joints = split.annotation(pairs[0].target).keypoints
        np.testing.assert_array_equal(query.target_pose[0], heatmaps(joints, (256, 256)))
        query.target_pose.add_(1.0)


def test_label_maps_that_are_not_there(split: Split) -> None:
    bare = dataclasses.replace(
        split,
        entries=tuple(
            entry._replace(labels="", labels_sha256="", labels_pixels="") for entry in split.entries
        ),
    )
    pairs = list(split.manifest())
    query = next(iter(loader(bare, pairs, {"source_image", "target_pose"}, 2)))
    assert query.inputs == {"source_image", "target_pose"}
    with pytest.raises(DataError, match=r"has no label maps, expected them for source_parsing"):
        loader(bare, pairs, {"source_image", "source_parsing"}, 2)
    with pytest.raises(DataError, match="has no label maps"):
        training_loader(bare, pairs, 2, 0)


def test_ranks_that_make_no_sense(split: Split) -> None:
    pairs = split.manifest()
    for rank, world_size in ((-1, 2), (2, 2), (0, 0)):
        with pytest.raises(ValueError, match="expected a rank below"):
            loader(split, pairs, {"source_image"}, 2, rank=rank, world_size=world_size)
    with pytest.raises(ValueError, match="at least one pair for each of 3 processes"):
        training_loader(split, pairs, 2, 0, world_size=3)
