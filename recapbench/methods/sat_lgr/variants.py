"""The rows of the paper's Table 4, each a name: the settings of `sat_lgr` with a few of its own.

The table's last but two rows, +SAT(l)+LGR(r+1, n), is `sat_lgr` itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from recapbench.methods.base import ImageSpec
from recapbench.methods.sat_lgr.method import SatLgr


class Variant(SatLgr):
    """A row of Table 4: ``table4/<row>.toml`` over the settings of `sat_lgr`."""

    row: ClassVar[str]

    @classmethod
    def settings(cls, spec: ImageSpec) -> dict[str, Any]:
        """The settings of `sat_lgr` for a dataset, and this row's over them."""
        return SatLgr.settings(spec) | cls.settings_file(f"table4/{cls.row}.toml")[spec.settings]

    @classmethod
    def shipped_weights(cls, dataset: str) -> Path | None:
        """None: these rows are trained for the ablation, and no weights come with the package."""
        return None


class Basic(Variant):
    """Neither SAT nor LGR."""

    name = "sat_lgr-basic"
    title = "Basic"
    row = "basic"


class SatL2(Variant):
    """SAT at layer l+2."""

    name = "sat_lgr-sat_l2"
    title = "+SAT(l+2)"
    row = "sat_l2"


class SatL1(Variant):
    """SAT at layer l+1."""

    name = "sat_lgr-sat_l1"
    title = "+SAT(l+1)"
    row = "sat_l1"


class SatL(Variant):
    """SAT at layer l."""

    name = "sat_lgr-sat_l"
    title = "+SAT(l)"
    row = "sat_l"


class LgrN3(Variant):
    """The full model with n + 1 propagations."""

    name = "sat_lgr-lgr_n3"
    title = "+SAT(l)+LGR(r+1, n+1)"
    row = "lgr_n3"


class LgrR(Variant):
    """The full model with LGR one layer earlier."""

    name = "sat_lgr-lgr_r"
    title = "+SAT(l)+LGR(r, n)"
    row = "lgr_r"
