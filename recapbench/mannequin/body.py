"""The human body: base mesh, adult shape targets, rig and joints, read from the packed asset.

Lengths are decimetres, y up, +z front, +x the person's left. Sums run in a fixed order of element
operations, so that the same parameters give the same bits.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import lzma
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recapbench.data.skeleton import JOINTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ASSET = Path(__file__).parent / "assets" / "body.xz"
MAGIC = b"RBBODY1\n"
BODY_VERTICES = 13380
"""Vertices below this index are skin; the rest are eyes, clothes helpers and joint markers."""

_AXES: dict[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "age": ("young", "old"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
    "height": ("minheight", "maxheight"),
    "proportions": ("idealproportions", "uncommonproportions"),
    "cup": ("mincup", "averagecup", "maxcup"),
}
RACES = ("african", "asian", "caucasian")
_BONE_JOINTS = {
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}
_ARM_BONES = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
_FOREARM_BONES = ("lowerarm", "wrist", "finger", "metacarpal")


def asset_digest() -> str:
    """SHA-256 of the packed body asset, as 64 hex digits."""
    return hashlib.sha256(ASSET.read_bytes()).hexdigest()


def _anchor_weights(value: float, axis: str) -> dict[str, float]:
    """Linear weights of an axis' anchors for a value in 0..1; anchors are evenly spaced."""
    names = _AXES[axis]
    mark = min(max(value, 0.0), 1.0) * (len(names) - 1)
    low = min(int(mark), len(names) - 2)
    return {names[low]: low + 1 - mark, names[low + 1]: mark - low}


class Body:
    """Mesh, targets and rig. One instance is shared: see :func:`body`."""

    def __init__(self) -> None:
        raw = lzma.decompress(ASSET.read_bytes())
        if raw[: len(MAGIC)] != MAGIC:
            raise ValueError(f"{ASSET.name} is not a body asset")
        start = len(MAGIC) + 8
        stop = start + int(raw[len(MAGIC) : start], 16)
        header = json.loads(raw[start:stop])
        self._arrays: dict[str, npt.NDArray[np.generic]] = {}
        for name, kind, shape in header["arrays"]:
            count = int(np.prod(shape))
            array = np.frombuffer(raw, dtype=np.dtype(kind), count=count, offset=stop)
            self._arrays[name] = array.reshape(shape)
            stop += array.nbytes
        self._step = float(header["step_dm"])
        self.base: Floats = self._array("base", np.float64) * self._step
        self.count = len(self.base)
        self.bones: list[str] = header["bones"]
        self.bone_index = {name: i for i, name in enumerate(self.bones)}
        self.parents: list[int] = header["parents"]
        self._heads = [np.array(v) for v in header["heads"]]
        self._marks = {name: np.array(v) for name, v in header["joints"].items()}
        self.skin_index: Ints = self._array("skin_index", np.int64)
        weight = self._array("skin_weight", np.float64)
        self.skin_weight: Floats = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
        self.triangles = {
            name[6:]: self._triangulate(name) for name in self._arrays if name.startswith("quads/")
        }
        self.masks: dict[str, Floats] = {
            name[5:]: self._array(name, np.float64) / 255.0
            for name in self._arrays
            if name.startswith("mask/")
        }
        self._set_canonical()

    def _array(self, name: str, kind: type) -> npt.NDArray:
        return self._arrays[name].astype(kind)

    def _triangulate(self, name: str) -> Ints:
        quads = self._array(name, np.int64)
        return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

    def _set_canonical(self) -> None:
        """Canonical coordinates of every vertex and its place along the arm.

        Garment edges and patterns are functions of these coordinates, so that they follow the body
        through every shape and pose. They are the rest coordinates of the mean of the average man
        and woman. ``arm`` is the distance from the shoulder divided by the arm's length (0
        shoulder, 1 wrist), ``arm_weight`` the share of arm bones in the skinning.
        """
        young = {"age": 0.0, "african": 0.0, "asian": 0.0, "caucasian": 1.0}
        man, woman = (self.shape({"gender": g, **young}) for g in (0.0, 1.0))
        self.canonical = 0.5 * (man + woman)
        self.canonical_heads = self.bone_heads(self.canonical)
        self.arm_weight = self._weight_of(_ARM_BONES)
        forearm = self._weight_of(_FOREARM_BONES)
        place = self.canonical.copy()
        place[:, 0] = np.abs(place[:, 0])
        shoulder, elbow, wrist = (
            self.canonical_heads[self.bone_index[f"{b}.L"]]
            for b in ("upperarm01", "lowerarm01", "wrist")
        )
        upper, lower = elbow - shoulder, wrist - elbow
        upper_length = float(np.sqrt((upper**2).sum()))
        lower_length = float(np.sqrt((lower**2).sum()))
        along_upper = ((place - shoulder) * upper).sum(axis=1) / upper_length
        along_lower = upper_length + ((place - elbow) * lower).sum(axis=1) / lower_length
        on_forearm = np.maximum(along_lower, upper_length * 0.9)
        self.arm_length = upper_length + lower_length
        self.arm = np.where(forearm > 0.5, on_forearm, along_upper) / self.arm_length

    def _weight_of(self, prefixes: tuple[str, ...]) -> Floats:
        chosen = np.array([b.startswith(prefixes) for b in self.bones], dtype=np.float64)
        return (self.skin_weight * chosen[self.skin_index]).sum(axis=1)

    def _add(self, vertices: Floats, name: str, weight: float) -> None:
        if abs(weight) > 1e-6:
            index = np.cumsum(self._array(f"index/{name}", np.int64))
            offset = self._array(f"offset/{name}", np.float64)
            vertices[index] += (offset.T * self._step) * weight

    def shape(
        self,
        macro: Mapping[str, float] | None = None,
        local: Mapping[str, float] | None = None,
    ) -> Floats:
        """Rest-pose vertices (N, 3) in dm.

        Args:
            macro: ``gender`` (0 man, 1 woman), ``age`` (0 young adult, 1 old), ``muscle``,
                ``weight``, ``height``, ``proportions``, ``cup`` in 0..1 (0.5 each where absent) and
                the shares ``african``, ``asian``, ``caucasian``.
            local: weight of further targets by name; a target with an -incr and a -decr side takes
                a signed weight under its common name.
        """
        given = dict(macro or {})
        vertices = self.base.copy()
        axis = {name: _anchor_weights(given.get(name, 0.5), name) for name in _AXES}
        shares = [given.get(race, 1.0 / 3.0) for race in RACES]
        total = sum(shares)
        for (sex, a), (age, b) in itertools.product(axis["gender"].items(), axis["age"].items()):
            for race, share in zip(RACES, shares, strict=True):
                self._add(vertices, f"macrodetails/{race}-{sex}-{age}", a * b * share / total)
            for (muscle, c), (weight, d) in itertools.product(
                axis["muscle"].items(), axis["weight"].items()
            ):
                kind, amount = f"{sex}-{age}-{muscle}-{weight}", a * b * c * d
                self._add(vertices, f"macrodetails/universal-{kind}", amount)
                for height, e in axis["height"].items():
                    self._add(vertices, f"macrodetails/height/{kind}-{height}", amount * e)
                for proportion, e in axis["proportions"].items():
                    self._add(vertices, f"macrodetails/proportions/{kind}-{proportion}", amount * e)
                if sex == "female":
                    for cup, e in axis["cup"].items():
                        if cup != "averagecup":
                            self._add(vertices, f"breast/{kind}-{cup}-averagefirmness", amount * e)
        for name, value in (local or {}).items():
            side = name
            if f"index/{name}" not in self._arrays:
                side = f"{name}-{'incr' if value >= 0 else 'decr'}"
            self._add(vertices, side, abs(value))
        return vertices

    def bone_heads(self, vertices: Floats) -> Floats:
        """Head of every bone (B, 3) in dm for rest-pose vertices."""
        return np.stack([vertices[i].sum(axis=0) / len(i) for i in self._heads])

    def joints(self, vertices: Floats) -> tuple[Floats, Ints]:
        """The 18 joints at rest: places (18, 3) in dm and the bone that carries each.

        A joint that is the head of a bone is carried by that bone; nose, eyes and ears by the head;
        the neck, the middle of the shoulders, by the uppermost spine bone.
        """
        heads = self.bone_heads(vertices)
        places = np.zeros((len(JOINTS), 3))
        carriers = np.zeros(len(JOINTS), dtype=np.int64)
        for i, joint in enumerate(JOINTS):
            side, _, part = joint.rpartition("_")
            if part in _BONE_JOINTS:
                bone = self.bone_index[f"{_BONE_JOINTS[part]}.{side[0].upper()}"]
                places[i], carriers[i] = heads[bone], bone
            elif joint == "neck":
                left, right = (heads[self.bone_index[f"upperarm01.{s}"]] for s in "LR")
                places[i], carriers[i] = 0.5 * (left + right), self.bone_index["spine01"]
            else:
                mark = self._marks[joint]
                places[i] = vertices[mark].sum(axis=0) / len(mark)
                carriers[i] = self.bone_index["head"]
        return places, carriers


@lru_cache(maxsize=1)
def body() -> Body:
    """The shared body, loaded on first use."""
    return Body()
