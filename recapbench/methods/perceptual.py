"""The perceptual loss on VGG-19 conv1_2, or on the offline network's first layer."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from recapbench.errors import MissingWeightsError
from recapbench.methods.base import ImageSpec
from recapbench.methods.network import NetworkConfig, NetworkMethod
from recapbench.networks.efficientnet import EfficientNetLite0, load_efficientnet_lite0
from recapbench.weights import EFFNET_LITE0, VGG19, locate

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class Vgg19Conv12(nn.Module):
    """VGG-19 up to conv1_2 and its ReLU, on RGB in [-1, 1]: (B,3,H,W) -> (B,64,H,W)."""

    mean: Tensor
    std: Tensor

    def __init__(self, state: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()
        )
        prefix = "features."
        first = {name: state[prefix + name] for name in self.layers.state_dict()}
        self.layers.load_state_dict(first)
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_IMAGENET_STD)[:, None, None])

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return self.layers(((image_BCHW + 1) / 2 - self.mean) / self.std)


class EffnetStem(nn.Module):
    """EfficientNet-Lite0's first layer on RGB in [-1, 1]: (B,3,H,W) -> (B,32,H/2,W/2)."""

    def __init__(self, network: EfficientNetLite0) -> None:
        super().__init__()
        self.stem = network.stem

    def forward(self, image_BCHW: Tensor) -> Tensor:
        # The network was trained on (x - 127) / 128 of bytes; [-1, 1] is that within 1/128.
        return self.stem(image_BCHW)


class PerceptualLoss(nn.Module):
    """L1 between features of an early layer of an ImageNet network (equation (16) of the paper).

    Args:
        features: maps RGB in [-1, 1] (B,3,H,W) to a feature map; its parameters are frozen.
        network: what to call the network that they are of.
    """

    def __init__(self, features: nn.Module, network: str) -> None:
        super().__init__()
        self.network = network
        self.features = features.eval().requires_grad_(False)

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Mean absolute difference of the features; gradients reach ``generated`` alone."""
        with torch.no_grad():
            wanted = self.features(target)
        return functional.l1_loss(self.features(generated).float(), wanted.float())


def perceptual_features(name: str) -> tuple[str, nn.Module]:
    """The features that a setting asks for, and the name to record.

    Random numbers that are drawn afterwards are what they would have been without.

    Args:
        name: "vgg19", "effnet_lite0", or "auto": VGG-19 if its weights can be had.

    Raises:
        MissingWeightsError: if the network asked for by name cannot be had.
    """
    with torch.random.fork_rng([]):  # layers that are loaded draw first weights all the same
        if name in ("auto", "vgg19"):
            try:
                state = torch.load(locate(VGG19), weights_only=True, map_location="cpu")
                return "vgg19", Vgg19Conv12(state)
            except MissingWeightsError:
                if name == "vgg19":
                    raise
        return "effnet_lite0", EffnetStem(load_efficientnet_lite0(locate(EFFNET_LITE0)))


def perceptual_loss(name: str) -> PerceptualLoss:
    """The perceptual loss that a setting asks for; name and errors as of `perceptual_features`."""
    network, features = perceptual_features(name)
    return PerceptualLoss(features, network)


class PerceptualConfig(NetworkConfig):
    """Settings of a network that is trained with the perceptual loss."""

    perceptual: Literal["auto", "vgg19", "effnet_lite0"] = Field(
        description="network of the perceptual loss; auto: VGG-19 if to be had, else "
        "EfficientNet-Lite0"
    )


PerceptualConfigT = TypeVar("PerceptualConfigT", bound=PerceptualConfig)


class PerceptualMethod(NetworkMethod[PerceptualConfigT]):
    """A network that is trained with the perceptual loss; the record names the loss's network."""

    def __init__(self, config: PerceptualConfigT, spec: ImageSpec) -> None:
        super().__init__(config, spec)
        self._perceptual: PerceptualLoss | None = None

    @property
    def perceptual(self) -> PerceptualLoss:
        """The perceptual loss, with its network; made when first asked for."""
        if self._perceptual is None:
            self._perceptual = perceptual_loss(self.config.perceptual).to(self.device)
        return self._perceptual

    def to(self, device: torch.device | str) -> None:
        """Move the networks to a device, that of the perceptual loss among them."""
        super().to(device)
        if self._perceptual is not None:
            self._perceptual.to(device)

    def training_facts(self) -> dict[str, Any]:
        """Which network the perceptual loss reads."""
        return {"perceptual": self.perceptual.network}
