"""EfficientNet-Lite0, frozen: pooled features, logits and intermediate maps.

The network is EfficientNet-B0 without squeeze-and-excitation and with ReLU6 (Tan and Le 2019,
https://arxiv.org/abs/1905.11946; TensorFlow's ``efficientnet/lite``). Batch normalisation has
eps 1e-3; convolutions pad as TensorFlow's ``SAME`` does, with the odd pixel at the far side.

Shapes: B images, H rows, W columns. Input is (x - 127) / 128 of RGB in [0, 255].
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from recapbench.errors import DataError

INPUT_SIZE: Final = 224
FEATURE_DIM: Final = 1280
LOGIT_DIM: Final = 1000
STRIDES: Final = (2, 4, 8, 16, 32)
"""Strides at which intermediate maps can be had; channels 16, 24, 40, 112, 320."""

_BATCH_NORM_EPS = 1e-3


class _Stage(NamedTuple):
    kernel: int
    stride: int
    expand: int
    channels: int
    blocks: int


_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)
_STEM_CHANNELS = 32

# Names in the published state dict, and ours.
_RENAMES = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.norm."),
    (r"^_conv_head\.", "head.conv."),
    (r"^_bn1\.", "head.norm."),
    (r"^_fc\.", "classifier."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.norm."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.conv."),
    (r"^_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.conv."),
    (r"^_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.norm."),
)


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zero padding so that the output side is ceil(side / stride), the odd pixel last."""
    pads: list[int] = []
    for side in (x.shape[-1], x.shape[-2]):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads) if any(pads) else x


class _ConvNorm(nn.Module):
    """Convolution with ``SAME`` padding, batch normalisation, and ReLU6 if ``active``."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_BATCH_NORM_EPS)
        self.kernel, self.stride, self.active = kernel, stride, active

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.conv(_pad_same(x, self.kernel, self.stride)))
        return functional.relu6(x) if self.active else x


class _Block(nn.Module):
    """Inverted bottleneck: expand, depthwise, project; with a skip where shapes allow it."""

    def __init__(self, inputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        width = inputs * stage.expand
        self.expand = _ConvNorm(inputs, width) if stage.expand > 1 else nn.Identity()
        self.depthwise = _ConvNorm(width, width, stage.kernel, stride, groups=width)
        self.project = _ConvNorm(width, stage.channels, active=False)
        self.skip = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skip else y


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 in evaluation mode with frozen parameters.

    Gradients flow to the input, so that it serves as a perceptual loss; ``train()`` has no effect
    on the batch statistics.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _ConvNorm(3, _STEM_CHANNELS, 3, 2)
        blocks: list[nn.Module] = []
        strides: list[int] = []
        inputs = _STEM_CHANNELS
        for stage in _STAGES:
            for index in range(stage.blocks):
                strides.append(stage.stride if index == 0 else 1)
                blocks.append(_Block(inputs, stage, strides[-1]))
                inputs = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self._strides = tuple(strides)
        self.head = _ConvNorm(inputs, FEATURE_DIM)
        self.classifier = nn.Linear(FEATURE_DIM, LOGIT_DIM)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> EfficientNetLite0:
        """Stay in evaluation mode: the network is fixed."""
        return super().train(False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features (B,1280) and logits (B,1000) of normalised images (B,3,H,W)."""
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        features = self.head(x).mean(dim=(2, 3))
        return features, self.classifier(features)

    def feature_maps(self, images: Tensor, strides: Iterable[int]) -> dict[int, Tensor]:
        """The last map at each of these strides, in one pass.

        Args:
            images: normalised images (B,3,H,W).
            strides: some of 2, 4, 8, 16, 32.

        Returns:
            Stride -> (B,C,ceil(H/stride),ceil(W/stride)), C as in ``STRIDES``.
        """
        wanted = set(strides)
        if not wanted <= set(STRIDES):
            raise ValueError(f"strides are some of {STRIDES}, not {sorted(wanted - set(STRIDES))}")
        maps: dict[int, Tensor] = {}
        x, stride = self.stem(images), 2
        for block, step in zip(self.blocks, self._strides, strict=True):
            if step > 1 and wanted <= set(maps):
                break
            x = block(x)
            stride *= step
            if stride in wanted:
                maps[stride] = x
        return maps

    def features_at(self, images: Tensor, stride: int) -> Tensor:
        """The last map at one stride: (B,C,ceil(H/stride),ceil(W/stride))."""
        return self.feature_maps(images, (stride,))[stride]


def normalise(images: Tensor) -> Tensor:
    """RGB in [0, 255], any shape, as the network wants it: (x - 127) / 128."""
    return (images - 127.0) / 128.0


def load_efficientnet_lite0(path: Path) -> EfficientNetLite0:
    """The network with the weights of the published state dict.

    Raises:
        DataError: if the file is damaged or its tensors are not those of EfficientNet-Lite0.
    """
    network = EfficientNetLite0()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(_renamed(state), strict=True)
    except Exception as error:  # torch.load raises many kinds; each means the file is not usable
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: expected the weights of EfficientNet-Lite0: {first}") from error
    return network


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        for pattern, ours in _RENAMES:
            new, hits = re.subn(pattern, ours, name)
            if hits:
                break
        renamed[new] = tensor
    return renamed
