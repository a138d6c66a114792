"""One figure of one metric, as it stands in a result."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Score(BaseModel):
    """A value, or the reason why there is none.

    Attributes:
        name: the metric with its protocol, as ``ssim.def_gan``.
        value: the figure; None if it could not be had.
        reason: one line that says why there is no value; None exactly when there is one.
        n: number of pairs (paired metrics) or generated images (IS, FID) behind the value.
        low: lower end of the interval, None if there is none. For paired metrics low and high
            are the 95% bootstrap interval over identities; for the Inception score they are the
            mean minus and plus one standard deviation over its splits.
        high: upper end of the interval.
        higher_is_better: direction of the metric.
        extractor: name of the network whose features were used, if any.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    value: Finite | None
    reason: str | None = None
    n: Annotated[int, Field(ge=0)]
    low: Finite | None = None
    high: Finite | None = None
    higher_is_better: bool
    extractor: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Score:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a score has either a value or a reason why there is none")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends")
        if self.value is None and self.low is not None:
            raise ValueError("an interval needs a value")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the interval is upside down: {self.low} > {self.high}")
        return self
