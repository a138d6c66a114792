"""Panels are cut out of strips to the pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recapbench.errors import DataError, UsageError
from recapbench.scoring.strips import StripLayout, StripReader

PANELS = np.random.default_rng(0).integers(0, 256, (5, 12, 7, 3), dtype=np.uint8)


def saved(path: Path, count: int) -> Path:
    Image.fromarray(np.concatenate(PANELS[:count], axis=1)).save(path)
    return path


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("source|pose|target|generated", {"source": 0, "target": 2, "generated": 3}),
        ("-|generated", {"generated": 1}),
        (" generated | target ", {"generated": 0, "target": 1}),
        ("def_gan", {"source": 0, "target": 1, "generated": 2}),
        ("patn", {"source": 0, "target": 2, "generated": 4}),
    ],
)
def test_panels(tmp_path: Path, text: str, places: dict[str, int]) -> None:
    layout = StripLayout.parse(text)
    reader = StripReader(layout)
    path = saved(tmp_path / "strip.png", len(layout.panels))
    for panel, place in places.items():
        np.testing.assert_array_equal(reader.panel(path, panel), PANELS[place])
    assert [layout.has(panel) for panel in ("source", "target")] == [
        "source" in places,
        "target" in places,
    ]


def test_a_reader_takes_each_file_anew(tmp_path: Path) -> None:
    reader = StripReader(StripLayout.parse("target|generated"))
    first, second = saved(tmp_path / "a.png", 2), tmp_path / "b.png"
    Image.fromarray(np.concatenate(PANELS[2:4], axis=1)).save(second)
    for path, panel in ((first, 1), (second, 3), (first, 1)):
        np.testing.assert_array_equal(reader.panel(path, "generated"), PANELS[panel])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source|target", "expected a panel 'generated', got none"),
        ("soruce|generated", "Did you mean 'source'"),
        ("patm", "Did you mean 'patn'"),
        ("generated", "unknown layout of strips"),
        ("generated|generated", "one panel 'generated', got several"),
        ("", "unknown layout of strips"),
    ],
)
def test_layouts_that_make_no_sense(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        StripLayout.parse(text)


def test_a_width_that_does_not_divide(tmp_path: Path) -> None:
    reader = StripReader(StripLayout.parse("source|pose|target|generated"))
    with pytest.raises(DataError, match=r"strip\.png: .* 4 panels of one width, got 21 columns"):
        reader.panel(saved(tmp_path / "strip.png", 3), "generated")
