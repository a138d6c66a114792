"""Features and logits of images, computed once and shared by the metrics.

Each extractor is a record: network, weights, preprocessing and licence together. Figures of two
extractors never share a name.

Legend: B images in a batch, n images in all, d features, c classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench import weights
from recapbench.errors import DataError, unknown
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.networks import Networks
from recapbench.processes import ALONE, Processes
from recapbench.provenance import sha256_pixels

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

BATCH_SIZE: Final = 8
"""Images in a forward pass. Fixed: convolutions of another batch size round differently."""

Network: TypeAlias = "Callable[[Tensor], tuple[Tensor, Tensor]]"
"""uint8 (B,3,H,W) -> features (B,d) and logits (B,c), float32."""
Row: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class FeatureSet:
    """Features (n,d) and logits (n,c) of n images in order, float32, and whose images they are.

    Attributes:
        features: float32 (n,d); may be memory-mapped.
        logits: float32 (n,c); may be memory-mapped.
        identities: the person of each image; None where nobody knows.
    """

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    identities: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True)
class Extractor:
    """A network whose features are compared.

    Attributes:
        name: as it stands in a score.
        title: what it is, in a line.
        weights: name of the record of its weights.
        resize: how an image is brought to the network's input size.
        preprocessing: how pixels 0..255 are mapped.
        feature_dim: d.
        logit_dim: c.
        licence: terms of the weights.
        load: the network from the file of its weights, on a device.
    """

    name: str
    title: str
    weights: str
    resize: str
    preprocessing: str
    feature_dim: int
    logit_dim: int
    licence: str
    load: Callable[[Path, str], Network]


def _load_inception(path: Path, device: str) -> Network:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        # torch-fidelity unpickles the file without restrictions; a file that loads with them is
        # data and nothing else.
        torch.load(path, map_location="cpu", weights_only=True)
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat",
            ["2048", "logits_unbiased"],
            feature_extractor_weights_path=str(path),
        )
    except Exception as error:  # torch.load raises many kinds; each means the file is not usable
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: expected the TF weights of InceptionV3: {line}") from error

    _fuse_batch_norm(network)
    network.to(device=device, memory_format=torch.channels_last)

    def run(images: Tensor) -> tuple[Tensor, Tensor]:
        features, logits = network(images)
        return features, logits

    return run


def _fuse_batch_norm(network: Module) -> None:
    """Put each fixed batch normalisation into the convolution before it: equal to rounding."""
    from torch.nn import BatchNorm2d, Conv2d, Identity
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for module in network.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, Conv2d) and isinstance(norm, BatchNorm2d):
            module.conv = fuse_conv_bn_eval(conv, norm)
            module.bn = Identity()


def _load_effnet_lite0(path: Path, device: str) -> Network:
    import torch
    from torch.nn import functional

    from recapbench.networks import efficientnet

    network = efficientnet.load_efficientnet_lite0(path).to(device)
    network = network.to(memory_format=torch.channels_last)
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
    title="InceptionV3 of TensorFlow's 2015-12-05 graph, through torch-fidelity",
    weights="inception_tf",
    resize="TensorFlow 1 bilinear to 299x299, without antialiasing",
    preprocessing="(x - 128) / 128",
    feature_dim=2048,
    logit_dim=1008,
    licence=weights.INCEPTION_TF.licence,
    load=_load_inception,
)
"""2048 pooled features and the logits without bias: those of TF-FID and the original IS."""

EFFNET_LITE0: Final = Extractor(
    name="effnet_lite0",
    title="EfficientNet-Lite0 trained on ImageNet; needs no network",
    weights="effnet_lite0",
    resize="bilinear with antialiasing to 224x224, in float",
    preprocessing="(x - 127) / 128",
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


def extract(images: Iterable[Image], network: Network, device: str = "cpu") -> FeatureSet:
    """Features and logits of images uint8 (H,W,3), in order, in constant memory but for them.

    Raises:
        ValueError: for no images.
    """
    return _stack(list(_rows(images, network, device)))


class FeatureStore:
    """Networks and features for as long as the caller keeps it.

    Features are filed under the pixels they were made from, never under a name, so that targets
    are computed once for several methods and never stand in for other images.

    Args:
        networks: where weights come from and on which device they run.
        processes: those that share the work.
    """

    def __init__(self, networks: Networks | None = None, processes: Processes = ALONE) -> None:
        self.networks = networks if networks is not None else Networks()
        self._processes = processes
        self._opened: dict[str, Network] = {}
        self._known: dict[str, dict[str, Row]] = {}

    def network(self, name: str) -> Network:
        """The network of an extractor, loaded once.

        Raises:
            MissingWeightsError: its weights cannot be had; asked again, it does not try again.
            DataError: a file is there and is not what the record says.
        """
        if name not in self._opened:
            extractor = get_extractor(name)
            path = self.networks.locate(extractor.weights)
            self._opened[name] = extractor.load(path, self.networks.device)
        return self._opened[name]

    def features(
        self,
        name: str,
        images: Sequence[Callable[[], Image]],
        *,
        identities: Sequence[str] | None = None,
        stage: str = "features",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> FeatureSet:
        """Features of images in order; those of pixels already known are not computed again.

        Args:
            name: the extractor.
            images: functions that read uint8 (H,W,3) each.
            identities: the person of each.
            stage: what the progress is called.
            progress: told how far it is.
        """
        network = self.network(name)
        known = self._known.setdefault(name, {})
        order: list[str] = []
        waiting: dict[str, None] = {}

        def new_images() -> Iterator[Image]:
            for index, read in enumerate(images):
                image = read()
                key = sha256_pixels(image)
                order.append(key)
                if key not in known and key not in waiting:
                    waiting[key] = None
                    yield image
                if progress is not None:
                    progress(stage, index + 1, len(images))

        for row in _rows(new_images(), network, self.networks.device):
            key = next(iter(waiting))
            del waiting[key]
            known[key] = row
        rows = [known[key] for key in order]
        return FeatureSet(
            np.stack([row[0] for row in rows]),
            np.stack([row[1] for row in rows]),
            tuple(identities) if identities is not None else None,
        )


def _stack(rows: list[Row]) -> FeatureSet:
    if not rows:
        raise ValueError("there are no images")
    return FeatureSet(np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows]))


def _rows(images: Iterable[Image], network: Network, device: str) -> Iterator[Row]:
    """One row for each image, in order."""
    batch: list[Image] = []
    for image in images:
        if batch and (len(batch) == BATCH_SIZE or image.shape != batch[0].shape):
            yield from _forward(batch, network, device)
            batch = []
        batch.append(image)
    if batch:
        yield from _forward(batch, network, device)


def _forward(batch: list[Image], network: Network, device: str) -> Iterator[Row]:
    """Rows of one batch, filled up with black so that every pass has the same shape."""
    import torch

    padded = np.zeros((BATCH_SIZE, *batch[0].shape), dtype=np.uint8)
    for index, image in enumerate(batch):
        padded[index] = image
    images_BCHW = torch.from_numpy(padded).permute(0, 3, 1, 2).contiguous().to(device)
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ),
    ):
        features, logits = network(images_BCHW)
    pairs = zip(features.float().cpu().numpy(), logits.float().cpu().numpy(), strict=True)
    for _, (feature, logit) in zip(batch, pairs, strict=False):
        yield feature, logit
