"""A command in a process of its own: what it tells, how it ends, and that nothing is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_plugins import add_distribution

from recapbench.isolation import CHANNEL, run_isolated

WaitUntil = Callable[..., None]

RUN = ("run", "--dataset", "mannequin_street", "--preset", "tiny", "--limit=2", "--metrics=l1")

PLUGIN = '''
import os, signal, subprocess, sys, time
from pathlib import Path
from recapbench.methods.base import Method

class Slow(Method):
    """Starts a process that ignores interruptions, as it does itself, and hangs."""
    name, title, inputs, needs_weights = "slow", "Slow", frozenset({"source_image"}), False
    def generate(self, query):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {other.pid}")
        time.sleep(300)

class Crash(Slow):
    name = "crash"
    def generate(self, query):
        os.kill(os.getpid(), signal.SIGSEGV)
'''


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two plugins, and the file in which one of them writes its processes."""
    site = tmp_path / "site"
    methods = {"slow": "stuck.methods:Slow", "crash": "stuck.methods:Crash"}
    add_distribution(site, "stuck", "0.1", methods)
    (site / "stuck").mkdir()
    (site / "stuck" / "__init__.py").touch()
    (site / "stuck" / "methods.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pids"


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that somebody else must bury does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def started(pids: Path) -> list[int]:
    return [int(word) for word in pids.read_text().split()] if pids.exists() else []


def test_progress_output_and_code_come_back() -> None:
    told: list[tuple[str, int, int]] = []
    ended = run_isolated(
        [*RUN, "--method", "copy_source", "--json"],
        stall=120,
        progress=lambda *what: told.append(what),
    )
    assert ended.code == 0, ended.messages
    assert not ended.stalled
    assert ("generating", 2, 2) in told
    assert ended.output.startswith("{")
    assert CHANNEL not in os.environ


def test_an_error_is_the_reason() -> None:
    ended = run_isolated(["run", "--method", "copy_sourc", "--dataset", "mannequin"], stall=120)
    assert ended.code == 2
    assert ended.reason(120).startswith("unknown method 'copy_sourc'. Did you mean 'copy_source'?")


def test_a_signal_is_the_reason() -> None:
    ended = run_isolated([*RUN, "--method", "crash"], stall=120)
    assert ended.code == -signal.SIGSEGV
    assert ended.reason(120).startswith("ended by signal SIGSEGV")


def test_what_stands_still_is_ended_with_all_that_it_started(plugins: Path) -> None:
    ended = run_isolated([*RUN, "--method", "slow"], stall=15)
    assert ended.stalled
    assert ended.reason(15).startswith("nothing moved for 15 s")
    assert "stuck/methods.py" in ended.messages, "it says where it stood"
    pids = started(plugins)
    assert len(pids) == 2
    assert not any(map(alive, pids))


PARENT = textwrap.dedent(
    """
    import sys
    from recapbench.isolation import run_isolated
    run_isolated(sys.argv[1:], stall=600)
    """
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_the_parent(
    plugins: Path, wait_until: WaitUntil, how: signal.Signals
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *RUN, "--method", "slow"], stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(started(plugins)) == 2 or parent.poll() is not None)
    pids = started(plugins)
    assert len(pids) == 2
    assert all(map(alive, pids))
    began = time.monotonic()
    parent.send_signal(how)
    parent.wait(60)
    wait_until(lambda: not any(map(alive, pids)), seconds=20)
    assert time.monotonic() - began < 20
