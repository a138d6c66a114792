"""One cache for the whole session, so that the tiny sets are rendered once; never the network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start would
# inherit that; the tests of interruption need the usual state.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a cache that all tests may read; none may damage it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _environment(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECAPBENCH_HOME", str(shared_home))
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")
    monkeypatch.delenv("RECAPBENCH_PRESET", raising=False)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs the command line as a user would, in an empty folder; text in, text out."""

    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from recapbench.cli import main; main()", *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return call


@pytest.fixture
def cli_started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command line in the background, in a process group of its own."""
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", "from recapbench.cli import main; main()", *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Waits for a condition; fails the test if it does not come."""

    def wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"waited {seconds} s in vain")
            time.sleep(0.02)

    return wait
