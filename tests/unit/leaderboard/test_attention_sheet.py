"""Attention sheets: how maps and circles are drawn, and `recapbench plot attention`."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from recapbench.data.datasets import find_dataset
from recapbench.data.examples import loader
from recapbench.data.query import Query
from recapbench.leaderboard.attention_sheet import (
    SheetRequest,
    attention_sheet,
    choose_pairs,
    circled,
    heat,
    open_attentive,
    pair_rows,
)
from recapbench.leaderboard.points import Point, find_point, regions
from recapbench.methods.find import find_method, image_spec
from recapbench.methods.weights_file import WeightsHeader, write_weights

Cli = Callable[..., Any]
DATASET = "mannequin_street"
SMALL = {"width": 4, "geometry_width": 4, "discriminator_width": 4, "residual_blocks": 0}


def weights_of(method: str, folder: Path) -> Path:
    """Untrained weights of a small model: enough to draw with, whatever they draw."""
    record = find_dataset(DATASET)
    spec = image_spec(record)
    cls = find_method(method)
    config = cls.configure(spec, SMALL)
    torch.manual_seed(0)
    header = WeightsHeader(
        method=method,
        dataset=DATASET,
        height=spec.height,
        width=spec.width,
        parts=spec.parts,
        config=config.model_dump(mode="json"),
        training={},
    )
    path = folder / f"{method}.safetensors"
    write_weights(path, cls(config, spec).weights(), header)  # type: ignore[attr-defined]
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights_of("sat_lgr", tmp_path_factory.mktemp("weights"))


def test_heat_shows_where_the_weights_are() -> None:
    source = np.full((8, 4, 3), 100, np.uint8)
    painted = heat(source, np.array([[0.0, 0.0], [0.25, 0.75]], np.float32))
    assert painted.shape == source.shape
    assert (painted[:4] == 45).all()  # the darkened source
    assert (painted[4:, 2:] == painted[4, 2]).all()  # one square
    assert painted[4, 2].sum() > painted[4, 0].sum() > painted[0, 0].sum()


def test_heat_of_no_attention_is_the_darkened_source() -> None:
    source = np.full((8, 4, 3), 100, np.uint8)
    assert (heat(source, np.zeros((2, 2), np.float32)) == 45).all()


def test_the_circle_is_around_the_pixel_and_leaves_it_free() -> None:
    picture = np.full((256, 128, 3), 7, np.uint8)
    drawn = circled(picture, Point("face", 30, 20), 2)
    changed = np.argwhere((drawn != picture).any(axis=2))
    assert changed.mean(axis=0) == pytest.approx((61, 41), abs=0.6)
    assert (drawn[59:64, 39:44] == 7).all()


class Looks:
    """A method whose layout is the true one, and that looks at the pixel itself, in squares of 4.

    Its image is all grey.
    """

    inputs = frozenset({"source_image"})
    device = torch.device("cpu")

    def __init__(self, layout: np.ndarray) -> None:
        self.layout = layout
        self.asked: list[tuple[int, int]] = []

    def to(self, device: torch.device | str) -> None:
        """It stays."""

    def generate_with_layout(self, query: Query) -> tuple[torch.Tensor, torch.Tensor]:
        image = torch.zeros(1, 3, *self.layout.shape)
        return image, torch.from_numpy(self.layout.astype(np.int64))[None]

    def attention(self, query: Query, pixel: tuple[int, int], /) -> torch.Tensor:
        self.asked.append(pixel)
        height, width = self.layout.shape
        weights = torch.zeros(1, height // 4, width // 4)
        weights[0, pixel[0] // 4, pixel[1] // 4] = 1.0
        return weights


def test_the_map_is_of_the_circled_pixel() -> None:
    split = find_dataset(DATASET).open("test", "tiny")
    wanted = ["face", "upper garment", "shoe"]  # there are no shoes in this part set
    pair = choose_pairs(split, split.manifest(), 1, wanted[:2])[0]
    method = Looks(split.labels(pair.target))
    query = next(iter(loader(split, [pair], method.inputs, 1)))
    upper, lower = pair_rows(method, query, split, pair, wanted)
    assert (upper[0] == split.image(pair.target).repeat(2, 0).repeat(2, 1)).all()
    assert (lower[0] == split.image(pair.source).repeat(2, 0).repeat(2, 1)).all()
    assert (upper[3] == 255).all()
    assert (lower[3] == 255).all()
    dark = heat(split.image(pair.source), np.zeros((1, 1), np.float32))
    for column, region in enumerate(wanted[:2], start=1):
        point = find_point(region, method.layout, split.labels(pair.source), 7, stride=4)
        assert point is not None
        assert method.asked[column] == (point.row, point.column)
        changed = (lower[column] != dark.repeat(2, 0).repeat(2, 1)).any(axis=2)
        row, left = 8 * (point.row // 4), 8 * (point.column // 4)
        assert changed[row : row + 8, left : left + 8].all()
        assert changed.sum() == 64
        ring = np.argwhere((upper[column] != upper[column][-1, -1]).any(axis=2)).mean(axis=0)
        assert ring == pytest.approx((2 * point.row + 1, 2 * point.column + 1), abs=0.6)


def test_pairs_show_what_is_wanted_where_there_are_such() -> None:
    split = find_dataset(DATASET).open("test", "tiny")
    wanted = regions(7)[:4]
    pairs = choose_pairs(split, split.manifest(), 2, wanted)
    assert len(pairs) == len(set(pairs)) == 2
    for pair in pairs:
        target, source = split.labels(pair.target), split.labels(pair.source)
        assert all(find_point(region, target, source, 7) for region in wanted)


def test_the_sheet_has_two_lines_a_pair_and_a_column_a_region(weights: Path) -> None:
    request = SheetRequest(DATASET, weights, pairs=2, points=3, preset="tiny", device="cpu")
    pictures = [attention_sheet(request, lambda stage, done, total: None) for _ in range(2)]
    assert pictures[0] == pictures[1]
    with Image.open(io.BytesIO(pictures[0])) as sheet:
        assert sheet.width == 4 * (128 + 4) + 4
        assert sheet.height > 4 * 256


def test_the_command_writes_the_sheet(cli: Cli, weights: Path, tmp_path: Path) -> None:
    done = cli(
        *("plot", "attention", "--dataset", DATASET, "--preset", "tiny"),
        *("--weights", str(weights), "--pairs", "1", "--points", "2"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"attention-{DATASET}.png\n"
    assert Image.open(tmp_path / f"attention-{DATASET}.png").format == "PNG"


def test_shipped_weights_by_default() -> None:
    method = open_attentive(find_dataset(DATASET), None)
    assert type(method) is find_method("sat_lgr")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--points", "99"], 2, "--points: expected at most 6 (face, upper garment, arm,"),
        (["--weights", "nowhere"], 3, "no such file"),
        (["--out", "."], 2, "--out: expected a PNG to write, got the folder ."),
    ],
)
def test_mistakes(cli: Cli, tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done = cli("plot", "attention", "--dataset", DATASET, "--preset", "tiny", *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_sat_is_refused(cli: Cli, tmp_path: Path) -> None:
    basic = weights_of("sat_lgr-basic", tmp_path)
    done = cli(
        *("plot", "attention", "--dataset", DATASET, "--preset", "tiny"),
        *("--weights", str(basic), "--out", "sheet.png"),
    )
    assert done.returncode == 2, done.stderr
    assert "no SAT" in done.stderr
    assert not (tmp_path / "sheet.png").exists()
