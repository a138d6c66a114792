"""Where plots are written, and in which forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from recapbench.cli.console import messages
from recapbench.errors import UsageError

if TYPE_CHECKING:
    from recapbench.leaderboard.plots.style import Form

_FORMS: Final[tuple[Form, ...]] = ("svg", "png", "pdf")

Folder = Annotated[Path, typer.Option("--out", help="Folder for the plot.")]
Forms = Annotated[str, typer.Option("--format", help="Forms of the plot: svg, png, pdf.")]
DEFAULT_FORMS: Final = "svg,png"


def forms(text: str) -> list[Form]:
    """Names of forms between commas.

    Raises:
        UsageError: for an unknown one.
    """
    names = [name.strip() for name in text.split(",")]
    if wrong := [name for name in names if name not in _FORMS]:
        raise UsageError(f"--format: expected {', '.join(_FORMS)}, got {wrong[0]!r}")
    return [form for form in _FORMS if form in names]


def write_plot(out: Path, stem: str, text: str, draw: Callable[[Form], bytes]) -> None:
    """Write a plot in some forms, all drawn before the first is written."""
    from recapbench.provenance import write_atomic

    contents = {out / f"{stem}.{form}": draw(form) for form in forms(text)}
    for path, content in contents.items():
        write_atomic(path, content)
        messages.print(f"wrote {path}", soft_wrap=True)


def tell(lines: list[str]) -> None:
    """Say what a plot does not show."""
    for line in lines:
        messages.print(line, soft_wrap=True)
