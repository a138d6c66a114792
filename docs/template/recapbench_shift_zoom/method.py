"""The source picture, moved and scaled so that its joints lie where they are wanted."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from recapbench import Method, MethodConfig, Query


class Config(MethodConfig):
    """Settings: `--set zoom=false` on the command line."""

    zoom: bool = Field(default=True, description="scale the picture too, not only move it")


class ShiftZoom(Method[Config]):
    """The joints' mean and spread become the wanted ones; colours of the edge fill what is bare."""

    name = "shift_zoom"
    title = "The source, moved and scaled to the wanted pose"
    inputs = frozenset({"source_image", "source_keypoints", "target_keypoints"})
    config_class = Config
    needs_weights = False

    def generate(self, query: Query) -> Tensor:
        """Images (B,3,H,W) in [-1, 1]; the source itself where the poses share no joint."""
        poses = torch.stack([query.source_keypoints, query.target_keypoints])  # (2,B,18,3)
        both = (poses[..., 2:] > 0).all(dim=0)  # seen in both poses (B,18,1)
        joints = torch.where(both, poses[..., :2], 0)
        mean = joints.sum(2, keepdim=True) / both.sum(1, keepdim=True).clamp(min=1)  # (2,B,1,2)
        spread = 1 + ((joints - mean) * both).norm(dim=(2, 3), keepdim=True)  # pixels, never 0
        scale = spread[0] / spread[1] if self.config.zoom else torch.ones_like(spread[0])
        at = 2 * mean / (mean.new_tensor(self.spec.size[::-1]) - 1) - 1  # edges are at -1 and 1
        matrix = torch.cat([scale * torch.eye(2).to(scale), (at[0] - scale * at[1]).mT], dim=2)
        grid = affine_grid(matrix, list(query.source_image.shape), align_corners=True)
        return grid_sample(query.source_image, grid, padding_mode="border", align_corners=True)
