"""The commands in docs/training.md have the options that they are given."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from accelerate.commands.launch import launch_command_parser
from torch.distributed.run import get_args_parser

from recapbench.cli import app

PAGE = Path(__file__).resolve().parents[3] / "docs" / "training.md"
LINES = [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")]
COMMANDS = [line for line in LINES if "recapbench train" in line or "recapbench sweep" in line]


def options_of(verb: str) -> set[str]:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    return {option for parameter in command.params for option in parameter.opts}


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("line", COMMANDS)
def test_the_options_of_a_command_exist(line: str) -> None:
    before, _, arguments = line.partition("recapbench ")
    verb, *words = shlex.split(arguments)
    assert {word for word in words if word.startswith("--")} <= options_of(verb)
    launch = [word for word in shlex.split(before) if "=" not in word or word.startswith("--")]
    if launch[:1] == ["torchrun"]:
        parsed = get_args_parser().parse_args([*launch[1:], "recapbench"])
        assert parsed.module
    elif launch:
        assert launch[:2] == ["accelerate", "launch"]
        parsed = launch_command_parser().parse_args([*launch[2:], "recapbench"])
        assert parsed.module
        assert parsed.multi_gpu


@pytest.mark.parametrize("verb", ["train", "sweep"])
def test_options_named_in_the_text_exist(verb: str) -> None:
    launchers = {"--multi_gpu", "--num_processes", "--max-restarts", "--weights"}
    named = set(re.findall(r"`(?:[\w ]+ )?(--[\w-]+)", PAGE.read_text())) - launchers
    assert named <= options_of("train") | options_of("sweep")
    assert named & options_of(verb)
