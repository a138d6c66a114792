"""Methods that raise, or end the process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recapbench_bad.fine import Fine


class Load(Fine):
    """Raises when its weights are loaded."""

    name = "bad_load"
    needs_weights = True

    @classmethod
    def shipped_weights(cls, dataset):
        return Path(__file__)

    def load(self, path):
        raise RuntimeError("these weights are too heavy")


class Generate(Fine):
    """Raises when it generates."""

    name = "bad_generate"

    def generate(self, query):
        raise ValueError("no picture today")


class Exit(Fine):
    """Calls sys.exit as if all were well."""

    name = "bad_exit"

    def generate(self, query):
        sys.exit(0)


class HardExit(Fine):
    """Ends the process at once: nothing in it can catch that."""

    name = "bad_hard_exit"

    def generate(self, query):
        os._exit(0)
