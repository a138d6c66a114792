"""torchvision's Keypoint R-CNN with ResNet-50 and FPN, built without a download.

Source: He et al. 2017, Mask R-CNN; weights ``KeypointRCNN_ResNet50_FPN_Weights.COCO_V1``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recapbench.errors import DataError

if TYPE_CHECKING:
    from torch.nn import Module


def build_keypoint_rcnn() -> Module:
    """The network as torchvision builds it for its COCO_V1 weights, with weights of chance.

    Images are resized to 800 pixels on the short side, as it was trained. Its batch normalisation
    adds nothing to the variance: the weights were trained that way.
    """
    from torchvision.models.detection import KeypointRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops.misc import FrozenBatchNorm2d

    backbone = resnet_fpn_backbone(
        backbone_name="resnet50",
        weights=None,
        norm_layer=lambda channels: FrozenBatchNorm2d(channels, eps=0.0),
        trainable_layers=0,
    )
    return KeypointRCNN(backbone, num_classes=2, num_keypoints=17).eval()


def load_keypoint_rcnn(path: Path) -> Module:
    """The network with the weights of a file.

    Raises:
        DataError: if the file is no state dict of this network.
    """
    import torch

    network = build_keypoint_rcnn()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises many kinds; each means that the file is not usable
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: expected the weights of Keypoint R-CNN: {line}") from error
    return network
