"""Networks whose features are compared: one record each.

A record holds network, weights, preprocessing and licence together. Figures of two extractors
never share a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from recapbench import weights
from recapbench.errors import unknown

if TYPE_CHECKING:
    from torch import Tensor

Network: TypeAlias = "Callable[[Tensor], tuple[Tensor, Tensor]]"
"""uint8 (B,3,H,W) -> features (B,d) and logits (B,c), float32."""


@dataclass(frozen=True)
class Extractor:
    """A network whose features are compared.

    Attributes:
        name: as it stands in a score.
        title: what it is, in a line.
        weights: name of the record of its weights.
        resize: how an image is brought to the network's input size.
        preprocessing: how pixels 0..255 are mapped.
        version: counts the changes of network, resize or preprocessing that move a feature;
            features kept on disk under another number are not used.
        feature_dim: d.
        logit_dim: c.
        licence: terms of the weights.
        load: the network from the file of its weights, on a device; a DataError if the file is
            not what it should be.
    """

    name: str
    title: str
    weights: str
    resize: str
    preprocessing: str
    version: int
    feature_dim: int
    logit_dim: int
    licence: str
    load: Callable[[Path, str], Network]


def _load_inception_tf(path: Path, device: str) -> Network:
    from recapbench.networks.inception_tf import load_inception_tf

    network: Network = load_inception_tf(path).to(device)
    return network


def _load_effnet_lite0(path: Path, device: str) -> Network:
    import torch
    from torch.nn import functional

    from recapbench.networks import efficientnet
    from recapbench.networks.convolution import fuse_batch_norms

    network = efficientnet.load_efficientnet_lite0(path)
    fuse_batch_norms(network)
    network = network.to(device).to(memory_format=torch.channels_last)
    side = (efficientnet.INPUT_SIZE, efficientnet.INPUT_SIZE)

    def run(images: Tensor) -> tuple[Tensor, Tensor]:
        resized = functional.interpolate(
            images.float(), side, mode="bilinear", antialias=True, align_corners=False
        )
        x = efficientnet.normalise(resized).contiguous(memory_format=torch.channels_last)
        features, logits = network(x)
        return features, logits

    return run


INCEPTION_TF: Final = Extractor(
    name="inception_tf",
    title="InceptionV3 of TensorFlow's 2015-12-05 graph, equal to torch-fidelity's",
    weights="inception_tf",
    resize="TensorFlow 1 bilinear to 299x299, without antialiasing",
    preprocessing="(x - 128) / 128",
    version=1,
    feature_dim=2048,
    logit_dim=1008,
    licence=weights.INCEPTION_TF.licence,
    load=_load_inception_tf,
)
"""2048 pooled features and the logits without bias: those of TF-FID and the original IS."""

EFFNET_LITE0: Final = Extractor(
    name="effnet_lite0",
    title="EfficientNet-Lite0 trained on ImageNet; needs no network",
    weights="effnet_lite0",
    resize="bilinear with antialiasing to 224x224, in float",
    preprocessing="(x - 127) / 128",
    version=1,
    feature_dim=1280,
    logit_dim=1000,
    licence=weights.EFFNET_LITE0.licence,
    load=_load_effnet_lite0,
)
"""1280 pooled features and 1000 logits. Not comparable with figures of Inception."""

EXTRACTORS: Final[dict[str, Extractor]] = {e.name: e for e in (INCEPTION_TF, EFFNET_LITE0)}


def get_extractor(name: str) -> Extractor:
    """The extractor of this name; a UsageError suggests the nearest."""
    try:
        return EXTRACTORS[name]
    except KeyError:
        raise unknown("extractor", name, EXTRACTORS) from None
