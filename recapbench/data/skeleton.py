"""The 18 body joints of OpenPose's COCO layout, their limbs and their mirror pairs.

A pose is a float32 array (18, 3) of ``x, y, visibility`` in pixels of the image, pixel centres at
integer coordinates. Visibility: 0 outside the image or missing, 1 hidden, 2 seen. Coordinates of a
joint whose visibility is 0 are undefined and must not be read.
"""

from __future__ import annotations

from typing import Final

MISSING: Final = 0
"""Visibility of a joint that is outside the image or was not detected."""
HIDDEN: Final = 1
"""Visibility of a joint inside the image that something covers."""
SEEN: Final = 2
"""Visibility of a joint that can be seen."""

JOINTS: tuple[str, ...] = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
"""Joint names in channel order. The public Def-GAN code labels 14-17 the other way round; measured
on frontal Market-1501 images they are right, left, right, left."""

NUM_JOINTS: Final = len(JOINTS)

FLIP_PAIRS: tuple[tuple[int, int], ...] = (
    (2, 5),
    (3, 6),
    (4, 7),
    (8, 11),
    (9, 12),
    (10, 13),
    (14, 15),
    (16, 17),
)
"""Joints that swap when an image is mirrored."""

LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
"""Joint pairs drawn as a skeleton (0-based)."""

MASK_LIMBS: tuple[tuple[int, int], ...] = (
    *LIMBS,
    (1, 16),
    (1, 17),
    (8, 11),
    (11, 5),
    (8, 2),
    (16, 17),
)
"""Joint pairs that the pose mask fills, in Def-GAN's form (0-based; its code counts from 1)."""
