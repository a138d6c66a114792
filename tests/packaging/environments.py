"""Environments of a test's own, without any network."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest


def succeed(*command: str | Path, folder: Path | None = None) -> str:
    """What a command prints; the test fails with all of its messages if it fails.

    It sees no variable that would lead Python to other folders.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def pip(verb: str, *arguments: str | Path, python: Path | str = sys.executable) -> None:
    """Our pip, for some interpreter; it takes what it is given and asks no server."""
    ours = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", verb)
    succeed(*ours, "--no-index", "--no-deps", *arguments)


@dataclass(frozen=True)
class Fresh:
    """A fresh environment, and an empty folder to work in."""

    venv: Path
    folder: Path

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.venv / "bin"

    @property
    def packages(self) -> Path:
        """Where its own packages are."""
        return self.venv / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"

    def install(self, *arguments: str | Path) -> None:
        """Install a wheel or a folder, and nothing that it depends on."""
        pip("install", *arguments, python=self.bin / "python")

    def lend(self) -> None:
        """Let it see the packages of this environment too, behind its own.

        The folder is a plain line of a ``.pth`` file: the ``.pth`` files inside it, editable
        installs among them, are not read.
        """
        ours = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
        (self.packages / "lent.pth").write_text("".join(f"{path}\n" for path in ours))

    def python(self, *arguments: str) -> str:
        """What its interpreter prints, run in the empty folder."""
        return succeed(self.bin / "python", *arguments, folder=self.folder)

    def recapbench(self, *arguments: str) -> str:
        """What its command line prints, run in the empty folder."""
        return succeed(self.bin / "recapbench", *arguments, folder=self.folder)


def make_fresh(folder: Path) -> Fresh:
    """An environment without any package."""
    made = Fresh(folder / "venv", folder / "work")
    made.folder.mkdir()
    succeed(sys.executable, "-m", "venv", "--without-pip", made.venv)
    return made
