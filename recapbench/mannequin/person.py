"""A dressed person as one mesh at rest, ready to be posed and drawn many times."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.body import Body, body
from recapbench.mannequin.cuts import ALWAYS, cut, keep_many
from recapbench.mannequin.identity import Figure, Identity
from recapbench.mannequin.layers import Layer
from recapbench.mannequin.outfit import Outfit
from recapbench.mannequin.raster import COVER_MARGIN, vertex_normals
from recapbench.mannequin.wardrobe import dress_person

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Person:
    """Mesh, materials and rig of a dressed person.

    places (N, 3) dm at rest; skin_index, skin_weight (N, K); attributes (N, 7): canonical place,
    arm coordinate, lip, eyelid and nail masks; faces (F, 3); layer_of (F,); tested (F,) whether
    pixels must pass the cuts; kinds, labels, cut_of, edge_of (L,), materials (L, M), cuts (C, S),
    covers (L, K); heads (B, 3) rest bone heads; joints (18, 3) and their carrying bones (18,).
    """

    places: Floats
    skin_index: Ints
    skin_weight: Floats
    attributes: Floats
    faces: Ints
    layer_of: Ints
    tested: npt.NDArray[np.bool_]
    kinds: Ints
    labels: Ints
    materials: Floats
    cuts: Floats
    cut_of: Ints
    edge_of: Ints
    covers: Ints
    heads: Floats
    joints: Floats
    joint_bones: Ints


def rest_shape(person: Identity, figure: Figure) -> Floats:
    """Rest-pose vertices (N, 3) dm of a person with a figure."""
    macro = dict(person.body)
    macro["weight"] = min(1.0, max(0.0, macro["weight"] + 0.45 * figure.weight))
    local = dict(person.face)
    for name, value in figure.targets().items():
        local[name] = local.get(name, 0.0) + value
    return body().shape(macro, local)


class _Packer:
    """Joins layers into arrays."""

    def __init__(self, shared: Body, rest: Floats) -> None:
        self.body = shared
        self.rest = rest
        self.normals = sum(
            (
                vertex_normals(rest, shared.triangles[group])
                for group in ("body", "helper-tights", "helper-skirt")
            ),
            np.zeros(rest.shape),
        )
        self.cuts: list[Floats] = [cut(ALWAYS)]
        self.parts: dict[str, list[npt.NDArray]] = {}
        self.count = 0

    def cut_row(self, row: Floats) -> int:
        """Index of a cut row, shared between equal rows."""
        for i, known in enumerate(self.cuts):
            if np.array_equal(known, row):
                return i
        self.cuts.append(row)
        return len(self.cuts) - 1

    def push(self, **arrays: npt.NDArray) -> None:
        for name, array in arrays.items():
            self.parts.setdefault(name, []).append(array)

    def joined(self, name: str) -> npt.NDArray:
        return np.ascontiguousarray(np.concatenate(self.parts[name]))

    def _triage(
        self, layer: Layer, faces: Ints, places: Floats, arm: Floats
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which triangles can show at all, and which of them need a test in every pixel."""
        corner = places[faces]
        sides = corner - corner[:, [1, 2, 0]]
        size = np.sqrt((sides**2).sum(axis=2)).max(axis=1) * 1.2 + 0.05
        own = keep_many(layer.cut, places, arm)[faces]
        alive = own.max(axis=1) > -size
        test = own.min(axis=1) < size
        for row in layer.covers:
            over = keep_many(row, places, arm)[faces] - COVER_MARGIN
            alive &= over.min(axis=1) < size
            test |= over.max(axis=1) > -size
        return alive, test

    def add(self, number: int, layer: Layer) -> None:
        """Append one layer's vertices and faces.

        Coordinates are rounded to 1e-6 dm, so that the last bit of a sine or a sum, which may
        differ between processors, cannot move a pixel.
        """
        width = self.body.skin_index.shape[1]
        if layer.shape is not None:
            faces, places = layer.faces, layer.shape.canonical
            arm = np.zeros(len(places))
            index, weight = layer.shape.skinning(self.body, width)
            attributes = np.zeros((len(places), 7))
            attributes[:, :3] = places
            rest = layer.shape.places
        else:
            arm_all = np.clip(self.body.arm, 0.0, 1.3)
            alive, _ = self._triage(layer, layer.faces, self.body.canonical, arm_all)
            used, inverse = np.unique(layer.faces[alive], return_inverse=True)
            faces = inverse.reshape(-1, 3)
            places, arm = self.body.canonical[used], arm_all[used]
            index, weight = self.body.skin_index[used], self.body.skin_weight[used]
            masks = [self.body.masks[m][used] for m in ("lips", "eyelids", "fingernails")]
            attributes = np.column_stack([places, arm, *masks])
            offset = np.zeros(self.body.count) if layer.offset is None else layer.offset
            rest = self.rest[used] + self.normals[used] * offset[used][:, None]
            if layer.flat_sole and len(rest):
                sole = float(np.sort(rest[:, 1])[len(rest) // 50])
                under = np.minimum(rest[:, 1], sole)
                flat = np.clip((-7.86 - places[:, 1]) / 0.12, 0.0, 1.0)
                rest[:, 1] += flat * (np.where(flat > 0.9, sole, under) - rest[:, 1])
        alive, test = self._triage(layer, faces, places, arm)
        faces, test = faces[alive], test[alive]
        self.push(
            places=np.round(rest, 6),
            skin_index=index,
            skin_weight=weight,
            attributes=np.round(attributes, 6),
            faces=faces + self.count,
            layer_of=np.full(len(faces), number, dtype=np.int64),
            tested=test,
        )
        self.count += len(rest)


def build_person(person: Identity, figure: Figure, outfit: Outfit) -> Person:
    """Shape, dress and pack a person."""
    shared = body()
    rest = rest_shape(person, figure)
    layers = dress_person(shared, person, outfit, rest)
    packer = _Packer(shared, rest)
    for number, layer in enumerate(layers):
        packer.add(number, layer)
    covers = np.full((len(layers), 1 + max(len(x.covers) for x in layers)), -1, dtype=np.int64)
    for i, layer in enumerate(layers):
        for k, row in enumerate(layer.covers):
            covers[i, k] = packer.cut_row(row)
    cut_of = np.array([packer.cut_row(layer.cut) for layer in layers], dtype=np.int64)
    edges = [layer.cut if layer.edge is None else layer.edge for layer in layers]
    edge_of = np.array([packer.cut_row(row) for row in edges], dtype=np.int64)
    joints, bones = shared.joints(rest)
    return Person(
        places=packer.joined("places"),
        skin_index=packer.joined("skin_index"),
        skin_weight=packer.joined("skin_weight"),
        attributes=packer.joined("attributes"),
        faces=packer.joined("faces"),
        layer_of=packer.joined("layer_of"),
        tested=packer.joined("tested"),
        kinds=np.array([layer.kind for layer in layers], dtype=np.int64),
        labels=np.array([layer.label for layer in layers], dtype=np.int64),
        materials=np.stack([layer.material for layer in layers]),
        cuts=np.stack(packer.cuts),
        cut_of=cut_of,
        edge_of=edge_of,
        covers=covers,
        heads=shared.bone_heads(rest),
        joints=joints,
        joint_bones=bones,
    )


@lru_cache(maxsize=8)
def person(identity: Identity, figure: Figure, outfit: Outfit) -> Person:
    """:func:`build_person`, remembering the last few."""
    return build_person(identity, figure, outfit)
