"""Features of sets: order, batches, sharing, what is kept, and networks that fail."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from recapbench import weights
from recapbench.errors import DataError, MissingWeightsError, UsageError
from recapbench.evaluation.features import cache, extractors
from recapbench.evaluation.features.extraction import forward, in_blocks
from recapbench.evaluation.features.extractors import EFFNET_LITE0, INCEPTION_TF, get_extractor
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.networks import NetworkFailure, Networks
from recapbench.processes import BLOCK


def images(n, height=16, width=12, seed=0):
    generator = np.random.default_rng(seed)
    return list(generator.integers(0, 256, (n, height, width, 3), dtype=np.uint8))


def sources(pictures):
    return [partial(np.copy, picture) for picture in pictures]


class Toy:
    """Mean and spread of each channel; remembers the shapes of its passes."""

    def __init__(self):
        self.shapes = []

    def __call__(self, batch):
        self.shapes.append(tuple(batch.shape))
        flat = batch.double().flatten(2)
        return flat.mean(2).float(), flat.std(2).float()


def expected(pictures):
    return np.stack([picture.astype(float).mean((0, 1)) for picture in pictures])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """An extractor of its own, with a file of weights, so that its features go to disk."""
    toy = Toy()
    path = tmp_path / "toy.pth"
    path.write_bytes(b"toy")
    record = replace(EFFNET_LITE0, name="toy", weights="toy", load=lambda path, device: toy)
    monkeypatch.setitem(extractors.EXTRACTORS, "toy", record)
    monkeypatch.setitem(
        weights.WEIGHTS, "toy", weights.Weights("toy", "a toy", "toy.pth", "", "none")
    )
    toy.path, toy.open = path, lambda: FeatureStore(Networks(weight_files={"toy": path}))
    return toy


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 300])
def test_every_image_counts_in_order(toy, n):
    pictures = images(n)
    got = toy.open().features("toy", sources(pictures))
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)
    assert len(got) == n
    assert got.features.dtype == got.logits.dtype == np.float32
    assert set(toy.shapes) == {(BLOCK, 3, 16, 12)}


def test_sizes_may_change_within_a_set(toy):
    pictures = images(3) + images(2, 9, 9) + images(12, 16, 12, 1)
    got = toy.open().features("toy", sources(pictures))
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)
    assert {shape[0] for shape in toy.shapes} == {BLOCK}


def test_no_images(toy):
    with pytest.raises(ValueError, match="no images"):
        toy.open().features("toy", [])


def test_repeated_images_are_computed_once(toy):
    pictures = images(3)
    order = [0, 1, 0, 2, 2, 1, 0] * 5
    got = toy.open().features("toy", sources([pictures[i] for i in order]))
    np.testing.assert_allclose(got.features, expected(pictures)[order], rtol=1e-6)
    assert len(toy.shapes) == 1


def test_a_set_is_computed_once_for_this_store_and_for_later_ones(toy):
    store, pictures = toy.open(), sources(images(20))
    first = store.features("toy", pictures)
    passes = len(toy.shapes)
    for again in (store.features("toy", pictures), toy.open().features("toy", pictures)):
        np.testing.assert_array_equal(again.features, first.features)
        np.testing.assert_array_equal(again.logits, first.logits)
    assert len(toy.shapes) == passes


def test_kept_features_are_memory_mapped(toy):
    got = toy.open().features("toy", sources(images(20)))
    assert isinstance(got.features, np.memmap)
    assert isinstance(got.logits, np.memmap)


@pytest.mark.parametrize("change", ["a pixel", "the order", "one image less", "the weights"])
def test_features_are_filed_under_what_they_depend_on(toy, change):
    """Nothing stands in for other images: names of files do not matter, pixels do."""
    pictures = images(9)
    first = toy.open().features("toy", sources(pictures))
    passes = len(toy.shapes)
    if change == "a pixel":
        pictures[4][0, 0, 0] ^= 255
    elif change == "the order":
        pictures = pictures[::-1]
    elif change == "one image less":
        pictures = pictures[:-1]
    else:
        toy.path.write_bytes(b"other weights")
    got = toy.open().features("toy", sources(pictures))
    assert len(toy.shapes) > passes
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)
    assert change == "the weights" or not np.array_equal(got.features, first.features)


def test_another_version_is_another_set(toy, monkeypatch):
    toy.open().features("toy", sources(images(3)))
    record = extractors.EXTRACTORS["toy"]
    monkeypatch.setitem(extractors.EXTRACTORS, "toy", replace(record, version=2))
    toy.open().features("toy", sources(images(3)))
    assert len(toy.shapes) == 2


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_home_that_cannot_be_written_costs_no_figure(toy, home, repeats):
    home.write_text("a file where the folder should be")
    pictures = images(11) * repeats
    with pytest.warns(RuntimeWarning, match="features stay in memory"):
        got = toy.open().features("toy", sources(pictures))
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)


def test_a_disk_that_fills_up_costs_no_figure(toy, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recapbench.evaluation.features.row_file._write_all", full)
    monkeypatch.setattr(cache, "_npy", full)
    store, pictures = toy.open(), images(30)
    with pytest.warns(RuntimeWarning, match="No space left"):
        got = store.features("toy", sources(pictures))
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)
    passes = len(toy.shapes)
    store.features("toy", sources(pictures))
    assert len(toy.shapes) == passes  # known for as long as the store is


def test_identities_go_with_the_features(toy):
    got = toy.open().features("toy", sources(images(3)), identities=["a", "b", "a"])
    assert got.identities == ("a", "b", "a")


def test_progress_counts_every_image(toy):
    seen = []
    store = toy.open()
    for _ in range(2):
        store.features(
            "toy", sources(images(19)), stage="toys", progress=lambda *step: seen.append(step)
        )
        assert ("toys: reading", 19, 19) in seen
        assert ("toys", 19, 19) in seen
        assert all(done <= total for _, done, total in seen)
        if len(seen) > 6:
            assert ("toys", 8, 19) in seen


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("which", [0, 1])
def test_features_that_are_no_numbers_name_their_image(toy, monkeypatch, bad, which):
    def broken(batch):
        outputs = Toy()(batch)
        white = (batch.flatten(1) == 255).all(1)
        outputs[which][white, 1] = bad
        return outputs

    pictures = images(21)
    pictures[13][:] = 255
    store = toy.open()
    monkeypatch.setattr(store, "network", lambda name: broken)
    with pytest.raises(NetworkFailure, match="image 14 of 22"):
        store.features("toy", sources([pictures[0], *pictures]))


def test_an_image_that_cannot_be_read_ends_the_call(toy):
    def damaged():
        raise DataError("5.png: not a readable image")

    readers = sources(images(20))
    readers[5] = damaged
    with pytest.raises(DataError, match=r"5\.png"):
        toy.open().features("toy", readers)


def test_few_images_are_decoded_at_once():
    """The reader does not run ahead of the network by more than a few blocks."""
    lock, read, taken = threading.Lock(), [0], [0]

    def call(index):
        with lock:
            read[0] += 1
            assert read[0] - taken[0] <= 4 * BLOCK
        return index

    got = []
    for block in in_blocks([partial(call, i) for i in range(200)]):
        with lock:
            taken[0] += len(block)
        got += block
    assert got == list(range(200))


def test_effnet_does_not_depend_on_its_neighbours_in_a_set():
    store, pictures = FeatureStore(), images(11, 64, 48)
    whole = store.features("effnet_lite0", sources(pictures))
    assert whole.features.shape == (11, EFFNET_LITE0.feature_dim)
    assert whole.logits.shape == (11, EFFNET_LITE0.logit_dim)
    alone = store.features("effnet_lite0", sources(pictures[9:10]))
    np.testing.assert_allclose(alone.features[0], whole.features[9], rtol=0, atol=1e-5)
    turned = store.features("effnet_lite0", sources(pictures[::-1]))
    np.testing.assert_allclose(turned.features[::-1], whole.features, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["effnet_lite0", "inception_tf"])
def test_threads_of_torch_do_not_matter(name, inception_file):
    """Processes of a launch have one thread each, a process alone has many."""
    if name == "inception_tf":
        network = INCEPTION_TF.load(inception_file, "cpu")
    else:
        network = FeatureStore().network(name)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(forward(images(8, 64, 48), network, "cpu"))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for got, first in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(got, first)


def test_missing_weights_are_looked_for_once(monkeypatch):
    store = FeatureStore()
    with pytest.raises(MissingWeightsError, match="inception_tf") as first:
        store.features("inception_tf", sources(images(1)))
    monkeypatch.setattr(weights, "locate", None)
    with pytest.raises(MissingWeightsError) as second:
        store.network("inception_tf")
    assert str(first.value) == str(second.value)


def test_a_given_file_that_is_something_else(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"not weights")
    networks = Networks(weight_files={"effnet_lite0": path})
    with pytest.raises(DataError, match=r"mine\.pth"):
        FeatureStore(networks).network("effnet_lite0")


def test_unknown_extractor():
    with pytest.raises(UsageError, match="Did you mean 'inception_tf'"):
        get_extractor("inception")
