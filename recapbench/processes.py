"""Several processes that share one job: `accelerate launch`, `torchrun`, one machine or many.

A job is split into blocks of neighbouring items and put together again in the order of the items,
so that its result has the bits of a single process. An error of one process ends the call in all
of them: nobody waits for somebody who has gone.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from recapbench.errors import RecapbenchError

T = TypeVar("T")

BLOCK = 8
"""Items that are never parted: a network's batches are the same for any number of processes."""

_PATIENCE = timedelta(days=1)  # a process may be far ahead of another; a dead one ends the launch


@dataclass(frozen=True)
class Processes:
    """This process among ``count``.

    Attributes:
        rank: which one, from 0.
        count: how many share the job.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def shard(self, n: int) -> range:
        """Our part of n items: whole blocks, in order of rank; empty if there are not enough."""
        blocks = -(-n // BLOCK)
        begin, end = (blocks * rank // self.count * BLOCK for rank in (self.rank, self.rank + 1))
        return range(min(begin, n), min(end, n))

    def together(self, call: Callable[[], T]) -> list[T]:
        """Call in every process; everybody gets all results, in order of rank.

        Raises:
            RecapbenchError: if a call failed, the error of the lowest rank, in every process.
        """
        if self.count == 1:
            return [call()]
        from accelerate.utils import gather_object

        answers: list[tuple[T | None, RecapbenchError | None]] = gather_object([self._try(call)])
        for _, error in answers:
            if error is not None:
                error.everywhere = True
                raise error
        return [value for value, _ in answers]  # type: ignore[misc]

    def once(self, call: Callable[[], T]) -> T:
        """Call in the first process only; everybody gets its result, or its error."""
        return self.together(lambda: call() if self.first else None)[0]  # type: ignore[return-value]

    def _try(self, call: Callable[[], T]) -> tuple[T | None, RecapbenchError | None]:
        try:
            return call(), None
        except RecapbenchError as error:
            return None, error
        except Exception as error:
            text = f"process {self.rank} failed: {type(error).__name__}: {error}"
            return None, RecapbenchError(text)


ALONE = Processes()
"""A job of one process."""


def open_processes() -> Processes:
    """The processes of this launch, as accelerate or torchrun set them up; else this one alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    import torch

    # Before there is a group: defaults of its functions keep the group that they find, and a group
    # that outlives its end below leaves threads that may abort the process as the interpreter goes.
    import torch.distributed.nn
    from accelerate import PartialState

    with _output_kept_clean():
        state = PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
    # A group that is still open when the interpreter goes may abort the process.
    atexit.register(state.destroy_process_group)
    return Processes(state.process_index, state.num_processes)


@contextmanager
def _output_kept_clean() -> Iterator[None]:
    """Send to standard error what a library prints: gloo of torch 2.8 to 2.10 greets its peers."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(output, 1)
        os.close(output)
