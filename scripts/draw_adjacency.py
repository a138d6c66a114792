"""Draw the graphs that LGR reasons on, ``docs/images/adjacency_20.svg`` and ``adjacency_7.svg``.

``python scripts/draw_adjacency.py`` after a change of ``recapbench/methods/sat_lgr/lgr.py``;
``--check`` writes nothing and fails if a picture differs. Nodes stand where the part is on a person
who faces us (the person's left is on our right), edges are those of E without its self loops.
Equal graphs give equal bytes under one release of matplotlib, whose number is left out of the file.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Final

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from recapbench.data.parsing import LIP_LABELS, MARKET_LABELS
from recapbench.methods.sat_lgr.lgr import adjacency

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "images"

PLACES: Final[dict[int, dict[str, tuple[float, float]]]] = {
    20: {
        "background": (-4.4, 10.6),
        "hat": (0.0, 10.9),
        "hair": (-1.7, 10.0),
        "face": (0.0, 9.2),
        "sunglasses": (2.2, 9.9),
        "scarf": (-2.6, 8.5),
        "coat": (-1.7, 7.2),
        "upper-clothes": (1.9, 7.2),
        "dress": (-1.5, 4.4),
        "jumpsuits": (1.5, 4.4),
        "right-arm": (-4.6, 5.8),
        "left-arm": (4.6, 5.8),
        "glove": (0.0, 5.8),
        "skirt": (-1.5, 2.6),
        "pants": (1.5, 2.6),
        "right-leg": (-1.9, 0.8),
        "left-leg": (1.9, 0.8),
        "socks": (0.0, -0.1),
        "right-shoe": (-1.9, -1.2),
        "left-shoe": (1.9, -1.2),
    },
    7: {
        "background": (-2.2, 5.2),
        "hair": (0.0, 5.2),
        "face": (0.0, 4.1),
        "upper": (0.0, 2.9),
        "arms": (1.9, 2.4),
        "lower": (0.0, 1.4),
        "legs": (0.0, 0.0),
    },
}
BOW: Final = 0.95
"""How far from its straight line an edge passes that goes around a node."""
GROUPS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "head": ("#56B4E9", ("hat", "hair", "face", "sunglasses")),
    "clothes": (
        "#E69F00",
        (
            *("scarf", "coat", "upper-clothes", "dress", "jumpsuits", "skirt", "pants", "upper"),
            *("lower", "glove", "socks", "left-shoe", "right-shoe"),
        ),
    ),
    "limbs": ("#66C2A5", ("left-arm", "right-arm", "left-leg", "right-leg", "arms", "legs")),
    "joined to nothing": ("#D9D9D9", ("background",)),
}
"""Colours that the colour-blind tell apart (Okabe and Ito 2008), each with its kind of part."""


def colour_of(name: str) -> str:
    """Fill of a node."""
    return next(colour for colour, names in GROUPS.values() if name in names)


def bend(parts: int, first: str, second: str) -> float:
    """How far an edge is bowed, twice the bow over its length: around a node on its way."""
    (x0, y0), (x1, y1) = PLACES[parts][first], PLACES[parts][second]
    for name, (x, y) in PLACES[parts].items():
        if name in (first, second):
            continue
        long = (x1 - x0) ** 2 + (y1 - y0) ** 2
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / long
        across = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / long**0.5
        if 0 < along < 1 and abs(across) < 0.55:
            return (2 if across <= 0 else -2) * BOW / long**0.5
    return 0.0


def draw(axes: Axes, parts: int) -> None:
    """Edges, then nodes over them."""
    names = LIP_LABELS if parts == len(LIP_LABELS) else MARKET_LABELS
    edges_NN = adjacency(parts)
    for i, first in enumerate(names):
        for j in range(i + 1, parts):
            if edges_NN[i, j]:
                axes.add_patch(edge(parts, first, names[j]))
    for number, name in enumerate(names):
        x, y = PLACES[parts][name]
        box = {"boxstyle": "round,pad=0.35", "fc": colour_of(name), "ec": "#333333", "lw": 0.8}
        axes.text(x, y, f"{number} {name}", ha="center", va="center", fontsize=9, bbox=box)


def edge(parts: int, first: str, second: str) -> FancyArrowPatch:
    """A line between two nodes."""
    return FancyArrowPatch(
        PLACES[parts][first],
        PLACES[parts][second],
        arrowstyle="-",
        connectionstyle=f"arc3,rad={bend(parts, first, second)}",
        color="#555555",
        lw=1.0,
        zorder=1,
    )


def picture(parts: int) -> bytes:
    """The SVG of one graph."""
    style = {
        "svg.hashsalt": f"adjacency_{parts}",
        "svg.fonttype": "path",
        "font.family": "DejaVu Sans",
    }
    xs, ys = zip(*PLACES[parts].values(), strict=True)
    width, height = max(xs) - min(xs) + 2.6, max(ys) - min(ys) + 2.0
    with matplotlib.rc_context(style):
        figure, axes = pyplot.subplots(figsize=(0.75 * width, 0.62 * height))
        axes.set_xlim(min(xs) - 1.3, max(xs) + 1.3)
        axes.set_ylim(min(ys) - 1.2, max(ys) + 0.8)
        axes.set_axis_off()
        draw(axes, parts)
        present = [
            (colour, label)
            for label, (colour, names) in GROUPS.items()
            if any(name in PLACES[parts] for name in names)
        ]
        handles = [
            axes.plot([], [], "s", color=colour, markeredgecolor="#333333", label=label)[0]
            for colour, label in present
        ]
        axes.legend(handles=handles, loc="lower center", ncols=2, fontsize=8, frameon=False)
        figure.tight_layout(pad=0.2)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
    return buffer.getvalue()


def main() -> None:
    """Write both pictures, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = parser.parse_args().check
    stale = []
    for parts in PLACES:
        path, made = FOLDER / f"adjacency_{parts}.svg", picture(parts)
        if not check:
            path.write_bytes(made)
        elif not path.is_file() or path.read_bytes() != made:
            stale.append(path.name)
    if stale:
        sys.exit(f"{', '.join(stale)}: not what scripts/draw_adjacency.py draws; run it")


if __name__ == "__main__":
    main()
