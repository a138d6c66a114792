"""Pose estimators: a toy one of a third party, and Keypoint R-CNN with weights of chance."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from recapbench import registry, weights
from recapbench.data.skeleton import JOINTS
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import PairSet
from recapbench.evaluation.pose.estimators import PoseEstimator, get_estimator
from recapbench.evaluation.pose.keypoint_rcnn import KEYPOINT_RCNN, from_coco
from recapbench.networks import keypoint_rcnn
from recapbench.networks.keypoint_rcnn import load_keypoint_rcnn

SIDES = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO = ["nose", *(f"{side}_{part}" for part in SIDES for side in ("left", "right"))]


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")


class TestMapping:
    def test_the_order_is_coco_s(self):
        from torchvision.models.detection import KeypointRCNN_ResNet50_FPN_Weights as Published

        assert Published.COCO_V1.meta["keypoint_names"] == COCO

    def test_every_joint_goes_to_its_name(self):
        coco = np.array([[i, 100 + i, 1] for i in range(17)], np.float32)
        ours = from_coco(coco)
        assert ours.dtype == np.float32
        for joint, name in enumerate(JOINTS):
            if name != "neck":
                assert ours[joint].tolist() == [COCO.index(name), 100 + COCO.index(name), 2]

    def test_the_neck_is_between_the_shoulders(self):
        coco = np.zeros((17, 3), np.float32)
        coco[5], coco[6] = (30, 40, 1), (10, 44, 1)
        assert from_coco(coco)[1].tolist() == [20, 42, 2]
        coco[6, 2] = 0
        assert from_coco(coco)[1].tolist() == [0, 0, 0]


def joints_of(image):
    """Joints that a picture says itself: all at the place that its first pixel holds."""
    x, y, _ = image[0, 0]
    return np.array([[x + i, y + i, 2] for i in range(18)], np.float32)


def picture(x, y):
    image = np.zeros((16, 12, 3), np.uint8)
    image[0, 0] = (x, y, 0)
    return image


def toy(find=lambda images: [joints_of(image) for image in images], **changes):
    record = {"name": "toy", "title": "a toy", "weights": (), "open": lambda networks: find}
    return PoseEstimator(**(record | changes))


TOY = toy()
NO_ESTIMATOR = "a string"


@pytest.fixture
def registered(monkeypatch):
    """Registers objects of this module as a third party would."""

    def register(**objects):
        points = [
            EntryPoint(name, f"{__name__}:{value}", registry.POSE_ESTIMATORS)
            for name, value in objects.items()
        ]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)

    return register


def scores(estimator_name, generated, targets, **keywords):
    pairs = PairSet(
        generated=generated,
        targets=targets,
        target_keypoints=[joints_of(image) for image in targets],
        **keywords,
    )
    store = FeatureStore(Networks(pose_estimator=estimator_name))
    return evaluate(pairs, metrics=["l1", "pckh"], store=store)


def test_an_estimator_of_a_third_party(registered):
    registered(toy="TOY")
    targets = [picture(10 * i, 5) for i in range(11)]
    generated = [*targets[:10], picture(200, 200)]
    _, score = scores("toy", generated, targets)
    assert score.value == 10 / 11
    assert (score.n, score.extractor) == (11, "toy")


def test_ours_is_registered():
    assert get_estimator("keypoint_rcnn") is KEYPOINT_RCNN


def test_names_and_objects_that_are_wrong(registered):
    registered(toy="TOY", other="NO_ESTIMATOR")
    with pytest.raises(UsageError, match=r"unknown pose estimator 'toi'\. Did you mean 'toy'"):
        get_estimator("toi")
    with pytest.raises(registry.PluginError, match="'other' is no PoseEstimator but <class 'str'>"):
        get_estimator("other")


@pytest.mark.parametrize(
    ("find", "reason"),
    [
        (lambda images: [joints_of(i) for i in images[1:]], "gave joints of 0 images, expected 1"),
        (lambda images: [np.zeros((17, 3))] * len(images), r"shape \(17, 3\), expected \(18, 3\)"),
        (lambda images: [np.full((18, 3), np.nan)] * len(images), "a joint that is not finite"),
        (lambda images: 1 / 0, "pose estimator toy failed: ZeroDivisionError"),
    ],
)
def test_one_that_fails_takes_no_other_metric_with_it(registered, monkeypatch, find, reason):
    registered(toy="TOY")
    monkeypatch.setattr(f"{__name__}.TOY", toy(find))
    l1, score = scores("toy", [picture(1, 1)], [picture(1, 1)])
    assert l1.value == 0
    assert score.failed
    assert score.value is None
    assert re.search(reason, score.reason)


def test_without_weights_the_column_says_why():
    _, score = scores("keypoint_rcnn", [picture(1, 1)], [picture(1, 1)])
    assert score.value is None
    assert not score.failed
    assert "'keypoint_rcnn' are not in the cache" in score.reason
    assert score.extractor == "keypoint_rcnn"


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="expected weights 'keypoint_rcnn' with sha256 fc266e95"):
        KEYPOINT_RCNN.open(Networks(weight_files={"keypoint_rcnn": path}))


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """A file of random weights in torchvision's layout, as its own function lays it out."""
    import torch
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    torch.manual_seed(0)
    network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save(
        {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")},
        path,
    )
    yield path
    path.unlink()


def test_keypoint_rcnn_is_torchvision_s(random_weights, monkeypatch):
    """Loaded from a file, it finds what torchvision's own network finds, one image at a time."""
    import torch
    from torchvision.models.detection import _utils, keypointrcnn_resnet50_fpn
    from torchvision.models.detection import keypoint_rcnn as published
    from torchvision.ops.misc import FrozenBatchNorm2d

    def small(path):
        network = load_keypoint_rcnn(path)
        assert network.transform.min_size[-1] == 800  # the last one counts outside training
        network.transform.min_size = (64,)  # half a minute less
        return network

    monkeypatch.setattr(keypoint_rcnn, "load_keypoint_rcnn", small)
    known = weights.Weights("keypoint_rcnn", "", "", "", "")
    monkeypatch.setitem(weights.WEIGHTS, "keypoint_rcnn", known)
    image = np.random.default_rng(0).integers(0, 256, (32, 24, 3), dtype=np.uint8)
    find = KEYPOINT_RCNN.joints(Networks(weight_files={"keypoint_rcnn": random_weights}))
    (found,) = find([image])

    state = torch.load(random_weights, weights_only=True)
    monkeypatch.setattr(published, "resnet50", _frozen(published.resnet50, FrozenBatchNorm2d))
    network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=64).eval()
    network.load_state_dict(state)
    _utils.overwrite_eps(network, 0.0)
    with torch.inference_mode():
        (said,) = network([torch.from_numpy(image).permute(2, 0, 1) / 255.0])
    assert len(said["scores"]) > 0
    np.testing.assert_array_equal(found, from_coco(said["keypoints"][0].numpy()))


def _frozen(build, norm_layer):
    return lambda *, weights, progress, **_: build(norm_layer=norm_layer)


def test_nobody_found_is_no_joint(monkeypatch):
    import torch

    class Nobody(torch.nn.Module):
        def forward(self, images):
            return [{"scores": torch.zeros(0), "keypoints": torch.zeros(0, 17, 3)} for _ in images]

    monkeypatch.setattr(keypoint_rcnn, "load_keypoint_rcnn", lambda path: Nobody())
    monkeypatch.setattr(Networks, "locate", lambda self, name: None)
    (joints,) = KEYPOINT_RCNN.joints(Networks())([picture(1, 1)])
    assert not joints.any()


def test_files_of_other_networks_are_refused(tmp_path):
    import torch

    for content in ({"weight": torch.zeros(3)}, [1, 2]):
        path = tmp_path / "other.pth"
        torch.save(content, path)
        with pytest.raises(DataError, match=r"other\.pth: expected the weights of Keypoint R-CNN"):
            load_keypoint_rcnn(path)
