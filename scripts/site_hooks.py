"""What the documentation site makes while it is built: formulas, figures, the options of commands.

`mkdocs.yml` names this file. In a page's Markdown

- a fenced block ``math`` of LaTeX becomes MathML, which browsers show without any script;
- ``<!-- figures: DATASET METHOD -->`` becomes the table of that record's figures;
- ``<!-- commands -->`` becomes every command with its options.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any
from unicodedata import normalize

from recapbench.paths import shipped
from recapbench.results import Result, read_result

_MATH = re.compile(r"^```math\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HAT = re.compile(r"<mover[^>]*><mrow><mi>([^<]+)</mi></mrow><mo>&#x0005E;</mo></mover>")
"""A letter under a hat of its own, which browsers set too high without a font for formulas."""
_FIGURES = re.compile(r"^<!-- figures: (\S+) (\S+) -->$", re.MULTILINE)
_COMMANDS = re.compile(r"^<!-- commands -->$", re.MULTILINE)

OF_NO_PAPER = ("mask_ssim.standard", "mask_ssim.inside")
"""Figures of this library's own, which no paper printed as its SSIM or mask-SSIM."""


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page's Markdown with everything made that it asks for (called by MkDocs)."""
    markdown = _MATH.sub(lambda found: formula(found[1]), markdown)
    markdown = _FIGURES.sub(lambda found: figures(found[1], found[2]), markdown)
    return _COMMANDS.sub(lambda found: commands(), markdown)


def formula(latex: str) -> str:
    """MathML of a formula in LaTeX, in a block of its own."""
    from latex2mathml.converter import convert

    mathml = _HAT.sub(
        "<mi>\\1\N{COMBINING CIRCUMFLEX ACCENT}</mi>",
        convert(" ".join(latex.split()), display="block"),
    )
    return f'<div class="formula">{normalize("NFC", mathml)}</div>\n'


def figures(dataset: str, method: str) -> str:
    """A Markdown table of a record's figures by protocol, beside those of its reference rows."""
    result = read_result(shipped("leaderboards") / dataset / "measured" / method / "result.json")
    columns = columns_of(result)
    heads = " | ".join(f"`{name}`" for name in columns)
    lines = [f"| metric | better | {heads} |", "|---|---|" + "---|" * len(columns)]
    for score in result.scores:
        if score.value is not None:
            cells = " | ".join(cell(column.get(score.name)) for column in columns.values())
            better = "higher" if score.higher_is_better else "lower"
            lines.append(f"| `{score.name}` | {better} | {cells} |")
    ssim = [
        score.value
        for score in result.scores
        if "ssim." in score.name and score.name not in OF_NO_PAPER and score.value is not None
    ]
    lines += [
        "",
        f"{result.manifest.n} pairs of `{dataset}`, outputs `{result.outputs.sha256[:12]}`. "
        f"One set of images, {len(ssim)} figures that papers call SSIM or mask-SSIM: "
        f"from {min(ssim):.2f} to {max(ssim):.2f}. "
        f"{' and '.join(f'`{name}`' for name in OF_NO_PAPER)} are no paper's.",
    ]
    return "\n".join(lines)


def columns_of(result: Result) -> dict[str, dict[str, float | None]]:
    """Values by metric, of the method and of each reference row."""
    rows = [(result.method.name, result.scores)]
    rows += [(reference.name, reference.scores) for reference in result.references]
    return {name: {score.name: score.value for score in scores} for name, scores in rows}


def cell(value: float | None) -> str:
    """A figure for a table; nothing where there is none."""
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"


def commands() -> str:
    """Markdown of every command: what it does, its arguments and options."""
    import typer

    from recapbench.cli import app

    return "\n".join(_sections(typer.main.get_command(app), ("recapbench",)))


def _sections(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    """A section for a command, or for each command of a group."""
    if children := getattr(command, "commands", None):
        for name, child in children.items():
            yield from _sections(child, (*path, name))
        return
    yield f"## {' '.join(path)}\n\n{command.help}\n"
    yield "| argument, option | |\n|---|---|"
    for parameter in command.params:
        if parameter.name != "help":
            yield f"| {_names(parameter)} | {_told(parameter)} |"
    yield ""


def _names(parameter: Any) -> str:
    """How a parameter is written, with what stands for its value."""
    written = parameter.opts[0]
    value = parameter.metavar or parameter.name.upper()
    if not written.startswith("-"):
        return f"`{value}`"
    return f"`{written}`" if parameter.is_flag else f"`{written} {value}`"


def _told(parameter: Any) -> str:
    """What a parameter means, and its default."""
    text = escape(parameter.help or "").replace("|", "\\|")
    if parameter.required:
        return f"{text} Required."
    if parameter.default is None or parameter.default is False:
        return text
    return f"{text} Default: `{parameter.default}`."
