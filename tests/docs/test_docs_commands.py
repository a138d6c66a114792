"""Every command that README and docs show is run, or said to be run elsewhere, or why it cannot be.

The commands of a page run in its order, in one folder, as a reader's would; `docs_recipes` says
what is changed in them. They run in this process, which has PyTorch loaded already.
"""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from accelerate.commands.launch import launch_command_parser
from docs_commands import (
    PAGES,
    ROOT,
    Command,
    all_options,
    commands,
    options_named,
    spans,
    unknown_words,
    words_of,
)
from docs_recipes import CHANGES, EXIT_CODES, NOT_HERE, changed, reason
from docs_stages import STAGES
from torch.distributed.run import get_args_parser

from recapbench.cli import _guarded

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout's docs")

SHOWN = [command for page in PAGES for command in commands(page)]
TO_RUN = [command for command in SHOWN if reason(command.text) is None]
RUN_PAGES = sorted({command.page for command in TO_RUN})
OF_OTHERS = {
    "--multi_gpu",
    "--num_processes",
    "--max-restarts",
    "--nproc-per-node",
    "--check",
    "--no-build-isolation",
    "--profile",
}
"""Options of launchers, scripts and pip that the text names."""

OURS = [command for command in SHOWN if "recapbench" in words_of(command.text)[1]]


def test_commands_are_found() -> None:
    assert len(SHOWN) > 50
    assert len(TO_RUN) > 30


@pytest.mark.parametrize("page", RUN_PAGES)
def test_the_commands_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECAPBENCH_PRESET", "tiny")
    if page in STAGES:
        STAGES[page](tmp_path, monkeypatch)
    for command in (one for one in TO_RUN if one.page == page):
        text = changed(command.text)
        expected, _ = EXIT_CODES.get(command.text, (0, ""))
        code = execute(text, monkeypatch)
        said = capfd.readouterr()
        assert code == expected, f"{command}\nas {text}\n{said.out}{said.err}"


def execute(text: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command: of ours, or of Python with a script or a line of code."""
    variables, words = words_of(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    program, *arguments = words
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    if program == "recapbench":
        return _guarded(arguments)
    assert program == "python", f"no way to run {text!r}: say so in docs_recipes.NOT_HERE"
    if arguments[0] == "-c":
        exec(arguments[1], {})
        return 0
    monkeypatch.setattr(sys, "argv", arguments)
    try:
        runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.parametrize("command", OURS, ids=str)
def test_the_options_of_a_command_exist(command: Command) -> None:
    _, words = words_of(command.text)
    place = words.index("recapbench")
    assert not unknown_words(words[place + 1 :])
    launcher = words[:place]
    if launcher[:1] == ["torchrun"]:
        assert get_args_parser().parse_args([*launcher[1:], "recapbench"]).module
    elif launcher:
        assert launcher[:2] == ["accelerate", "launch"]
        assert launch_command_parser().parse_args([*launcher[2:], "recapbench"]).module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_options_of_commands_in_the_text_exist(page: Path) -> None:
    wrong = {span: unknown_words(shlex.split(span)[1:]) for span in spans(page)}
    assert not {span: words for span, words in wrong.items() if words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_options_named_in_the_text_exist(page: Path) -> None:
    assert options_named(page) <= all_options() | OF_OTHERS


def test_a_wrong_verb_or_option_is_found() -> None:
    assert unknown_words(["run", "--method", "a", "--speed=3"]) == {"--speed"}
    assert unknown_words(["data", "wash", "deepfashion"]) == {"wash"}
    assert not unknown_words(["data", "verify", "deepfashion", "--split", "test"])


def test_the_recipes_are_of_commands_that_are_shown() -> None:
    texts = [command.text for command in SHOWN]
    assert set(EXIT_CODES) <= set(texts)
    for pattern, why in NOT_HERE:
        assert any(re.match(pattern, text) for text in texts), (pattern, why)
    for pattern, _ in CHANGES:
        assert any(re.search(pattern, text) for text in texts), pattern


def test_tests_that_are_named_as_reasons_exist() -> None:
    named = [why.split()[0] for _, why in NOT_HERE if why.startswith("tests/")]
    assert named
    assert all((ROOT / name).exists() for name in named)
