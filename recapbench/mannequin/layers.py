"""Layers: the meshes that make up a dressed person at rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from recapbench.mannequin.body import Body
from recapbench.mannequin.cuts import ALWAYS, cut

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclasses.dataclass
class Layer:
    """One mesh with one material.

    ``faces`` (F, 3) index the body's vertices, moved out along their normals by ``offset`` (N,) dm,
    or, if ``shape`` is given, that shape's own vertices. ``cut`` bounds the layer, ``covers`` are
    the cuts of the garments worn over it. ``edge`` is the cut whose border is drawn as a hem; it
    differs from ``cut`` where two parts of a garment meet.
    """

    kind: int
    material: Floats
    label: int
    faces: Ints
    offset: Floats | None = None
    cut: Floats = dataclasses.field(default_factory=lambda: cut(ALWAYS))
    covers: list[Floats] = dataclasses.field(default_factory=list)
    shape: Shape | None = None
    flat_sole: bool = False
    edge: Floats | None = None


@dataclasses.dataclass
class Shape:
    """A generated mesh: rest places (N, 3), canonical places (N, 3) and per-vertex bone weights.

    ``bones`` is a list of (bone name, weights (N,)); the weights of a vertex sum to one.
    """

    places: Floats
    canonical: Floats
    bones: list[tuple[str, Floats]]

    def skinning(self, body: Body, width: int) -> tuple[Ints, Floats]:
        """Bone indices and weights (N, width)."""
        index = np.zeros((len(self.places), width), dtype=np.int64)
        weight = np.zeros((len(self.places), width))
        for i, (bone, share) in enumerate(self.bones):
            index[:, i] = body.bone_index[bone]
            weight[:, i] = share
        return index, weight


def rigid(places: Floats, canonical: Floats, bone: str) -> Shape:
    """A shape carried by one bone."""
    return Shape(places, canonical, [(bone, np.ones(len(places)))])


def grid_faces(rows: int, columns: int, closed: bool) -> Ints:
    """Triangles of a (rows x columns) grid; ``closed`` joins the last column to the first."""
    faces = []
    for r in range(rows - 1):
        for c in range(columns if closed else columns - 1):
            d = (c + 1) % columns
            a, b = r * columns + c, r * columns + d
            faces += [[a, b, a + columns], [b, b + columns, a + columns]]
    return np.array(faces, dtype=np.int64)
