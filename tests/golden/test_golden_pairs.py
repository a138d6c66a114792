"""Pinned figures of pairs. The command beside each made it, with the reference alone.

The inputs are formulas: no generator of random numbers stands between a figure and its command.
None of the commands imports recapbench.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision

from recapbench import weights
from recapbench.evaluation.lpips import ALEX, VGG, Lpips
from recapbench.evaluation.metrics import METRICS
from recapbench.evaluation.pairs import Pair

# pip install scikit-image==0.26.0; then python:
#
# import numpy as np
# from skimage.metrics import peak_signal_noise_ratio, structural_similarity as ssim
# def pattern(k, h=96, w=64):
#     y, x, c = np.indices((h, w, 3))
#     return ((3*y + 5*x + k*c + y*x) % 256).astype(np.uint8)
# def pair(*size):
#     t = pattern(7, *size)
#     return (t // 2 + pattern(8, *size) // 4 + 11).astype(np.uint8), t
# gauss = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2)
# own = lambda g, t: ssim(g, t, data_range=int(g.max()) - int(g.min()), **gauss)
# g, t = pair()
# m = np.zeros((96, 64, 1), np.uint8); m[20:80, 16:50] = 1
# print(own(g, t), own(g * m, t * m))
# print(ssim(g, t, channel_axis=2), ssim(g * m, t * m, channel_axis=2))
# print(ssim(g / 255., t / 255., win_size=51, data_range=1, channel_axis=2))
# print(ssim(g, t, data_range=255, **gauss), ssim(g * m, t * m, data_range=255, **gauss))
# print(ssim(g, t, data_range=255, full=True, **gauss)[1][20:80, 16:50].mean())
# print(own(*(np.pad(i, ((0, 0), (40, 40), (0, 0)), constant_values=255) for i in pair(256, 176))))
# print(peak_signal_noise_ratio(t, g, data_range=255), abs(g / 127.5 - t / 127.5).mean())
FIGURES = {
    "ssim.def_gan": 0.9401787804173857,
    "mask_ssim.def_gan": 0.9680638813985234,
    "ssim.pg2": 0.9396925592851485,
    "mask_ssim.pg2": 0.9730451378356569,
    "ssim.gfla": 0.9395640653721945,
    "ssim.standard": 0.9403329716080915,
    "mask_ssim.standard": 0.9684007052252005,
    "mask_ssim.inside": 0.9395191393145078,
    "ssim.patn": 0.9550397621701195,
    "psnr": 18.863664414910655,
    "l1": 0.18277335239651415,
}

# pip install lpips==0.1.4 torch==2.15.0 torchvision==0.29.2; then python:
#
# import lpips, numpy as np, torch
# y, x, c = np.indices((96, 64, 3))
# pattern = lambda k: ((3*y + 5*x + k*c + y*x) % 256).astype(np.uint8)
# t = pattern(7); g = (t // 2 + pattern(8) // 4 + 11).astype(np.uint8)
# for net in ("alex", "vgg"):
#     module = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
#     for p in module.net.parameters():
#         p.data = torch.sin(torch.arange(p.numel()) * 1.7).view_as(p) / p[0].numel() ** 0.5
#     print(module(lpips.im2tensor(g), lpips.im2tensor(t)).item())
LPIPS_ALEX, LPIPS_VGG = 0.0012669552816078067, 0.0020378250628709793


def _pattern(k, height, width):
    y, x, channel = np.indices((height, width, 3))
    return ((3 * y + 5 * x + k * channel + y * x) % 256).astype(np.uint8)


def _pair(height=96, width=64):
    target = _pattern(7, height, width)
    generated = (target // 2 + _pattern(8, height, width) // 4 + 11).astype(np.uint8)
    mask = np.zeros((height, width), bool)
    mask[20:80, 16:50] = True
    return Pair(generated, target, {"def_gan": mask, "pg2": mask})


@pytest.mark.parametrize("name", FIGURES)
def test_pixels(name):
    pair = _pair(256, 176) if name == "ssim.patn" else _pair()
    assert METRICS[name].measure(pair) == pytest.approx(FIGURES[name], abs=1e-12, rel=1e-12)


@pytest.mark.parametrize(
    ("network", "build", "expected"),
    [(ALEX, torchvision.models.alexnet, LPIPS_ALEX), (VGG, torchvision.models.vgg16, LPIPS_VGG)],
)
def test_lpips(network, build, expected, tmp_path):
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in build().features.state_dict().items()}
    state = {
        f"features.{name}": torch.sin(torch.arange(shape.numel()) * 1.7).view(shape)
        / shape[1:].numel() ** 0.5
        for name, shape in shapes.items()
    }
    torch.save(state, tmp_path / "backbone.pth")
    linear = weights.locate(weights.get(network.linear))
    pair = _pair()
    value = Lpips(network, tmp_path / "backbone.pth", linear)(pair.generated, pair.target)
    assert value == pytest.approx(expected, rel=1e-5)
