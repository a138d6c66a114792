"""Triangle rasteriser: exact integer edge functions, top-left rule, z-buffer, per-pixel cuts."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from recapbench.mannequin.cuts import keep

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SUBPIXEL = 256
"""Vertices are snapped to 1/256 pixel."""
COVER_MARGIN = 0.12
"""Depth in dm inside a covering garment beyond which what lies below is left out."""


@njit(cache=True)
def _survives(
    layer: int,
    x: float,
    y: float,
    z: float,
    t: float,
    cuts: Floats,
    cut_of: Ints,
    covers: Ints,
) -> bool:
    if keep(cuts[cut_of[layer]], x, y, z, t) < 0.0:
        return False
    for i in range(covers.shape[1]):
        row = covers[layer, i]
        if row < 0:
            break
        if keep(cuts[row], x, y, z, t) > COVER_MARGIN:
            return False
    return True


@njit(cache=True)
def _pixel_range(a: int, b: int, c: int, size: int) -> tuple[int, int]:
    """First and last pixel whose centre lies within three coordinates (1/SUBPIXEL pixel)."""
    half = SUBPIXEL // 2
    first = max(0, (min(a, b, c) - half + SUBPIXEL - 1) // SUBPIXEL)
    return first, min(size - 1, (max(a, b, c) - half) // SUBPIXEL)


@njit(cache=True)
def _edge_bias(ax: int, ay: int, bx: int, by: int) -> int:
    """Top-left rule: 0 if the edge from a to b owns the pixel centres on it, else -1."""
    return 0 if (by - ay < 0 or (by == ay and bx - ax > 0)) else -1


@njit(cache=True)
def rasterise(
    place: Ints,
    inverse_depth: Floats,
    faces: Ints,
    layer_of: Ints,
    tested: npt.NDArray[np.bool_],
    canonical: Floats,
    cuts: Floats,
    cut_of: Ints,
    covers: Ints,
    height: int,
    width: int,
) -> tuple[Floats, Ints, Floats]:
    """Draw triangles; the nearest surface wins.

    Args:
        place: (N, 2) x and y in 1/SUBPIXEL pixel, pixel (i, j) covering [j, j+1) x [i, i+1).
        inverse_depth: (N,) 1/z, positive in front of the camera.
        faces: (F, 3) vertex indices; layer_of: (F,) layer of each.
        tested: (F,) whether the pixels of a triangle must pass the layer's cuts.
        canonical: (N, 4) canonical place and arm coordinate.
        cuts, cut_of, covers: cut rows, the row of each layer, rows of the garments over each layer
            (-1 ends the list).

    Returns:
        1/z (H, W), 0 where empty; face index (H, W), -1 where empty; first two perspective-correct
        barycentric weights (H, W, 2).
    """
    depth = np.zeros((height, width))
    face_at = np.full((height, width), -1, np.int64)
    weights = np.zeros((height, width, 2))
    half = SUBPIXEL // 2
    for f in range(faces.shape[0]):
        a = faces[f, 0]
        b = faces[f, 1]
        c = faces[f, 2]
        if inverse_depth[a] <= 0.0 or inverse_depth[b] <= 0.0 or inverse_depth[c] <= 0.0:
            continue
        ax, ay, bx, by = place[a, 0], place[a, 1], place[b, 0], place[b, 1]
        cx, cy = place[c, 0], place[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        swapped = area < 0
        if swapped:
            b, c = c, b
            bx, by, cx, cy = cx, cy, bx, by
            area = -area
        column0, column1 = _pixel_range(ax, bx, cx, width)
        row0, row1 = _pixel_range(ay, by, cy, height)
        bias_a = _edge_bias(bx, by, cx, cy)
        bias_b = _edge_bias(cx, cy, ax, ay)
        bias_c = _edge_bias(ax, ay, bx, by)
        za, zb, zc = inverse_depth[a], inverse_depth[b], inverse_depth[c]
        for row in range(row0, row1 + 1):
            py = row * SUBPIXEL + half
            for column in range(column0, column1 + 1):
                px = column * SUBPIXEL + half
                wa = (cx - bx) * (py - by) - (cy - by) * (px - bx)
                if wa + bias_a < 0:
                    continue
                wb = (ax - cx) * (py - cy) - (ay - cy) * (px - cx)
                if wb + bias_b < 0:
                    continue
                wc = area - wa - wb
                if wc + bias_c < 0:
                    continue
                z = (wa * za + wb * zb + wc * zc) / area
                if z <= depth[row, column]:
                    continue
                pa = wa * za / (z * area)
                pb = wb * zb / (z * area)
                pc = 1.0 - pa - pb
                if tested[f]:
                    x = pa * canonical[a, 0] + pb * canonical[b, 0] + pc * canonical[c, 0]
                    y = pa * canonical[a, 1] + pb * canonical[b, 1] + pc * canonical[c, 1]
                    w = pa * canonical[a, 2] + pb * canonical[b, 2] + pc * canonical[c, 2]
                    t = pa * canonical[a, 3] + pb * canonical[b, 3] + pc * canonical[c, 3]
                    if not _survives(layer_of[f], x, y, w, t, cuts, cut_of, covers):
                        continue
                depth[row, column] = z
                face_at[row, column] = f
                weights[row, column, 0] = pa
                weights[row, column, 1] = pc if swapped else pb
    return depth, face_at, weights


@njit(cache=True)
def vertex_normals(vertices: Floats, faces: Ints) -> Floats:
    """Unit area-weighted normals (N, 3); zero where a vertex has no face."""
    normals = np.zeros(vertices.shape)
    for f in range(faces.shape[0]):
        a = faces[f, 0]
        b = faces[f, 1]
        c = faces[f, 2]
        u0 = vertices[b, 0] - vertices[a, 0]
        u1 = vertices[b, 1] - vertices[a, 1]
        u2 = vertices[b, 2] - vertices[a, 2]
        v0 = vertices[c, 0] - vertices[a, 0]
        v1 = vertices[c, 1] - vertices[a, 1]
        v2 = vertices[c, 2] - vertices[a, 2]
        n0 = u1 * v2 - u2 * v1
        n1 = u2 * v0 - u0 * v2
        n2 = u0 * v1 - u1 * v0
        for i in (a, b, c):
            normals[i, 0] += n0
            normals[i, 1] += n1
            normals[i, 2] += n2
    for i in range(len(normals)):
        length = math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2) + 1e-12
        normals[i] /= length
    return normals


@njit(cache=True)
def skin_vertices(vertices: Floats, index: Ints, weight: Floats, bones: Floats) -> Floats:
    """Linear blend skinning: (N, 3) rest places moved by (B, 3, 4) bone transforms."""
    out = np.zeros(vertices.shape)
    blend = np.zeros((3, 4))
    for i in range(len(vertices)):
        blend[:] = 0.0
        for k in range(index.shape[1]):
            if weight[i, k] > 0.0:
                for r in range(3):
                    for c in range(4):
                        blend[r, c] += weight[i, k] * bones[index[i, k], r, c]
        for r in range(3):
            out[i, r] = (
                blend[r, 0] * vertices[i, 0]
                + blend[r, 1] * vertices[i, 1]
                + blend[r, 2] * vertices[i, 2]
                + blend[r, 3]
            )
    return out
