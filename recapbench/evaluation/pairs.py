"""The pairs to be scored: where their images, masks and joints come from, read one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recapbench.errors import DataError
from recapbench.evaluation.arrays import Image, Mask, as_mask, require_pair
from recapbench.evaluation.images import ImageSource, load_image, read_png, read_rgb

Keypoints: TypeAlias = NDArray[np.float32]
"""Joints of one person, float32 (18,3): x, y in pixels; visibility 0, 1 or 2."""
MaskSource: TypeAlias = NDArray[np.bool_] | NDArray[np.uint8] | Callable[[], Mask]
"""A pose mask (H,W), or a function that makes one."""
KeypointSource: TypeAlias = Keypoints | Callable[[], Keypoints]
"""Joints (18,3), or a function that makes them."""

MASK_KINDS: Final = ("def_gan", "pg2")
"""The pose masks of the field: Def-GAN's rectangles along limbs, PG2's disks along limbs."""


@dataclass(frozen=True)
class Pair:
    """One pair in memory.

    Attributes:
        generated: uint8 (H,W,3).
        target: uint8 (H,W,3).
        masks: kind -> pose mask of the *target*, bool (H,W).
        generated_keypoints: joints found in the generated image, float32 (18,3).
        target_keypoints: joints of the target, float32 (18,3).
    """

    generated: Image
    target: Image
    masks: Mapping[str, Mask] = field(default_factory=dict)
    generated_keypoints: Keypoints | None = None
    target_keypoints: Keypoints | None = None

    def __post_init__(self) -> None:
        require_pair(self.generated, self.target)

    def mask(self, kind: str) -> Mask:
        """The target's pose mask of this kind, bool (H,W).

        Raises:
            DataError: if the pair came without it.
        """
        if kind not in self.masks:
            raise DataError(f"needs the target's pose mask of {kind}, and none was given")
        return self.masks[kind]


@dataclass(frozen=True, kw_only=True)
class PairSet:
    """Files and sources of the pairs, in the order of the manifest; read when asked for.

    Attributes:
        generated: saved image files. For reference rows whose images are not made by a method
            they may be arrays uint8 (H,W,3), or functions.
        targets: files, arrays uint8 (H,W,3), or functions.
        target_keypoints: joints of the targets; pose masks are drawn from them.
        masks: kind -> pose masks of the *targets* made elsewhere, in place of drawn ones.
        generated_keypoints: joints that somebody found in the generated images.
        identities: the person of each pair, for the intervals; without them each pair counts as
            a person of its own.
        lossy: whether generated images may stand in lossy files (JPEG).

    Raises:
        DataError: if there are no pairs, or the sequences have several lengths.
    """

    generated: Sequence[ImageSource]
    targets: Sequence[ImageSource]
    target_keypoints: Sequence[KeypointSource] | None = None
    masks: Mapping[str, Sequence[MaskSource]] = field(default_factory=dict)
    generated_keypoints: Sequence[KeypointSource] | None = None
    identities: Sequence[str] | None = None
    lossy: bool = False

    def __post_init__(self) -> None:
        if len(self.generated) == 0:
            raise DataError("there are no generated images to score")
        given = {
            "targets": self.targets,
            "target keypoints": self.target_keypoints,
            "generated keypoints": self.generated_keypoints,
            "identities": self.identities,
            **{f"masks of {kind}": masks for kind, masks in self.masks.items()},
        }
        for name, values in given.items():
            if values is not None and len(values) != len(self):
                raise DataError(
                    f"expected {len(self)} {name}, one for each image, got {len(values)}"
                )

    def __len__(self) -> int:
        return len(self.generated)

    def has_mask(self, kind: str) -> bool:
        """Whether the targets' masks of this kind are given, or can be drawn."""
        return kind in self.masks or self.target_keypoints is not None

    def identity(self, index: int) -> str:
        """The person of a pair."""
        return str(index) if self.identities is None else self.identities[index]

    def name(self, index: int) -> str:
        """What an error calls the generated image: its file, or its place in the list."""
        source = self.generated[index]
        return str(source) if isinstance(source, Path) else f"generated image {index}"

    def image(self, index: int) -> Image:
        """The generated image, uint8 (H,W,3).

        Raises:
            DataError: if it is missing, damaged, or not 8-bit RGB; its file is named.
        """
        source = self.generated[index]
        if isinstance(source, Path):
            return read_rgb(source) if self.lossy else read_png(source)
        return load_image(source, self.name(index))

    def target(self, index: int) -> Image:
        """The target, uint8 (H,W,3)."""
        return load_image(self.targets[index], f"target of {self.name(index)}")

    def mask(self, kind: str, index: int, image: Image) -> Mask:
        """The target's pose mask bool (H,W), for an image of the target's size."""
        if kind in self.masks:
            source = self.masks[kind][index]
            mask = source() if callable(source) else source
        else:
            mask = _drawn(kind, self._keypoints(self.target_keypoints, index), image)
        return as_mask(mask, image, f"mask of the target of {self.name(index)}")

    def pair(self, index: int, masks: Sequence[str] = ()) -> Pair:
        """One pair with these kinds of masks, and with the joints that there are.

        Raises:
            DataError: for images that cannot be read or differ in size; the generated image is
                named.
        """
        generated, target = self.image(index), self.target(index)
        try:
            return Pair(
                generated,
                target,
                {kind: self.mask(kind, index, target) for kind in masks},
                self._joints(self.generated_keypoints, index),
                self._joints(self.target_keypoints, index),
            )
        except DataError as error:
            raise naming(error, self.name(index)) from error

    def _joints(self, of: Sequence[KeypointSource] | None, index: int) -> Keypoints | None:
        return None if of is None else self._keypoints(of, index)

    def _keypoints(self, of: Sequence[KeypointSource] | None, index: int) -> Keypoints:
        assert of is not None
        source = of[index]
        keypoints = np.asarray(source() if callable(source) else source, dtype=np.float32)
        if keypoints.shape != (18, 3):
            raise DataError(
                f"{self.name(index)}: expected joints of shape (18, 3), got {keypoints.shape}"
            )
        return keypoints


def naming(error: DataError, name: str) -> DataError:
    """The same error with the generated image's name, unless it names it already."""
    text = str(error)
    return error if name in text else DataError(f"{name}: {text}")


def _drawn(kind: str, keypoints: Keypoints, image: Image) -> Mask:
    """The pose mask of one person, for an image of this size."""
    from recapbench.data import pose

    draw = {"def_gan": pose.pose_mask, "pg2": pose.pg2_mask}[kind]
    return draw(keypoints, (image.shape[0], image.shape[1]))
