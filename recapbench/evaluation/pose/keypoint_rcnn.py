"""The built-in pose estimator: torchvision's Keypoint R-CNN, its 17 joints as our 18."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from recapbench.data.skeleton import NUM_JOINTS, SEEN
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.networks import Networks
from recapbench.evaluation.pairs import Keypoints
from recapbench.evaluation.pose.estimators import FindJoints, PoseEstimator

if TYPE_CHECKING:
    from torch import Tensor

_COCO: Final = (0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""Which of COCO's joints (nose, then left and right in turn) each of ours but the neck is."""
_NECK: Final = 1
_SHOULDERS: Final = (2, 5)


def from_coco(coco: NDArray[np.floating]) -> Keypoints:
    """Our 18 joints from COCO's 17; the neck is midway between the shoulders.

    Args:
        coco: (17,3) of x, y, visibility, in COCO's order.

    Returns:
        float32 (18,3); visibility 2 or 0. Without both shoulders there is no neck.
    """
    joints = np.zeros((NUM_JOINTS, 3), np.float32)
    ours = [joint for joint in range(NUM_JOINTS) if joint != _NECK]
    joints[ours] = coco[list(_COCO)]
    joints[:, 2] = SEEN * (joints[:, 2] > 0)
    shoulders = joints[list(_SHOULDERS)]
    if (shoulders[:, 2] > 0).all():
        joints[_NECK] = shoulders.mean(axis=0)
    return joints


def _open(networks: Networks) -> FindJoints:
    import torch

    from recapbench.networks.keypoint_rcnn import load_keypoint_rcnn

    network = load_keypoint_rcnn(networks.locate("keypoint_rcnn")).to(networks.device)

    def find(images: Sequence[Image]) -> list[Keypoints]:
        exact = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        with torch.inference_mode(), exact:
            # One by one: in a batch torchvision pads to the largest, and rounding differs.
            return [_best(network([_tensor(image, networks.device)])[0]) for image in images]

    return find


def _tensor(image: Image, device: str) -> Tensor:
    """RGB in [0, 1], float32 (3,H,W)."""
    import torch

    return torch.from_numpy(image.transpose(2, 0, 1).copy()).to(device).float() / 255.0


def _best(found: dict[str, Tensor]) -> Keypoints:
    """The joints of the surest person; none if nobody was found."""
    if len(found["scores"]) == 0:
        return np.zeros((NUM_JOINTS, 3), np.float32)
    return from_coco(found["keypoints"][found["scores"].argmax()].cpu().numpy())


KEYPOINT_RCNN: Final = PoseEstimator(
    name="keypoint_rcnn",
    title="Keypoint R-CNN with ResNet-50 and FPN, trained on COCO, of torchvision",
    weights=("keypoint_rcnn",),
    open=_open,
)
"""The surest person of an image, with all of its joints: it names a place for hidden ones too."""
