"""The drawings of LGR's graphs (`scripts/draw_adjacency.py`)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from checkout_scripts import load_script
from matplotlib import pyplot
from matplotlib.patches import FancyArrowPatch

from recapbench.data.parsing import LIP_LABELS, MARKET_LABELS
from recapbench.methods.sat_lgr.lgr import adjacency

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_script("draw_adjacency")


@pytest.mark.parametrize(("parts", "names"), [(20, LIP_LABELS), (7, MARKET_LABELS)])
def test_every_node_and_edge_is_drawn_once(
    script: ModuleType, parts: int, names: tuple[str, ...]
) -> None:
    figure, axes = pyplot.subplots()
    script.draw(axes, parts)
    ends = {tuple(place): name for name, place in script.PLACES[parts].items()}
    drawn = sorted(
        sorted(names.index(ends[tuple(place)]) for place in patch._posA_posB)
        for patch in axes.patches
        if isinstance(patch, FancyArrowPatch)
    )
    wanted = [[i, j] for i, j in adjacency(parts).nonzero().tolist() if i < j]
    assert drawn == sorted(wanted)
    texts = [text.get_text() for text in axes.texts]
    assert sorted(texts) == sorted(f"{i} {name}" for i, name in enumerate(names))
    pyplot.close(figure)


@pytest.mark.parametrize("parts", [20, 7])
def test_a_drawing_is_the_same_twice_and_the_docs_show_it(script: ModuleType, parts: int) -> None:
    assert script.picture(parts) == script.picture(parts)
    assert (ROOT / f"docs/images/adjacency_{parts}.svg").is_file()
    assert f"images/adjacency_{parts}.svg" in (ROOT / "docs/sat_lgr.md").read_text()
