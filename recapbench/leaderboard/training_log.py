"""The logs of trainings, as `recapbench train` writes them into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from recapbench.errors import DataError, what_is_wrong
from recapbench.training.folder import LOG, LOOKS, PLAN, Look, Report, TrainingPlan

L = TypeVar("L", bound=BaseModel)

VALIDATION: Final = "validation l1"
"""What the looks at the validation pairs measure, as `Look.figures` calls it."""

Curve = tuple[tuple[int, float], ...]
"""Steps in ascending order, each with a figure."""


@dataclass(frozen=True)
class TrainingLog:
    """One training.

    Attributes:
        name: what plots call it.
        plan: what it does.
        losses: figures of each loss by its name.
        looks: figures of pairs that it is not trained on; empty if it took no looks.
    """

    name: str
    plan: TrainingPlan
    losses: dict[str, Curve]
    looks: Curve

    @property
    def reached(self) -> int:
        """The last step in the log."""
        return max(curve[-1][0] for curve in self.losses.values())


def read_logs(folders: Sequence[Path]) -> tuple[TrainingLog, ...]:
    """The logs of some trainings, finished or not.

    Trainings are called by their methods, or, if two are of the same, all by their folders.

    Raises:
        DataError: if a folder holds no training, or its log is damaged or has no line yet.
    """
    plans = [_plan(folder) for folder in folders]
    return tuple(map(_read, _names(plans, folders), plans, folders))


def _names(plans: Sequence[TrainingPlan], folders: Sequence[Path]) -> list[str]:
    """The methods, or else the folders' names, or else their paths: the first that differ."""
    names = [plan.method for plan in plans]
    for others in ([folder.resolve().name for folder in folders], [str(one) for one in folders]):
        if len(set(names)) < len(names):
            names = others
    return names


def _plan(folder: Path) -> TrainingPlan:
    path = folder / PLAN
    try:
        return TrainingPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"no training in {folder}: cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        raise DataError(f"{path} is no plan of a training: {what_is_wrong(error)}") from None


def _read(name: str, plan: TrainingPlan, folder: Path) -> TrainingLog:
    lines = _lines(folder / LOG, Report)
    if not lines:
        raise DataError(f"{folder / LOG} has no line yet: the training has just begun")
    losses = dict.fromkeys(loss for line in lines for loss in line.losses)
    looks = _lines(folder / LOOKS, Look) if (folder / LOOKS).exists() else []
    return TrainingLog(
        name=name,
        plan=plan,
        losses={
            loss: tuple((line.step, line.losses[loss]) for line in lines if loss in line.losses)
            for loss in losses
        },
        looks=tuple((look.step, look.l1) for look in looks),
    )


def _lines(path: Path, kind: type[L]) -> list[L]:
    """The lines of a log; one that is just being written, at the end, is passed over."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from None
    whole, _, _ = text.rpartition("\n")
    found = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise DataError(
                f"{path}: line {number} is no line of a log: {what_is_wrong(error)}"
            ) from None
    return found
