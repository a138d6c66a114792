"""EfficientNet-Lite0: it classifies, and its maps and gradients are as promised."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from torch.nn import functional

from recapbench import weights
from recapbench.errors import DataError
from recapbench.networks.efficientnet import (
    STRIDES,
    EfficientNetLite0,
    load_efficientnet_lite0,
    normalise,
)


@pytest.fixture(scope="module")
def network():
    return load_efficientnet_lite0(weights.locate(weights.EFFNET_LITE0))


def photograph(name, side=224):
    image = torch.from_numpy(getattr(data, name)().copy()).permute(2, 0, 1)[None].float()
    image = functional.interpolate(image, (side, side), mode="bilinear", antialias=True)
    return normalise(image)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        pytest.param("chelsea", 285, id="Egyptian cat"),
        pytest.param("coffee", 967, id="espresso"),
    ],
)
def test_it_classifies(network, name, index):
    features, logits = network(photograph(name))
    assert features.shape == (1, 1280)
    assert logits.softmax(1)[0].argmax() == index
    assert logits.softmax(1)[0].max() > 0.5


@pytest.mark.parametrize(("height", "width"), [(224, 224), (256, 176), (128, 64), (97, 33)])
def test_maps(network, height, width):
    maps = network.feature_maps(torch.rand(2, 3, height, width), STRIDES)
    shapes = {stride: tuple(found.shape) for stride, found in maps.items()}
    channels = {2: 16, 4: 24, 8: 40, 16: 112, 32: 320}
    assert shapes == {
        s: (2, channels[s], -(-height // s), -(-width // s)) for s in (2, 4, 8, 16, 32)
    }


def test_maps_are_the_same_one_by_one(network):
    x = torch.rand(1, 3, 64, 64)
    maps = network.feature_maps(x, STRIDES)
    for stride in STRIDES:
        torch.testing.assert_close(network.features_at(x, stride), maps[stride])
    torch.testing.assert_close(network.head(maps[32]).mean((2, 3)), network(x)[0])
    with pytest.raises(ValueError, match="strides are some of"):
        network.features_at(x, 3)


def test_frozen_with_gradients_to_the_input(network):
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    network.train()
    assert not any(module.training for module in network.modules())
    network.features_at(x, 8).square().mean().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("content", [b"", b"no zip archive", None])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "other.pth"
    if content is None:
        torch.save(dict(list(EfficientNetLite0().state_dict().items())[:-1]), path)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"other\.pth: expected the weights of EfficientNet-Lite0"):
        load_efficientnet_lite0(path)
