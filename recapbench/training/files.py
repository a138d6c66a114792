"""The files in the folder of a training."""

from __future__ import annotations

from typing import Final

CHECKPOINT: Final = "checkpoint.safetensors"
WEIGHTS: Final = "weights.safetensors"
LOG: Final = "losses.jsonl"
LOOKS: Final = "validation.jsonl"
PLAN: Final = "plan.json"
