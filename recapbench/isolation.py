"""A command of this library in a process of its own, which takes nobody with it.

Code of others may raise, hang, exit or crash the interpreter: what runs it here is a child in a
process group of its own. A socket joins the two. Over it the child tells how far it is, so that one
that stands still is ended; and when the parent goes, by whatever signal, the socket closes and the
child ends itself with its whole group. POSIX systems only.
"""

from __future__ import annotations

import faulthandler
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryFile
from typing import IO, Any, Final

from recapbench.errors import UsageError

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much is done, and how much there is."""

CHANNEL: Final = "RECAPBENCH_PARENT"
"""Names the socket to the parent, a file descriptor, in the child's environment."""

_TICK = 0.1
"""Seconds between two looks at the child."""
_GRACE = 3.0
"""Seconds that an interrupted child has to put away what it holds."""
_KEPT = 1 << 20
"""Bytes of messages that are kept, the last ones."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code; below 0 the number of the signal that ended it.
        stalled: whether it was ended because nothing had moved.
        place: what it did last, as "generating, 3 of 60"; empty if it never told.
        output: its standard output.
        messages: its standard error, the last megabyte.
    """

    code: int
    stalled: bool
    place: str
    output: str
    messages: str

    @property
    def error(self) -> str:
        """What its messages say went wrong: the last error of this library, or the last line."""
        lines = self.messages.rstrip().splitlines()
        for number in range(len(lines) - 1, -1, -1):
            if lines[number].startswith("error: "):
                return "\n".join(lines[number:]).removeprefix("error: ")
        return lines[-1].strip() if lines else ""

    def reason(self, stall: float) -> str:
        """Why it did not succeed, for a message; ``stall`` as it was run with."""
        where = f" ({self.place})" if self.place else ""
        if self.stalled:
            return f"nothing moved for {stall:g} s{where}, and it was ended"
        if self.code < 0:
            return f"ended by signal {_signal_name(-self.code)}{where}"
        if self.error and self.code:
            return self.error
        return f"ended with exit code {self.code}{where}, without a result"


def setting_word(key: str, value: Any) -> str:
    """A setting as the option ``--set`` reads it back: KEY=VALUE, the value as in TOML."""
    return f"{key}={'none' if value is None else _toml(value)}"


def _toml(value: Any) -> str:
    """A value as TOML has it on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(k)} = {_toml(v)}' for k, v in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)  # dates and times


def _signal_name(number: int) -> str:
    """The signal's name, or its number where it has none, as most real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def run_isolated(
    arguments: Sequence[str], *, stall: float, progress: Progress | None = None
) -> Ended:
    """Run ``recapbench`` with these arguments in a child process.

    Whatever happens here, an interruption included, neither the child nor a process that it
    started in its session is left behind when this returns or raises; one that makes a session of
    its own is out of reach. An interrupted child first has a moment to end by itself.

    Args:
        arguments: words of the command line, without the program's name.
        stall: seconds without a word from the child after which it is ended.
        progress: told what the child tells.

    Raises:
        UsageError: where the system has no process groups.
    """
    if os.name != "posix":
        raise UsageError("running methods in processes of their own needs a POSIX system")
    ours, theirs = socket.socketpair()
    with TemporaryFile() as output, TemporaryFile() as messages, ours:
        with theirs:
            process = _started(arguments, theirs, output, messages)
        watch = _Watch(process, ours, stall, progress or _silent)
        try:
            stalled = not watch.until_it_ends()
            if stalled:
                process.send_signal(signal.SIGUSR1)  # it writes where it stands, see `Parent`
        finally:
            _end_group(process)
        return Ended(
            code=process.returncode,
            stalled=stalled,
            place=watch.place,
            output=_text(output, 0),
            messages=_text(messages, _KEPT),
        )


def _started(
    arguments: Sequence[str], channel: socket.socket, output: IO[bytes], messages: IO[bytes]
) -> subprocess.Popen[bytes]:
    """The child, leader of a session, and so of a process group, of its own."""
    here = os.getcwd() in [os.path.abspath(path) for path in sys.path]
    return subprocess.Popen(
        # Modules in the working directory are found if, and only if, they are here.
        [sys.executable, *([] if here else ["-P"]), "-m", "recapbench", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=messages,
        pass_fds=[channel.fileno()],
        env=os.environ | {CHANNEL: str(channel.fileno())},
        start_new_session=True,
    )


class _Watch:
    """Listens to a child, and looks at the clock."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: socket.socket,
        stall: float,
        progress: Progress,
    ) -> None:
        self.place = ""
        self._process = process
        self._channel = channel
        self._stall = stall
        self._progress = progress
        self._heard = time.monotonic()
        self._pending = b""
        self._open = True

    def until_it_ends(self) -> bool:
        """False if nothing moved for too long; the child then runs still."""
        while self._process.poll() is None:
            self._listen(_TICK)
            if time.monotonic() - self._heard > self._stall:
                return False
        self._listen(0)
        return True

    def _listen(self, seconds: float) -> None:
        """Read what there is, waiting so long for it."""
        if not self._open:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return
        while select.select([self._channel], [], [], seconds)[0]:
            seconds = 0
            with suppress(ConnectionError):
                if data := self._channel.recv(1 << 16):
                    self._take(data)
                    continue
            self._open = False
            return

    def _take(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            stage, done, total = json.loads(line)
            self._heard = time.monotonic()
            self.place = f"{stage}, {done} of {total}"
            self._progress(stage, done, total)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a child and whatever it started; nothing of it is left, not even a zombie."""
    try:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
    finally:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left in the group
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(file: IO[bytes], last: int) -> str:
    """What was written, or the last so many bytes of it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - last) if last else 0)
    return file.read().decode(errors="replace")


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def answers() -> Iterator[IO[str]]:
    """The child's standard output, for what it answers.

    From now until the process ends, whatever else prints does so to standard error.
    """
    sys.stdout.flush()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as stream:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        yield stream


class Parent:
    """The child's end: tells how far it is, and ends this process group when the parent goes.

    Args:
        descriptor: of the socket.
    """

    def __init__(self, descriptor: int) -> None:
        self._channel = socket.socket(fileno=descriptor)
        self._channel.set_inheritable(False)
        faulthandler.register(signal.SIGUSR1)
        threading.Thread(target=self._follow, name="recapbench-parent", daemon=True).start()

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell the parent; this is what keeps the process from being ended as stalled."""
        with suppress(OSError):  # the parent has gone, and we shall be ended
            self._channel.sendall(json.dumps([stage, done, total]).encode() + b"\n")

    def _follow(self) -> None:
        """Wait for the parent's end; it never writes."""
        with suppress(OSError):
            while self._channel.recv(1):
                pass
        os.killpg(0, signal.SIGKILL)


@cache
def parent() -> Parent | None:
    """The process that runs this one through `run_isolated`; None if a user started it."""
    descriptor = os.environ.pop(CHANNEL, None)  # what we start is none of its children
    return None if descriptor is None else Parent(int(descriptor))
