"""The commands that README and docs show, found in their Markdown."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from recapbench.cli import app

ROOT = Path(__file__).resolve().parents[2]
_ALL_PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "baselines").glob("*/*/README.md")),
    *sorted(ROOT.glob("[lm]*s/README.md")),
]
PAGES = [page for page in _ALL_PAGES if page.is_file()]
"""Every page that a reader may take a command from."""

SHELL = {"", "bash", "sh", "console"}
"""Languages of fenced blocks whose lines are commands; indented blocks are commands too."""


@dataclass(frozen=True)
class Command:
    """One command of a page.

    Attributes:
        page: path from the checkout's top.
        line: where it begins.
        text: the command, its lines put together; of several with ``&&`` between, one.
    """

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands(path: Path) -> list[Command]:
    """The commands in a page's blocks, in their order."""
    page = path.relative_to(ROOT).as_posix()
    found = []
    for number, text in _whole_lines(_block_lines(path.read_text())):
        found += [Command(page, number, part.strip()) for part in text.split(" && ")]
    return found


def _block_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines of indented blocks, and of fenced ones in a shell's language, with their numbers."""
    language: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            language = None if language is not None else line[3:].strip()
        elif line.strip() and (language in SHELL if language is not None else _is_indented(line)):
            yield number, line.strip()


def _is_indented(line: str) -> bool:
    return line.startswith("    ")


def _whole_lines(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines that end with a backslash, put together with what follows."""
    start, text = 0, ""
    for number, line in lines:
        start, text = (start, f"{text} {line}") if text else (number, line)
        if text.endswith("\\"):
            text = text[:-1].rstrip()
        else:
            yield start, text
            text = ""


def spans(path: Path) -> list[str]:
    """Commands of this library that a page names within its text."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`(recapbench [^`\n]+)`", text)


def options_named(path: Path) -> set[str]:
    """Every option that a page names within its text."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {word for span in re.findall(r"`([^`\n]+)`", text) for word in _OPTION.findall(span)}


_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")


def all_options() -> set[str]:
    """The options of every verb."""

    def walk(command: Any) -> Iterator[str]:
        for child in getattr(command, "commands", {}).values():
            yield from walk(child)
        for parameter in command.params:
            yield from _written(parameter)

    return {word for word in walk(typer.main.get_command(app)) if word.startswith("--")}


def words_of(text: str) -> tuple[dict[str, str], list[str]]:
    """Variables set in front of a command, and its words."""
    words = shlex.split(text)
    variables = {}
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return variables, words


def unknown_words(words: list[str]) -> set[str]:
    """What the command line does not know of ``recapbench WORDS``: a verb, or options."""
    command, rest = typer.main.get_command(app), list(words)
    known = {"--version", "--help"}
    while (children := getattr(command, "commands", None)) and rest and rest[0][0] != "-":
        if rest[0] not in children:
            return {rest[0]}
        command = children[rest.pop(0)]
        known = {"--help"} | {word for part in command.params for word in _written(part)}
    return {word.partition("=")[0] for word in rest if word.startswith("--")} - known


def _written(parameter: Any) -> list[str]:
    """The ways to write an option, its negation among them."""
    return [*parameter.opts, *parameter.secondary_opts]
