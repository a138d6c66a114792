"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from recapbench.cli.console import json_alone
from recapbench.errors import UsageError

MethodName = Annotated[str, typer.Option("--method", help="Name of a method.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="Name of a dataset.")]
Leaderboards = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of leaderboards; those shipped by default."),
]
Preset = Annotated[str | None, typer.Option(help="Size of a built-in set: tiny, small, full.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ...; CUDA if there is one.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method; may be repeated."),
]
Config = Annotated[
    str | None,
    typer.Option(help="Settings that go together, as cpu; those of --set lie over them."),
]
Metrics = Annotated[
    str | None, typer.Option(help="Metrics by name, as l1,ssim.def_gan; all of them by default.")
]
MetricWeights = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FILE", help="Weights of a metric's network; may be repeated."),
]
FileNames = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="How generated files are named, as '{source}_{target}'; also {row}, {source_name}, "
        "{target_name}. By default the known ones are tried.",
    ),
]
Strips = Annotated[
    str | None,
    typer.Option(
        metavar="LAYOUT",
        help="Panels of each file, as 'source|pose|target|generated', or def_gan, patn.",
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", callback=json_alone, help="Print one JSON document and nothing else."),
]


def overrides(settings: list[str] | None) -> dict[str, Any]:
    """``KEY=VALUE`` with values as in TOML; anything else is text."""
    found: dict[str, Any] = {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set: expected KEY=VALUE, got {setting!r}")
        try:
            found[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = None if text == "none" else text
    return found


def metric_names(text: str | None) -> tuple[str, ...] | None:
    """Names between commas; None for every metric."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise UsageError(f"--metrics: expected names between commas, got {text!r}")
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise UsageError(f"--metrics: {', '.join(double)} is named more than once")
    return names


def weight_files(settings: list[str] | None) -> dict[str, Path]:
    """``NAME=FILE`` with the name of a record of weights."""
    from recapbench import weights

    found: dict[str, Path] = {}
    for setting in settings or []:
        name, equals, file = setting.partition("=")
        if not equals or not file:
            raise UsageError(f"--metric-weights: expected NAME=FILE, got {setting!r}")
        found[weights.get(name).name] = Path(file)
    return found


_PATH_OPTIONS = ("--out", "--init")


def command_line(arguments: list[str]) -> str:
    """The command line for the record, with the names of files and without their folders."""
    words = ["recapbench"]
    for before, word in zip(["", *arguments], arguments, strict=False):
        option, equals, value = word.partition("=")
        if before in _PATH_OPTIONS:
            word = Path(word).name
        elif equals and option in _PATH_OPTIONS:
            word = f"{option}={Path(value).name}"
        words.append(word)
    return shlex.join(words)
