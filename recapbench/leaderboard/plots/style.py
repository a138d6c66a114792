"""How all plots look, and how they become files: the same records give the same bytes.

Colours are those of Okabe and Ito's palette (Color Universal Design, 2008), told apart with any
colour vision; a method or a training has a marker or a kind of line of its own as well, so that a
print in grey can be read. Text in an SVG is text.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

Form: TypeAlias = Literal["svg", "png", "pdf"]
Size: TypeAlias = tuple[float, float]
"""Width and height."""

WIDTH: Final = 8.0
"""Inches."""
DPI: Final = 125
"""Of a PNG: 1000 pixels in all its width."""
SMALL: Final = 8.5
"""Points: size of ticks and captions."""

INK: Final = "#202020"
FAINT: Final = "#808080"
BETTER: Final = "#56B4E9"
WORSE: Final = "#E69F00"

_FONT: Final = 9.5
_LINE: Final = 0.175
"""Inches from line to line of a caption."""
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES: Final[tuple[Any, ...]] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
_METADATA: Final[dict[str, dict[str, None]]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class Look(NamedTuple):
    """How one of several series is drawn."""

    colour: str
    marker: str
    dashes: Any


def look(place: int) -> Look:
    """The look of the series at a place; 56 have one of their own."""
    return Look(
        _COLOURS[place % len(_COLOURS)],
        _MARKERS[place % len(_MARKERS)],
        _DASHES[place % len(_DASHES)],
    )


def looks(names: Sequence[str]) -> dict[str, Look]:
    """The look of each of several series, in the order given.

    It is that of the name's place among all the names in alphabetical order, so that the same
    methods look the same in every plot, in whatever order they are given.
    """
    order = sorted(names)
    return {name: look(order.index(name)) for name in names}


def drawn(draw: Callable[[], Figure], form: Form, dpi: float = DPI) -> bytes:
    """A figure as a file's content.

    Args:
        draw: makes the figure; called under the settings of this style.
        form: of the file.
        dpi: pixels an inch, of a PNG.
    """
    with own_settings():
        buffer = io.BytesIO()
        draw().savefig(buffer, format=form, dpi=dpi, metadata=_METADATA[form])
    return buffer.getvalue()


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's own are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc("svg", hashsalt="recapbench", fonttype="none")
        matplotlib.rc("pdf", fonttype=42)
        matplotlib.rc("text", color=INK, parse_math=False)
        matplotlib.rc("font", size=_FONT)
        matplotlib.rc("axes", titlesize=_FONT, labelsize=_FONT, edgecolor=FAINT, labelcolor=INK)
        matplotlib.rc("axes.spines", top=False, right=False)
        matplotlib.rc("xtick", labelsize=SMALL)
        matplotlib.rc("ytick", labelsize=SMALL)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches that knows how large its text is."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def text_width(text: str, size: float) -> float:
    """Width in inches of a line of text of so many points."""
    renderer: Any = FigureCanvasAgg(Figure(figsize=(1, 1), dpi=72)).get_renderer()
    width = renderer.get_text_width_height_descent(text, FontProperties(size=size), False)[0]
    return float(width) / 72


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Text in lines of at most so many inches, cut between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def caption_lines(paragraphs: Sequence[str], width: float = WIDTH) -> list[str]:
    """A caption's lines, each paragraph on lines of its own."""
    return [line for text in paragraphs for line in wrapped(text, width - 0.3, SMALL)]


def caption_height(lines: Sequence[str]) -> float:
    """Inches that a caption takes at a figure's foot."""
    return _LINE * len(lines) + 0.15 if lines else 0.1


def put_caption(figure: Figure, lines: Sequence[str]) -> None:
    """Write a caption at a figure's foot."""
    height = figure.get_figheight()
    for number, line in enumerate(reversed(lines)):
        y = (0.1 + _LINE * number) / height
        figure.text(0.12 / figure.get_figwidth(), y, line, fontsize=SMALL, va="bottom")


def _legend_columns(names: Sequence[str]) -> int:
    """How many names stand side by side."""
    room = max(text_width(name, SMALL) for name in names) + 0.75
    return max(1, min(len(names), int((WIDTH - 0.2) / room)))


def legend_height(names: Sequence[str]) -> float:
    """Inches that the names of several series take above the panels."""
    return 0.12 + 0.2 * -(-len(names) // _legend_columns(names))


def put_legend(figure: Figure, names: Sequence[str], lines: bool = False) -> None:
    """Write the names of several series above the panels, each with its look.

    Args:
        figure: as wide as plots are.
        names: of all the series of the plot.
        lines: whether the series are lines, with dashes in place of markers.
    """
    handles = [
        Line2D([], [], color=own.colour, linestyle=own.dashes, linewidth=1.6, label=name)
        if lines
        else Line2D([], [], color=own.colour, linestyle="-", marker=own.marker, label=name)
        for name, own in looks(names).items()
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.05 / figure.get_figwidth(), 1 - 0.03 / figure.get_figheight()),
        ncols=_legend_columns(names),
        frameon=False,
        fontsize=SMALL,
        borderpad=0.2,
        labelspacing=0.3,
    )


def place_panels(
    figure: Figure, *, left: float, right: float, top: float, bottom: float, **gaps: float
) -> None:
    """Set a figure's margins, in inches."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - top / height,
        bottom=bottom / height,
        **gaps,
    )


def better_text(metric: str, higher_is_better: bool) -> str:
    """A metric's name and which way is better; on an axis the arrow points there."""
    return f"{metric} (higher is better) →" if higher_is_better else f"← {metric} (lower is better)"
