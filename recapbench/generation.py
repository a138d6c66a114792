"""Generate the images of a manifest and save them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recapbench.data.annotations import Annotations
from recapbench.data.examples import loader
from recapbench.data.pictures import to_uint8
from recapbench.data.query import Query
from recapbench.methods.base import Method
from recapbench.methods.contract import generate_checked
from recapbench.methods.find import image_spec
from recapbench.outputs import OutputFolder
from recapbench.processes import Processes

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much is done, and how much there is."""


@dataclass(frozen=True)
class Generation:
    """A method with everything that it needs to fill a folder of outputs.

    Attributes:
        method: with its weights, on the device.
        inputs: what it is given.
        annotations: of the split.
        outputs: the folder, with its split and manifest.
        device: where the method runs.
        batch_size: pairs generated at once.
        num_workers: processes that read the data.
    """

    method: Method[Any]
    inputs: frozenset[str]
    annotations: Annotations
    outputs: OutputFolder
    device: torch.device
    batch_size: int
    num_workers: int

    def fill(self, report: Progress, processes: Processes) -> float | None:
        """Save every output that is not there yet.

        The pairs are parted among the processes, which all see the folder.

        Returns:
            The seconds that it took; None if some of the outputs were there already.

        Raises:
            PluginError: if the method raises, or breaks its contract.
        """
        rows = processes.once(self.outputs.missing)
        began = time.monotonic()
        ours = [rows[index] for index in processes.shard(len(rows))]
        processes.together(lambda: self._fill(ours, report))
        whole = len(rows) == len(self.outputs.manifest)
        return time.monotonic() - began if whole else None

    def _fill(self, rows: list[int], report: Progress) -> None:
        manifest = self.outputs.manifest
        queries = loader(
            self.outputs.split,
            [manifest[row] for row in rows],
            self.inputs,
            self.batch_size,
            self.num_workers,
            self.annotations,
        )
        made = (output for query in queries for output in self._outputs(query.to(self.device)))
        for count, (row, (image, layout)) in enumerate(zip(rows, made, strict=True), start=1):
            self.outputs.save(row, image, layout)
            report("generating", count, len(rows))

    def _outputs(self, query: Query) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Images uint8 (H,W,3), each with its layout uint8 (H,W) if there is one.

        On the CPU the pairs of a batch go through the method one by one: convolution kernels are
        chosen by batch size there, so the last bits, and now and then a grey level, would depend
        on it.
        """
        spec = image_spec(self.outputs.split.record)
        for part in query.split() if self.device.type == "cpu" else [query]:
            made = generate_checked(self.method, part, spec)
            layouts: list[np.ndarray | None] = [None] * len(part)
            if made.layouts is not None:
                layouts = list(made.layouts.to(torch.uint8).cpu().numpy())
            yield from zip(to_uint8(made.images), layouts, strict=True)
