"""The folder of a training: its files, its plan, and the lines of its two logs."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

CHECKPOINT: Final = "checkpoint.safetensors"
WEIGHTS: Final = "weights.safetensors"
LOG: Final = "losses.jsonl"
LOOKS: Final = "validation.jsonl"
PLAN: Final = "plan.json"

Precision = Literal["bf16", "fp32"]
"""Type of the convolutions in training: bfloat16 under autocast, or float32."""


class TrainingPlan(BaseModel):
    """What a run does; two runs of one plan give the same weights on one machine.

    Attributes:
        method: name of the method.
        dataset: name of the dataset.
        preset: size of the dataset, if it has several.
        data: digest of the training images' pixels.
        manifest: digest of the training pairs.
        pairs: how many there are.
        config: every setting of the method.
        steps: how many steps to take.
        seed: of the weights, the order of pairs and all else that is drawn.
        init: weights that it starts from, with the record of how they were made; None for
            a fresh start.
        precision: "bf16" runs convolutions in bfloat16 (autocast), "fp32" does not.
        passes: in how many passes each process goes through its pairs of a step; gradients add up
            over them, and both sides step at the end.
        command: the command line that made the plan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    dataset: str
    preset: str
    data: str
    manifest: str
    pairs: int
    config: dict[str, Any]
    steps: int
    seed: int
    precision: Precision
    passes: int = 1
    init: dict[str, Any] | None = None
    command: str

    def differences(
        self, other: TrainingPlan, ours: str = "there", others: str = "asked"
    ) -> list[str]:
        """What another plan has otherwise, but for the command that asked for it."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [
            f"{key}: {mine[key]!r} {ours}, {theirs[key]!r} {others}"
            for key in mine
            if key != "command" and mine[key] != theirs[key]
        ]


class Report(BaseModel):
    """One line of the log: each loss averaged over the steps since the line before that had it."""

    step: int
    seconds: float
    losses: dict[str, float]

    @property
    def figures(self) -> dict[str, float]:
        """What to say of it, by name."""
        return self.losses


class Look(BaseModel):
    """One line of the validation's log.

    Attributes:
        step: after which it was taken.
        l1: mean absolute difference of the pairs' images in [-1, 1], as the metric ``l1`` has it.
    """

    step: int
    l1: float

    @property
    def figures(self) -> dict[str, float]:
        """What to say of it, by name."""
        return {"validation l1": self.l1}
