"""What a method reads: inputs of its query, and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recapbench.data.query import Query


@dataclass
class Reads:
    """Inputs that were read, and those that were asked for and not declared."""

    declared: set[str] = field(default_factory=set)
    undeclared: set[str] = field(default_factory=set)


class WatchedQuery(Query):
    """A query that notes what is read of it, and of every query that is made of it."""

    def __init__(self, query: Query, reads: Reads) -> None:
        tensors = {name: query[name] for name in query.inputs}
        super().__init__(query.source_names, query.target_names, tensors)
        self.reads = reads

    def __getitem__(self, name: str) -> Tensor:
        (self.reads.declared if name in self.inputs else self.reads.undeclared).add(name)
        return super().__getitem__(name)

    def to(self, device: torch.device | str) -> Query:
        """The same query on another device, watched too."""
        return WatchedQuery(super().to(device), self.reads)

    def rows(self, where: slice) -> Query:
        """The query of some of the pairs, watched too."""
        return WatchedQuery(super().rows(where), self.reads)


class FileWatch:
    """Notes the files below some folders that Python code opens while it is on.

    Files that compiled code opens by itself are not seen.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.opened: set[str] = set()
        self._folders = [str(folder.resolve()) + os.sep for folder in folders]
        self._on = False
        sys.addaudithook(self._hear)  # for the life of the process: hooks cannot be taken away

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch for a while."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if any(path.startswith(folder) for folder in self._folders):
            self.opened.add(path)
