"""The forms in which a sheet can be written, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from recapbench.leaderboard.tables.comma import as_csv
from recapbench.leaderboard.tables.latex import as_latex
from recapbench.leaderboard.tables.markdown import as_markdown
from recapbench.leaderboard.tables.sheet import Writer
from recapbench.leaderboard.tables.text import as_text

WRITERS: Final[Mapping[str, Writer]] = {
    "text": as_text,
    "markdown": as_markdown,
    "latex": as_latex,
    "csv": as_csv,
}
