"""A pool of earlier generated images (Shrivastava et al., CVPR 2017), as CycleGAN and PATN use it.

It lives in buffers, so that a checkpoint holds it and a resumed run goes on exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Keeps up to ``size`` images, and hands out an earlier one in place of every second new one.

    Args:
        size: how many to keep.
        channels: of an image, with all that belongs to it.
        image_size: height and width.
    """

    images_PCHW: Tensor
    filled: Tensor

    def __init__(self, size: int, channels: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("images_PCHW", torch.zeros(size, channels, *image_size))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Images to learn from, in the order of the new ones.

        While the pool is not full a new image is kept and handed out. Afterwards, with
        probability 1/2, it changes places with a kept one that is drawn at random.

        Args:
            images_BCHW: new images; not changed.

        Returns:
            (B,C,H,W) of the same type, without gradients.
        """
        size, filled = len(self.images_PCHW), int(self.filled)
        swaps = (torch.rand(len(images_BCHW)) < 0.5).tolist()
        places = torch.randint(size, (len(images_BCHW),)).tolist()
        shown = images_BCHW.detach().clone()
        for index, new in enumerate(images_BCHW):
            if filled < size:
                self.images_PCHW[filled] = new
                filled += 1
            elif swaps[index]:
                shown[index] = self.images_PCHW[places[index]]
                self.images_PCHW[places[index]] = new
        self.filled.fill_(filled)
        return shown
