"""The losses of PG2: equations (1) to (4) of the paper, its pose mask, means over all pixels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from recapbench.data.pose import pg2_mask


def pose_masks(keypoints_BJ3: Tensor, size: tuple[int, int]) -> Tensor:
    """M of equation (1) for a batch of poses.

    Args:
        keypoints_BJ3: (B,18,3) of x, y in pixels and visibility.
        size: height and width in pixels.

    Returns:
        (B,1,H,W) float32, 1 on the person and 0 elsewhere, on the keypoints' device.
    """
    masks_BHW = torch.from_numpy(pg2_mask(keypoints_BJ3.cpu().numpy(), size))
    return masks_BHW.unsqueeze(1).float().to(keypoints_BJ3.device)


def likeness_terms(
    generated_BCHW: Tensor, target_BCHW: Tensor, mask_B1HW: Tensor
) -> dict[str, Tensor]:
    """The pose mask loss, equation (1), as its two summands.

    Args:
        generated_BCHW: image in [-1, 1].
        target_BCHW: the same shape.
        mask_B1HW: pose mask of the target, 0 or 1.

    Returns:
        ``l1``: mean |e|, and ``masked_l1``: mean |e| M, both over all pixels and channels.
    """
    error_BCHW = (generated_BCHW.float() - target_BCHW.float()).abs()
    return {"l1": error_BCHW.mean(), "masked_l1": (error_BCHW * mask_B1HW).mean()}


def discriminator_loss(real: Tensor, refined: Tensor, source: Tensor) -> Tensor:
    """Equation (2) on logits: -log D(real), and -log(1 - D) of what is no target image.

    That is G2's image and, as in the public code, the source: a real image in the wrong pose. The
    mean of the two counts as much as the real one.

    Args:
        real: (B,) logits of the target images.
        refined: (B,) logits of G2's.
        source: (B,) logits of the source images.
    """
    wrong = torch.cat([refined, source]).float()
    return (functional.softplus(-real.float()).mean() + functional.softplus(wrong).mean()) / 2


def adversarial_loss(refined: Tensor) -> Tensor:
    """Equation (3) on logits: -log D of G2's images (B,), the mean over them."""
    return functional.softplus(-refined.float()).mean()
