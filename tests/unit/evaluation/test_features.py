"""Features: order, batches, sharing, and weights that are not there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recapbench.errors import DataError, MissingWeightsError, UsageError
from recapbench.evaluation import features
from recapbench.evaluation.features import (
    BATCH_SIZE,
    EFFNET_LITE0,
    FeatureStore,
    extract,
    get_extractor,
)


def images(n, height=16, width=12, seed=0):
    generator = np.random.default_rng(seed)
    return list(generator.integers(0, 256, (n, height, width, 3), dtype=np.uint8))


class Toy:
    """Mean and spread of each channel; counts its passes and remembers their shapes."""

    def __init__(self):
        self.shapes = []

    def __call__(self, batch):
        self.shapes.append(tuple(batch.shape))
        flat = batch.double().flatten(2)
        return flat.mean(2).float(), flat.std(2).float()


def expected(pictures):
    return np.stack([p.astype(float).mean((0, 1)) for p in pictures])


@pytest.fixture
def toy_store(monkeypatch):
    toy = Toy()
    store = FeatureStore()
    monkeypatch.setattr(store, "network", lambda name: toy)
    return store, toy


@pytest.mark.parametrize("n", [1, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 1, 3 * BATCH_SIZE + 5])
def test_every_image_counts_in_order(n):
    toy, pictures = Toy(), images(n)
    got = extract(iter(pictures), toy)
    np.testing.assert_allclose(got.features, expected(pictures), rtol=1e-6)
    assert got.features.dtype == got.logits.dtype == np.float32
    assert set(toy.shapes) == {(BATCH_SIZE, 3, 16, 12)}


def test_sizes_may_change_within_a_set():
    pictures = images(3) + images(2, 9, 9) + images(12, 16, 12, 1)
    np.testing.assert_allclose(extract(pictures, Toy()).features, expected(pictures), rtol=1e-6)


def test_no_images():
    with pytest.raises(ValueError, match="no images"):
        extract([], Toy())


def test_repeated_images_are_computed_once(toy_store):
    store, toy = toy_store
    pictures = images(3)
    order = [0, 1, 0, 2, 2, 1, 0] * 5
    got = store.features("effnet_lite0", [pictures[i] for i in order])
    np.testing.assert_allclose(got.features, expected(pictures)[order], rtol=1e-6)
    assert len(toy.shapes) == 1


def test_kept_features_are_not_computed_again(toy_store):
    store, toy = toy_store
    first = store.features("effnet_lite0", images(20), keep=True)
    passes = len(toy.shapes)
    again = store.features("effnet_lite0", [*images(20), *images(1, seed=5)], keep=True)
    np.testing.assert_array_equal(again.features[:20], first.features)
    assert len(toy.shapes) == passes + 1


def test_generated_features_are_not_kept(toy_store):
    store, toy = toy_store
    for _ in range(2):
        store.features("effnet_lite0", images(5))
    assert len(toy.shapes) == 2


def test_features_are_filed_under_pixels(toy_store):
    store, _ = toy_store
    store.features("effnet_lite0", images(4), keep=True)
    other = images(4, seed=1)
    got = store.features("effnet_lite0", other, keep=True)
    np.testing.assert_allclose(got.features, expected(other), rtol=1e-6)


def test_effnet_does_not_depend_on_neighbours():
    store, pictures = FeatureStore(), images(11, 64, 48)
    whole = store.features("effnet_lite0", pictures)
    assert whole.features.shape == (11, EFFNET_LITE0.feature_dim)
    assert whole.logits.shape == (11, EFFNET_LITE0.logit_dim)
    assert np.isfinite(whole.features).all()
    alone = store.features("effnet_lite0", pictures[9:10])
    np.testing.assert_allclose(alone.features[0], whole.features[9], rtol=0, atol=1e-5)
    turned = store.features("effnet_lite0", pictures[::-1])
    np.testing.assert_allclose(turned.features[::-1], whole.features, rtol=0, atol=1e-5)


def test_missing_weights_are_looked_for_once(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")
    store = FeatureStore()
    with pytest.raises(MissingWeightsError, match="inception_tf") as first:
        store.features("inception_tf", images(1))
    monkeypatch.setattr(features.weights, "locate", None)
    with pytest.raises(MissingWeightsError) as second:
        store.network("inception_tf")
    assert str(first.value) == str(second.value)


def test_a_given_file_that_is_something_else(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"not weights")
    with pytest.raises(DataError, match=r"mine\.pth"):
        FeatureStore(weight_files={"effnet_lite0": path}).network("effnet_lite0")


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory):
    """torch-fidelity's Inception with random weights: its layout without its download."""
    from unittest import mock

    from torch_fidelity import feature_extractor_inceptionv3 as theirs

    torch.manual_seed(0)
    cls = theirs.FeatureExtractorInceptionV3
    with (
        mock.patch.object(theirs, "load_state_dict_from_url", return_value={}),
        mock.patch.object(cls, "load_state_dict"),
    ):
        network = cls("inception-v3-compat", ["2048", "logits_unbiased"])
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.3)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(network.state_dict(), path)
    return path, network


def test_inception_is_torch_fidelitys(inception_file):
    path, theirs = inception_file
    pictures = images(3, 64, 48)
    got = extract(pictures, features.INCEPTION_TF.load(path, "cpu"))
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    with torch.no_grad():
        pooled, logits = theirs(batch)
    scale = float(pooled.abs().max())
    np.testing.assert_allclose(got.features, pooled.numpy(), rtol=0, atol=1e-5 * scale)
    scale = float(logits.abs().max())
    np.testing.assert_allclose(got.logits, logits.numpy(), rtol=0, atol=1e-5 * scale)


def test_inception_refuses_a_file_that_runs_code(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (print, ("code ran while weights were read",))

    path = tmp_path / "bomb.pth"
    torch.save({"fc.weight": Bomb()}, path)
    with pytest.raises(DataError, match=r"bomb\.pth"):
        features.INCEPTION_TF.load(path, "cpu")


def test_unknown_extractor():
    with pytest.raises(UsageError, match="Did you mean 'inception_tf'"):
        get_extractor("inception")
