"""Draw one picture of a person: image, LIP-20 labels and the 18 joints.

Rendering is stateless and deterministic: equal arguments give equal bytes, in any process.

Labels are always LIP's 20 classes. Bare neck and chest skin is face, a sleeve belongs to its
garment, ears are face, hands without gloves are arms.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from recapbench.data.skeleton import HIDDEN, MISSING, SEEN
from recapbench.mannequin import background as backgrounds
from recapbench.mannequin.body import body
from recapbench.mannequin.camera import STREET, Projection, View, project
from recapbench.mannequin.finish import close_specks, resolve, to_bytes
from recapbench.mannequin.identity import Figure, Identity
from recapbench.mannequin.outfit import Outfit
from recapbench.mannequin.pattern import glyphs
from recapbench.mannequin.person import Person, person
from recapbench.mannequin.poses import Pose, bone_transforms, multiply
from recapbench.mannequin.raster import SUBPIXEL, rasterise, skin_vertices, vertex_normals
from recapbench.mannequin.shading import shade

RENDERER_VERSION = 1
"""Raised whenever the same arguments may give another picture."""

SAMPLES = 2
"""Samples a pixel along each axis."""
_SHADOW_SIZE = 256
_CURVE = (np.linspace(0.0, 1.0, 4097) ** (1.0 / 1.15)) * 255.0
_WORDS = glyphs()
_REACH = np.array(
    [0.45, 0.9, 1.3, 0.8, 0.7, 1.3, 0.8, 0.7, 1.8, 1.1, 0.9, 1.8, 1.1, 0.9, 0.45, 0.45, 0.5, 0.5]
)
"""How deep below the surface, in dm, each joint may lie and still count as seen."""
_CLOTH_REACH = 0.35

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Rendering:
    """A picture.

    image: uint8 (H, W, 3) RGB; labels: uint8 (H, W), LIP 0..19; keypoints: float32 (18, 3), x and y
    in pixels (centres at integers) and visibility 0 outside, 1 hidden, 2 seen.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    keypoints: npt.NDArray[np.float32]


def _snap(samples: Floats) -> npt.NDArray[np.int64]:
    return np.rint(samples * SUBPIXEL).astype(np.int64)


def _light(identity: Identity) -> tuple[Floats, float]:
    backdrop = identity.backdrop
    a, e = math.radians(backdrop.light_azimuth), math.radians(backdrop.light_elevation)
    toward = [math.sin(a) * math.cos(e), -math.sin(e), -math.cos(a) * math.cos(e)]
    return np.array(toward), backdrop.ambient


def _shadow_map(model: Person, seen: Projection, light: Floats) -> tuple[Floats, Floats]:
    """1/depth (S, S) seen from the light, and the map (3, 4) from camera space to it."""
    away = -light
    right = np.array([away[2], 0.0, -away[0]])
    right /= math.sqrt(float((right * right).sum()))
    down = np.array(
        [
            away[1] * right[2] - away[2] * right[1],
            away[2] * right[0] - away[0] * right[2],
            away[0] * right[1] - away[1] * right[0],
        ]
    )
    axes = np.stack([right, down, away])
    turned = multiply(axes, np.ascontiguousarray(seen.places.T))
    low, high = turned.min(axis=1), turned.max(axis=1)
    scale = (_SHADOW_SIZE - 4) / max(high[0] - low[0], high[1] - low[1])
    factors = np.array([scale, scale, 1.0])
    offset = np.array([2.0 - low[0] * scale, 2.0 - low[1] * scale, 10.0 - low[2]])
    placed = turned * factors[:, None] + offset[:, None]
    depth, _, _ = rasterise(
        _snap(placed[:2].T),
        1.0 / placed[2],
        model.faces,
        model.layer_of,
        model.tested,
        model.attributes,
        model.cuts,
        model.cut_of,
        model.covers,
        _SHADOW_SIZE,
        _SHADOW_SIZE,
    )
    return depth, np.column_stack([axes * factors[:, None], offset])


def _keypoints(
    seen: Projection, depth: Floats, labels: npt.NDArray[np.uint8], covered: set[int]
) -> npt.NDArray[np.float32]:
    """Joints (18, 3) in pixels with visibility from the depth buffer."""
    samples = seen.to_samples(seen.joints)
    height, width = depth.shape
    flags = np.zeros(18)
    for k in range(18):
        column, row = (math.floor(value) for value in samples[k])
        if not (0 <= row < height and 0 <= column < width):
            flags[k] = MISSING
            continue
        slack = _REACH[k] + (_CLOTH_REACH if int(labels[row, column]) in covered else 0.0)
        surface = depth[row, column]
        open_view = surface == 0.0 or seen.joints[k, 2] - 1.0 / surface < slack
        flags[k] = SEEN if open_view else HIDDEN
    if flags[1] != MISSING:
        flags[1] = SEEN if SEEN in (flags[2], flags[5]) else HIDDEN
    places = samples / SAMPLES - 0.5
    return np.column_stack([places, flags]).astype(np.float32)


def _backdrop(identity: Identity, view: View, seen: Projection, height: int, width: int) -> Floats:
    full = view.framing in ("full", "lower")
    if view.scene == STREET:
        image = backgrounds.street(view.background_seed, height, width)
    else:
        image = backgrounds.studio(identity.backdrop, height, width, full)
    if full:
        x, y, half = (value / SAMPLES for value in seen.ground)
        image = backgrounds.contact_shadow(image, x, y, half)
    return image


def render(
    identity: Identity,
    pose: Pose,
    view: View,
    figure: Figure,
    outfit: Outfit,
    size: tuple[int, int],
) -> Rendering:
    """Draw a person.

    Args:
        size: (height, width) in pixels; (256, 256) in the studio, (128, 64) in the street.
    """
    height, width = size
    shared, model = body(), person(identity, figure, outfit)
    transforms = bone_transforms(pose, shared, model.heads)
    posed = skin_vertices(model.places, model.skin_index, model.skin_weight, transforms)
    carriers = transforms[model.joint_bones]
    joints = (carriers[:, :, :3] * model.joints[:, None, :]).sum(axis=2) + carriers[:, :, 3]
    seen = project(posed, joints, view, height * SAMPLES, width * SAMPLES)
    depth, face_at, weights = rasterise(
        _snap(seen.to_samples(seen.places)),
        1.0 / seen.places[:, 2],
        model.faces,
        model.layer_of,
        model.tested,
        model.attributes,
        model.cuts,
        model.cut_of,
        model.covers,
        height * SAMPLES,
        width * SAMPLES,
    )
    light, ambient = _light(identity)
    shadow, to_shadow = _shadow_map(model, seen, light)
    rgb, sample_labels = shade(
        depth,
        face_at,
        weights,
        model.faces,
        model.layer_of,
        model.labels,
        model.attributes,
        vertex_normals(seen.places, model.faces),
        model.kinds,
        model.materials,
        model.cuts,
        model.edge_of,
        shared.canonical_heads[shared.bone_index["eye.L"]],
        _WORDS,
        light,
        ambient,
        shadow,
        to_shadow,
        np.array([seen.focal, seen.centre_x, seen.centre_y]),
    )
    behind = _backdrop(identity, view, seen, height, width)
    colour, labels = resolve(rgb, sample_labels, behind, SAMPLES)
    close_specks(colour, labels)
    image = to_bytes(colour, np.array(view.gain), view.noise, view.background_seed, _CURVE)
    covered = {5, 6, 7, 9, 10, 12}
    return Rendering(image, labels, _keypoints(seen, depth, sample_labels, covered))
