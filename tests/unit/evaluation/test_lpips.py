"""LPIPS against the lpips package, with random weights in torchvision's layout: no download."""

from __future__ import annotations

import hashlib
import urllib.request
from dataclasses import replace
from types import SimpleNamespace

import lpips as package
import numpy as np
import pytest
import torch
import torchvision
from skimage import data

from recapbench import weights
from recapbench.errors import DataError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.lpips import ALEX, VGG, Lpips
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import Pair, PairSet

BUILDERS = {"alex": "alexnet", "vgg": "vgg16"}
NETWORKS = {"alex": ALEX, "vgg": VGG}


def features(net):
    with torch.device("meta"):
        return getattr(torchvision.models, BUILDERS[net])(weights=None).features


def random_state(net):
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in features(net).state_dict().items():
        fan_in = tensor[0].numel() if tensor.ndim > 1 else 4
        scale = (2 / fan_in) ** 0.5
        state[f"features.{name}"] = scale * torch.randn(tensor.shape, generator=generator)
    state["classifier.6.bias"] = torch.zeros(1000)
    return state


@pytest.fixture(scope="session")
def backbones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backbones")
    for net in BUILDERS:
        torch.save(random_state(net), folder / f"{net}.pth")
    return {net: folder / f"{net}.pth" for net in BUILDERS}


def ours(net, path):
    return Lpips(NETWORKS[net], path, weights.locate(weights.get(NETWORKS[net].linear)))


@pytest.fixture
def oracle(monkeypatch):
    """`lpips.LPIPS(net=...)` as it comes, but torchvision gives it the weights of this file."""

    def build(net, path):
        layers = features(net)
        state = torch.load(path, weights_only=True)
        layers.load_state_dict(
            {
                name.removeprefix("features."): tensor
                for name, tensor in state.items()
                if name.startswith("features.")
            },
            assign=True,
        )
        torchvision_ = SimpleNamespace(
            **{BUILDERS[net]: lambda pretrained: SimpleNamespace(features=layers)}
        )
        monkeypatch.setattr(package.pretrained_networks, "tv", torchvision_)
        module = package.LPIPS(net=net, verbose=False)

        def distance(generated, target):
            with torch.inference_mode():
                images = (package.im2tensor(generated), package.im2tensor(target))
                return float(module(*images))

        return distance

    return build


def images(height=64, width=48):
    target = np.ascontiguousarray(data.astronaut()[: 4 * height : 4, 100 : 100 + 4 * width : 4])
    noise = np.random.default_rng(0).integers(-30, 31, target.shape)
    return np.clip(target.astype(int) + noise, 0, 255).astype(np.uint8), target


@pytest.mark.parametrize("net", BUILDERS)
def test_equals_the_package(net, backbones, oracle):
    lpips, theirs = ours(net, backbones[net]), oracle(net, backbones[net])
    generated, target = images()
    black = np.zeros_like(target)
    one = target.copy()
    one[30, 20] ^= 1
    odd = [image[:63, :47] for image in (generated, target)]
    for pair in ((generated, target), (target, generated), (black, target), (one, target), odd):
        expected = theirs(*pair)
        assert expected > 1e-9
        assert abs(lpips(*pair) - expected) <= 1e-6
    assert lpips(target, target) == lpips(black, black) == 0.0


def test_the_scale_of_the_input_and_the_linear_layers_matter(backbones):
    """What `test_equals_the_package` would not see if both sides left them out."""
    lpips = ours("alex", backbones["alex"])
    generated, target = images()
    value = lpips(generated, target)
    assert lpips(generated // 2, target // 2) != pytest.approx(value, rel=0.01)
    lpips._module.lins[0].model[1].weight.data *= 2
    assert lpips(generated, target) > value * 1.01


def test_a_value_does_not_depend_on_its_neighbours(backbones, monkeypatch):
    pairs = [Pair(*images()), Pair(*images(48, 40)), Pair(images()[1], images()[0])]
    measure = METRICS["lpips.alex"].open(networks(backbones["alex"], monkeypatch))
    together = measure(pairs)
    assert together == [measure([pair])[0] for pair in pairs]
    assert measure(pairs[::-1]) == together[::-1]


@pytest.mark.parametrize("net", BUILDERS)
def test_the_smallest_images(net, backbones):
    """A pixel less and a layer would have nothing left: such pairs have no value."""
    network = NETWORKS[net]
    lpips = ours(net, backbones[net])
    smallest = [image[: network.side, : network.side] for image in images()]
    assert lpips(*smallest) > 0
    smaller = [image[:, : network.side - 1] for image in smallest]
    with pytest.raises(RuntimeError):
        lpips._module(*(package.im2tensor(image) for image in smaller))
    with pytest.raises(DataError, match=f"at least {network.side}x{network.side} pixels"):
        lpips(*smaller)
    assert lpips.of_pairs([Pair(*smaller), Pair(*smallest)]) == [None, lpips(*smallest)]


def test_a_value_does_not_depend_on_the_number_of_threads(backbones):
    """Without care it does, in the last bits, and two processes would not give one's figure."""
    lpips = ours("alex", backbones["alex"])
    sources = [np.random.default_rng(seed) for seed in range(6)]
    noise = [source.integers(0, 256, (2, 200, 200, 3), dtype=np.uint8) for source in sources]
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found += [lpips.of_pairs([Pair(*pair) for pair in noise])]
            found += [[lpips(*pair) for pair in noise]]
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert all(values == found[0] for values in found)


def test_a_network_that_fails_says_so(backbones, monkeypatch):
    networks_ = networks(backbones["alex"], monkeypatch)

    def fail(*_):
        raise RuntimeError("out of memory\nand more")

    monkeypatch.setattr(Lpips, "_distance", fail)
    found = score(["lpips.alex", "l1"], networks_)
    assert found["lpips.alex"].failed
    assert found["lpips.alex"].reason == "LPIPS on AlexNet failed: out of memory"
    assert found["l1"].value > 0


def test_views_and_arrays_that_cannot_be_written(backbones):
    lpips = ours("alex", backbones["alex"])
    generated, target = images()
    expected = lpips(generated, target)
    generated.flags.writeable = False
    flipped = np.ascontiguousarray(target[:, ::-1])[:, ::-1]
    assert lpips(generated, flipped) == expected


def test_sizes_that_differ(backbones):
    generated, target = images()
    with pytest.raises(DataError, match="one size"):
        ours("alex", backbones["alex"])(generated, target[:-1])


def test_nothing_is_downloaded_and_no_random_number_drawn(backbones, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a download")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    before = torch.get_rng_state()
    lpips = ours("alex", backbones["alex"])
    assert torch.equal(torch.get_rng_state(), before)
    tensors = [*lpips._module.parameters(), *lpips._module.buffers()]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    assert not lpips._module.training


def test_linear_weights_come_with_the_package():
    for network in (ALEX, VGG):
        path = weights.locate(weights.get(network.linear))
        assert path.parts[-3:] == ("weights", "v0.1", f"{network.name}.pth")


DAMAGE = {
    "missing": (lambda state: state.pop("features.3.bias"), r"features\.3\.bias of shape \(192,\)"),
    "shape": (
        lambda state: state.update({"features.0.weight": torch.zeros(64, 3, 7, 7)}),
        r"features\.0\.weight of shape \(64, 3, 11, 11\), got \(64, 3, 7, 7\)",
    ),
    "surplus": (
        lambda state: state.update({"features.12.weight": torch.zeros(1)}),
        r"features\.12\.weight besides",
    ),
    "no tensor": (lambda state: state.update({"features.0.bias": 3}), "a state dict of tensors"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_state_dict_of_something_else(case, backbones, tmp_path):
    damage, message = DAMAGE[case]
    state = torch.load(backbones["alex"], weights_only=True)
    damage(state)
    torch.save(state, tmp_path / "alex.pth")
    with pytest.raises(DataError, match=message) as caught:
        ours("alex", tmp_path / "alex.pth")
    assert str(tmp_path / "alex.pth") in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_state_dict(content, tmp_path):
    (tmp_path / "alex.pth").write_bytes(content)
    with pytest.raises(DataError, match="torchvision's AlexNet") as caught:
        ours("alex", tmp_path / "alex.pth")
    assert "\n" not in str(caught.value)


def test_a_list_of_tensors(tmp_path):
    torch.save([torch.zeros(3)], tmp_path / "alex.pth")
    with pytest.raises(DataError, match="a state dict of tensors"):
        ours("alex", tmp_path / "alex.pth")


def test_linear_layers_of_another_backbone(backbones):
    with pytest.raises(DataError, match=r"LPIPS on AlexNet with lin1\.model\.1\.weight"):
        Lpips(ALEX, backbones["alex"], weights.locate(weights.LPIPS_VGG))


def networks(path, monkeypatch):
    """Networks that take this file for AlexNet's, as if its digest were the one in the record."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    record = replace(weights.ALEXNET, sha256=digest)
    monkeypatch.setitem(weights.WEIGHTS, "alexnet", record)
    return Networks(weight_files={"alexnet": path})


def score(metrics, networks):
    generated, target = images()
    pairs = PairSet(generated=[generated, target, target], targets=[target, generated, target])
    store = FeatureStore(networks)
    return {s.name: s for s in evaluate(pairs, metrics=metrics, store=store)}


def test_scores(backbones, monkeypatch):
    found = score(["lpips.alex"], networks(backbones["alex"], monkeypatch))["lpips.alex"]
    lpips, (generated, target) = ours("alex", backbones["alex"]), images()
    expected = (lpips(generated, target) + lpips(target, generated)) / 3
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert (found.n, found.extractor, found.higher_is_better) == (3, "lpips_alex", False)


def test_without_the_weights_the_column_says_why():
    found = score(["lpips.alex", "lpips.vgg", "l1"], Networks())
    for name, file in (("lpips.alex", weights.ALEXNET), ("lpips.vgg", weights.VGG16)):
        assert file.file_name in found[name].reason
        assert "RECAPBENCH_OFFLINE" in found[name].reason
        assert not found[name].failed
    assert found["l1"].value > 0


def test_wrong_weights_fail_and_the_others_are_scored(backbones):
    found = score(["lpips.alex", "l1"], Networks(weight_files={"alexnet": backbones["vgg"]}))
    assert found["lpips.alex"].failed
    assert str(backbones["vgg"]) in found["lpips.alex"].reason
    assert found["l1"].value > 0


def test_weights_that_are_no_numbers_fail(tmp_path, backbones, monkeypatch):
    state = torch.load(backbones["alex"], weights_only=True)
    state["features.0.bias"][0] = float("nan")
    torch.save(state, tmp_path / "alex.pth")
    found = score(["lpips.alex"], networks(tmp_path / "alex.pth", monkeypatch))["lpips.alex"]
    assert found.failed
    assert "nan" in found.reason
