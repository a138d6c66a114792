"""The shapes in docs/model.md are those of the model's tensors."""

from __future__ import annotations

import re

import pytest
import torch
from docs_commands import ROOT
from torch import Tensor, nn

from recapbench.data.query import Query
from recapbench.methods.base import ImageSpec
from recapbench.methods.sat_lgr.method import SatLgr

SPECS = {
    1: ImageSpec(256, 256, parts=20, settings="deepfashion"),
    2: ImageSpec(128, 64, parts=7, settings="market1501"),
}
"""What the columns behind a module's description are about."""
FULL, SMALL = 64, 8
"""Width that the page speaks of, and the one that the test can afford."""
IN_PARTS = {"geometry", "appearance.head", "appearance.lgr.project"}
"""Modules whose channels are no multiples of the width."""

PAGE = ROOT / "docs" / "model.md"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs the checkout's docs")


def told() -> list[list[str]]:
    """Rows of the page's tables of modules: name, description, two shapes."""
    rows = re.findall(r"^\| `([\w.]+)` \|(.*)\|(.*)\|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope="module", params=SPECS)
def column(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def shapes(column: int) -> dict[str, list[int]]:
    """What comes out of every module of a narrow model, without the batch."""
    spec = SPECS[column]
    names = ("width", "geometry_width", "discriminator_width")
    method = SatLgr(SatLgr.configure(spec, dict.fromkeys(names, SMALL)), spec)
    found: dict[str, list[int]] = {}
    for name, module in method.generator.named_modules():
        module.register_forward_hook(_keeper(found, name))
    method.generate(query(spec))
    return found


def _keeper(found: dict[str, list[int]], name: str):  # type: ignore[no-untyped-def]
    def keep(_: nn.Module, __: object, out: object) -> None:
        if isinstance(out, Tensor):
            found[name] = list(out.shape[1:])

    return keep


def query(spec: ImageSpec) -> Query:
    """A pair of nothing, of the right shapes."""
    return Query(
        ("a",),
        ("b",),
        {
            "source_image": torch.zeros(1, 3, *spec.size),
            "source_parsing": torch.randint(spec.parts, (1, *spec.size)),
            "source_pose": torch.zeros(1, 18, *spec.size),
            "target_pose": torch.zeros(1, 18, *spec.size),
        },
    )


def at_full_width(name: str, shape: list[int], parts: int) -> list[int]:
    """A narrow model's shape as the full one has it: every side of channels grows."""
    if name in IN_PARTS:
        return shape
    if name in ("appearance.lgr.gather", "appearance.lgr.propagate", "appearance.lgr.distribute"):
        return [side if side == parts else side * FULL // SMALL for side in shape]
    return [shape[0] * FULL // SMALL, *shape[1:]]


def test_there_are_tables() -> None:
    assert len(told()) > 20


def test_the_shapes_are_those_of_the_model(column: int, shapes: dict[str, list[int]]) -> None:
    assert SatLgr.configure(SPECS[column]).width == FULL
    for row in told():
        name, shape = row[0], row[1 + column]
        expected = [int(side) for side in shape.split(" x ")]
        assert at_full_width(name, shapes[name], SPECS[column].parts) == expected, row


def test_the_channels_into_the_encoders_are_told(column: int) -> None:
    method = SatLgr(SatLgr.configure(SPECS[column], {"width": SMALL}), SPECS[column])
    appearance = method.generator.appearance
    text = PAGE.read_text()
    for encoder, letter in ((appearance.source_encoder, "Φ"), (appearance.target_encoder, "Ψ")):
        found = re.search(rf"{letter} at layer 1, from (\d+) or (\d+) channels", text)
        assert found is not None
        assert encoder.steps[0].in_channels == int(found[column])


def test_the_discriminators_are_as_told(column: int) -> None:
    spec = SPECS[column]
    judges = SatLgr(SatLgr.configure(spec, {"width": SMALL}), spec).discriminators
    rows = re.findall(r"^\| D\d \|.*\| (\d+) \| (\d+) \|$", PAGE.read_text(), re.MULTILINE)
    first = [judge.body[0].in_channels for judge in (judges.layout, judges.pose, judges.identity)]
    assert first == [int(row[column - 1]) for row in rows]
    verdicts = judges.pose(torch.zeros(1, 3, *spec.size), torch.zeros(1, 18, *spec.size))
    assert f"{verdicts.shape[2]} x {verdicts.shape[3]} at {spec.height}x{spec.width}" in (
        PAGE.read_text()
    )
