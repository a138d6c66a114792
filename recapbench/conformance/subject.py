"""The method that is checked, and what its checks hand on to those after them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from torch import Tensor

from recapbench.conformance.data import SEED, Data
from recapbench.conformance.opening import Opener
from recapbench.conformance.request import CheckRequest
from recapbench.conformance.trained import Course
from recapbench.conformance.watching import FileWatch, Reads
from recapbench.data.query import Batch, Query
from recapbench.devices import choose_device
from recapbench.methods.base import Method
from recapbench.methods.contract import call_generate, generate_checked
from recapbench.provenance import seed_everything
from recapbench.registry import Plugin


class Subject:
    """A method under check. What a check makes for those after it stands here.

    Args:
        plugin: what is registered.
        request: what to check.
        data: pairs of the dataset.

    Attributes:
        tell: called whenever something has moved; whoever is told ends what does not move.
        made: what `Method.generate` returned, unchecked; None before it did.
        reads: which inputs it read for that.
        mutated: what it did to its inputs, or nothing.
        draws: whether its images depend on the seed.
        course: a short training, if the method can be trained.
    """

    def __init__(self, plugin: Plugin, request: CheckRequest, data: Data) -> None:
        self.plugin, self.request, self.data = plugin, request, data
        self.device = choose_device(request.device)
        self.tell: Callable[[], None] = _nobody
        self.made: Any = None
        self.reads = Reads()
        self.mutated = ""
        self.draws = False
        self.course: Course | None = None
        self.files = FileWatch([self.data.split.root, self.data.annotations.folder])

    @cached_property
    def registered(self) -> Any:
        """The object that the plugin registers."""
        return self.plugin.load()

    @property
    def cls(self) -> type[Method[Any]]:
        """The same, once it is known to be a method."""
        return self.registered

    @cached_property
    def opener(self) -> Opener:
        """Opens the method for the dataset."""
        return Opener(self.cls, self.data, self.request, self.request.weights)

    @cached_property
    def method(self) -> Method[Any]:
        """The method, opened."""
        return self.another()

    def another(self) -> Method[Any]:
        """A further instance of it."""
        with self.files.on():
            return self.opener.open(self.device)

    def query(self, inputs: frozenset[str] | None = None) -> Query:
        """The pairs, in memory of their own, on the device; by default with the declared inputs."""
        return self.data.query(self.cls.inputs if inputs is None else inputs).to(self.device)

    def batch(self, count: int) -> Batch:
        """The first so many pairs, for training, on the device."""
        return self.data.batch(count).to(self.device)

    def call(self, query: Query) -> Any:
        """What the method returns for a query, unchecked; its draws are those of `SEED`."""
        seed_everything(SEED)
        with self.files.on():
            return call_generate(self.method, query)

    def generate(self, method: Method[Any], query: Query, seed: int = SEED) -> Tensor:
        """Checked images (B,3,H,W) of a query, on the CPU."""
        self.tell()
        seed_everything(seed)
        with self.files.on():
            return generate_checked(method, query, self.data.spec).images.cpu()

    @cached_property
    def images(self) -> Tensor:
        """What the method makes of the pairs, (B,3,H,W) on the CPU, its draws those of `SEED`."""
        return self.generate(self.method, self.query())


def _nobody() -> None:
    """Nobody is told."""
