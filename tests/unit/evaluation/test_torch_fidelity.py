"""From folders of PNG files to figures: ours and torch-fidelity's, with one file of weights.

torch-fidelity's features are compared through the same sums in float64 as well: its own KID adds
up in float32, and its own FID takes eigenvalues of a singular matrix when n < 2048.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric
from torch_fidelity.utils import create_feature_extractor, extract_featuresdict_from_input_id

from recapbench import weights
from recapbench.evaluation.base import score_of_set
from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.images import read_png
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance

N = 13


@pytest.fixture(scope="module")
def folders(tmp_path_factory, crops):
    """Crops of photographs, and the same crops degraded."""
    root = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for name in ("generated", "real"):
        (root / name).mkdir()
        for index, picture in enumerate(crops[:N]):
            if name == "generated":
                noise = generator.integers(-25, 26, picture.shape)
                picture = np.clip(picture + noise, 0, 255).astype(np.uint8)[:, ::-1]
            Image.fromarray(picture).save(root / name / f"{index:03}.png")
    return root / "generated", root / "real"


@pytest.fixture(scope="module")
def theirs(folders, inception_file):
    """Features and logits of both folders, by torch-fidelity's own pipeline."""
    extractor = create_feature_extractor(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        cuda=False,
        verbose=False,
        feature_extractor_weights_path=str(inception_file),
    )
    settings = {"cuda": False, "save_cpu_ram": True, "verbose": False, "batch_size": 5}
    inputs = {"input1": str(folders[0]), "input2": str(folders[1])}
    return [
        extract_featuresdict_from_input_id(side, extractor, **inputs, **settings) for side in (1, 2)
    ]


@pytest.fixture(scope="module")
def ours(folders, inception_file, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        record = replace(weights.INCEPTION_TF, sha256="")
        patch.setitem(weights.WEIGHTS, "inception_tf", record)
        store = FeatureStore(Networks(weight_files={"inception_tf": inception_file}))
        return [
            store.features("inception_tf", [partial(read_png, p) for p in sorted(folder.iterdir())])
            for folder in folders
        ]


def value(name, ours):
    return score_of_set(METRICS[name], *ours).value


def test_inception_score(ours, theirs):
    logits = theirs[0]["logits_unbiased"]
    for name, shuffle in (("is.standard", True), ("is.def_gan", False)):
        expected = isc_features_to_metric(logits, shuffle=shuffle)["inception_score_mean"]
        assert expected > 1.001
        assert value(name, ours) == pytest.approx(expected, rel=1e-6)


def test_fid(ours, theirs):
    sides = (FeatureStatistics.of(side["2048"].numpy()) for side in theirs)
    assert value("fid.test_targets", ours) == pytest.approx(frechet_distance(*sides), rel=1e-6)


def test_kid(ours, theirs):
    sides = [side["2048"] for side in theirs]
    exact, rounded = (
        kid_features_to_metric(*(side.to(kind) for side in sides), kid_subset_size=N, verbose=False)
        for kind in (torch.float64, torch.float32)
    )
    mean = "kernel_inception_distance_mean"
    assert value("kid", ours) == pytest.approx(exact[mean], rel=1e-6)
    assert value("kid", ours) == pytest.approx(rounded[mean], abs=2e-6)  # of kernels above 1


def test_precision_and_recall(ours, theirs):
    expected = prc_features_to_metric(*(side["2048"] for side in theirs), verbose=False)
    assert value("precision", ours) == pytest.approx(expected["precision"], abs=1e-6)
    assert value("recall", ours) == pytest.approx(expected["recall"], abs=1e-6)
