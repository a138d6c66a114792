"""The rows of the paper's Table 3: PATN with label maps in its pose stream, one-hot."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from recapbench_baselines.patn.method import Patn


class ParsingVariant(Patn):
    """A row of Table 3, with PATN's settings."""

    @classmethod
    def shipped_weights(cls, dataset: str) -> Path | None:
        """None: PATN's own weights have another pose stream."""
        return None


class PatnSourceParsing(ParsingVariant):
    """The source's parsing."""

    name: ClassVar[str] = "patn-s_parsing"
    title: ClassVar[str] = "PATN + source parsing"
    parsings: ClassVar[tuple[str, ...]] = ("source_parsing",)
    inputs: ClassVar[frozenset[str]] = Patn.inputs | set(parsings)


class PatnBothParsings(ParsingVariant):
    """The source's parsing and the target's true one."""

    name: ClassVar[str] = "patn-st_parsing"
    title: ClassVar[str] = "PATN + source and target parsing"
    parsings: ClassVar[tuple[str, ...]] = ("source_parsing", "target_parsing")
    inputs: ClassVar[frozenset[str]] = Patn.inputs | set(parsings)
