"""The camera: framing a posed person in an image."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.identity import Jsonable

Floats = npt.NDArray[np.float64]

STUDIO, STREET = "studio", "street"
FRAMINGS = ("full", "upper", "lower", "head", "chest", "hand")


@dataclasses.dataclass(frozen=True)
class View(Jsonable):
    """Where the camera stands and what it frames.

    ``yaw`` degrees turns the person to the viewer's right (0 front, 90 shows the person's right
    side, 180 the back); ``elevation`` degrees looks down; ``distance`` dm. ``framing`` is one of
    ``FRAMINGS`` (the last three are close-ups). ``fill`` is the share of the height that the framed
    part takes, ``shift`` the sideways offset as a share of the width. ``scene`` is studio or
    street; ``background_seed``, ``gain`` (RGB) and ``noise`` (standard deviation) belong to the
    street.
    """

    yaw: float = 0.0
    elevation: float = 5.0
    distance: float = 48.0
    framing: str = "full"
    fill: float = 0.9
    shift: float = 0.0
    scene: str = STUDIO
    background_seed: int = 0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 0.0


@dataclasses.dataclass(frozen=True)
class Projection:
    """Camera-space places (N, 3) dm (x right, y down, z away) and the lens in samples."""

    places: Floats
    joints: Floats
    focal: float
    centre_x: float
    centre_y: float
    ground: tuple[float, float, float]
    """Contact shadow: centre x, y and half width in samples."""

    def to_samples(self, places: Floats) -> Floats:
        """Image places (N, 2) in samples (sample (i, j) covers [j, j+1) x [i, i+1))."""
        u = places[:, 0] / places[:, 2] * self.focal + self.centre_x
        v = places[:, 1] / places[:, 2] * self.focal + self.centre_y
        return np.stack([u, v], axis=1)


def _turned(places: Floats, yaw: float) -> Floats:
    s, c = math.sin(math.radians(yaw)), math.cos(math.radians(yaw))
    x, y, z = places[:, 0], places[:, 1], places[:, 2]
    return np.stack([c * x + s * z, y, c * z - s * x], axis=1)


def _band(framing: str, v: Floats, joint_v: Floats) -> tuple[float, float]:
    """Top and bottom, in tangents of the view angle, of the framed part."""
    top, bottom = float(v.min()), float(v.max())
    hip = 0.5 * float(joint_v[8] + joint_v[11])
    knee = 0.5 * float(joint_v[9] + joint_v[12])
    if framing == "upper":
        head = float(joint_v[[0, 14, 15, 16, 17]].min()) - 0.045
        return max(top, head), 0.5 * (hip + knee)
    if framing == "lower":
        return hip - 0.3 * (bottom - hip), bottom
    if framing == "head":
        return float(joint_v[14:18].mean()) - 0.045, float(joint_v[14:18].mean()) + 0.045
    if framing == "chest":
        return float(joint_v[1]) - 0.065, float(joint_v[1]) + 0.075
    if framing == "hand":
        return float(joint_v[4]) - 0.02, float(joint_v[4]) + 0.06
    return top, bottom


def project(places: Floats, joints: Floats, view: View, height: int, width: int) -> Projection:
    """Place the camera for an image of ``height`` x ``width`` samples.

    Args:
        places: posed vertices (N, 3); joints: posed joints (18, 3); dm.
    """
    if view.framing not in FRAMINGS:
        raise ValueError(f"unknown framing {view.framing!r}")
    places, joints = _turned(places, view.yaw), _turned(joints, view.yaw)
    floor = float(places[:, 1].min())
    middle = 0.5 * (joints[8] + joints[11])
    target = np.array([middle[0], floor + 9.0, middle[2]])
    e = math.radians(view.elevation)
    forward = np.array([0.0, -math.sin(e), -math.cos(e)])
    down = np.array([0.0, -math.cos(e), math.sin(e)])
    eye = target - forward * view.distance

    def to_camera(p: Floats) -> Floats:
        q = p - eye
        return np.stack(
            [
                q[:, 0],
                q[:, 1] * down[1] + q[:, 2] * down[2],
                q[:, 1] * forward[1] + q[:, 2] * forward[2],
            ],
            axis=1,
        )

    seen, seen_joints = to_camera(places), to_camera(joints)
    u, v = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
    joint_u, joint_v = (seen_joints[:, i] / seen_joints[:, 2] for i in (0, 1))
    top, bottom = _band(view.framing, v, joint_v)
    focal = view.fill * height / (bottom - top)
    centre_u = float(joint_u[1])
    if view.framing == "full":
        focal = min(focal, 0.95 * width / float(u.max() - u.min()))
        centre_u = 0.5 * float(u.min() + u.max())
    elif view.framing == "hand":
        centre_u = float(joint_u[4])
    elif view.framing == "head":
        centre_u = float(joint_u[14:18].mean())
    centre_x = width * (0.5 + view.shift) - centre_u * focal
    drop = 0.0 if view.framing != "upper" else 0.3 * (1.0 - view.fill)
    centre_y = height * (0.5 + drop) - 0.5 * (top + bottom) * focal
    feet = float(u[seen[:, 1] > seen[:, 1].max() - 1.5].mean())
    ground = (
        centre_x + focal * feet,
        centre_y + focal * float(v.max()),
        focal * 1.9 / view.distance,
    )
    return Projection(seen, seen_joints, focal, centre_x, centre_y, ground)
