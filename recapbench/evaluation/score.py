"""One figure of one metric, as it stands in a result."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Finite = Annotated[float, Field(allow_inf_nan=False)]


def number_text(value: float) -> str:
    """A figure with as many decimals as tell methods apart; what rounds to 0 has no sign."""
    return f"{value:z.4f}" if abs(value) < 10 else f"{value:.2f}"


class SizeFigure(BaseModel):
    """A figure of random parts of a set, which shows how it depends on the number of images.

    Attributes:
        n: images in a part.
        mean: mean of the figure over the parts.
        std: its sample standard deviation over the parts; None for a single one.
        draws: number of parts.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    n: Annotated[int, Field(ge=2)]
    mean: Finite
    std: Finite | None
    draws: Annotated[int, Field(ge=1)]


class Score(BaseModel):
    """A value, or the reason why there is none.

    Attributes:
        name: the metric with its protocol, as ``ssim.def_gan``.
        value: the figure; None if it could not be had.
        reason: one line that says why there is no value; None exactly when there is one.
        failed: whether it ought to have a value and something went wrong, as opposed to what
            the metric needs not being there.
        n: number of pairs (paired metrics) or generated images (IS, FID) behind the value.
        low: lower end of the interval, None if there is none.
        high: upper end of the interval.
        interval: what the interval is, as "95% bootstrap over 25 persons".
        sizes: for figures with a bias of small samples, the figure of parts of the set.
        halves: of FID and KID, the figure of each random half of the persons; the halves are the
            same for everything that is scored on the same pairs and real images, so that two
            methods' figures of them can be subtracted.
        higher_is_better: direction of the metric.
        extractor: name of the network whose features were used, if any.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    value: Finite | None
    reason: str | None = None
    failed: bool = False
    n: Annotated[int, Field(ge=0)]
    low: Finite | None = None
    high: Finite | None = None
    interval: str | None = None
    sizes: tuple[SizeFigure, ...] = ()
    halves: tuple[Finite, ...] = ()
    higher_is_better: bool
    extractor: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Score:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a score has either a value or a reason why there is none")
        if self.failed and self.value is not None:
            raise ValueError("a score that failed has no value")
        if len({self.low is None, self.high is None, self.interval is None}) != 1:
            raise ValueError("an interval has two ends and a text that says what it is")
        if self.value is None and (self.low is not None or self.sizes or self.halves):
            raise ValueError("an interval needs a value")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the interval is upside down: {self.low} > {self.high}")
        return self


class Explanation(BaseModel):
    """A figure of the images at hand that is no score.

    Attributes:
        name: what was computed: a metric, or what was done otherwise.
        value: the figure.
        of: the metric that it is compared with.
        difference: value less that metric's on the same images.
        n: number of pairs or images.
        reason: why the two differ.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: str
    value: Finite
    of: str
    difference: Finite
    n: Annotated[int, Field(ge=1)]
    reason: str
