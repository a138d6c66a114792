"""Strips: several panels of one width side by side in a file, as the field's test scripts save.

A layout names the panels from left to right, as ``source|pose|target|generated``. Layouts read in
public code: Def-GAN saves source, target and output; PATN (and those who build on it) source, its
pose, target, its pose and output.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recapbench.errors import DataError, UsageError, unknown
from recapbench.evaluation.arrays import Image
from recapbench.evaluation.images import read_rgb

LAYOUTS: Final = {
    "def_gan": "source|target|generated",
    "patn": "source|source_pose|target|target_pose|generated",
}
"""Layouts by the name of the code that saves them."""

_CUT: Final = ("source", "target", "generated")
_LEFT: Final = ("pose", "source_pose", "target_pose", "-")


@dataclass(frozen=True)
class StripLayout:
    """Panels from left to right.

    Attributes:
        panels: "source", "target" and "generated" are cut out; "pose", "source_pose",
            "target_pose" and "-" are left alone.
    """

    panels: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> StripLayout:
        """The layout of a text: panels between bars, or the name of one of `LAYOUTS`.

        Raises:
            UsageError: for an unknown panel, or panels that do not say where the output is.
        """
        panels = tuple(panel.strip() for panel in LAYOUTS.get(text, text).split("|"))
        if len(panels) == 1:
            raise unknown("layout of strips", text, [*LAYOUTS, "source|target|generated"])
        for panel in panels:
            if panel not in (*_CUT, *_LEFT):
                raise unknown("panel of a strip", panel, [*_CUT, *_LEFT])
        for panel in _CUT:
            if panels.count(panel) > 1:
                raise UsageError(f"--strips {text!r}: expected one panel {panel!r}, got several")
        if "generated" not in panels:
            raise UsageError(f"--strips {text!r}: expected a panel 'generated', got none")
        return cls(panels)

    def __str__(self) -> str:
        return "|".join(self.panels)

    def has(self, panel: str) -> bool:
        """Whether there is such a panel."""
        return panel in self.panels

    def cut(self, strip: Image, panel: str, where: str) -> Image:
        """One panel uint8 (H,W,3) of a strip uint8 (H, W * panels, 3).

        Raises:
            DataError: if the width does not divide by the number of panels; ``where`` is named.
        """
        count = len(self.panels)
        if strip.shape[1] % count:
            raise DataError(
                f"{where}: expected a strip of {count} panels of one width, got "
                f"{strip.shape[1]} columns, which {count} does not divide"
            )
        width = strip.shape[1] // count
        start = self.panels.index(panel) * width
        return strip[:, start : start + width].copy()


class StripReader:
    """Cuts panels out of files; each thread remembers its last file, so as to decode it once."""

    def __init__(self, layout: StripLayout) -> None:
        self.layout = layout
        self._last = threading.local()

    def panel(self, path: Path, panel: str) -> Image:
        """One panel of a file, uint8 (H,W,3).

        Raises:
            DataError: naming the file.
        """
        if getattr(self._last, "path", None) != path:
            self._last.strip = read_rgb(path)
            self._last.path = path
        return self.layout.cut(self._last.strip, panel, str(path))
