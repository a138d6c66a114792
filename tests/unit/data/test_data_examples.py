from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recapbench.data.datasets import Split
from recapbench.data.examples import (
    TRAINING_INPUTS,
    PairDataset,
    StepSampler,
    batch_indices,
    collate,
    loader,
    training_loader,
)
from recapbench.data.pose import heatmaps, pose_mask
from recapbench.data.query import INPUTS, Batch, Query
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
