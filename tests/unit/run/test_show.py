"""`recapbench data show` on the tiny built-in set."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recapbench.data.datasets import find_dataset

Cli = Callable[..., Any]


@pytest.fixture(scope="module", params=["mannequin", "mannequin_street"])
def dataset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def show(cli: Cli, dataset: str, *arguments: str) -> Any:
    return cli("data", "show", dataset, "--preset", "tiny", *arguments)


def test_writes_a_sheet(cli: Cli, dataset: str, tmp_path: Path) -> None:
    done = show(cli, dataset, "--limit", "2", "--out", "sheet.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "sheet.png\n"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.mode == "RGB"
        assert sheet.height >= 4 * 256


def test_a_seed_draws_pairs_and_the_same_each_time(cli: Cli, tmp_path: Path) -> None:
    pictures = []
    for seed in ("1", "1", "2"):
        done = show(cli, "mannequin", "--limit", "1", "--seed", seed, "--out", "s.png")
        assert done.returncode == 0, done.stderr
        pictures.append((tmp_path / "s.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_named_pairs(cli: Cli, tmp_path: Path) -> None:
    split = find_dataset("mannequin").open("test", preset="tiny")
    a, b = split.names[:2]
    heights = []
    for names in (f"{a},{b}", f"{a},{b},{b},{a}"):
        done = show(cli, "mannequin", "--names", names, "--out", "named.png")
        assert done.returncode == 0, done.stderr
        heights.append(Image.open(io.BytesIO((tmp_path / "named.png").read_bytes())).height)
    assert heights[1] == 2 * heights[0]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--names", "a.png"], 2, "expected SOURCE,TARGET"),
        (["--names", "a.png,"], 2, "expected SOURCE,TARGET"),
        (["--names", "a.png,b.png"], 3, "no image 'a.png'"),
        (["--names", "a.png,b.png", "--seed", "1"], 2, "--names chooses the pairs"),
        (["--split", "nonsense"], 2, "unknown split"),
        (["--limit", "0"], 2, "limit"),
        (["--manifest", "absent.csv"], 3, "absent"),
    ],
)
def test_mistakes(cli: Cli, tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done = show(cli, "mannequin", "--out", "sheet.png", *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.glob("*.png")) == []


def test_manifest_chooses_the_pairs(cli: Cli, tmp_path: Path) -> None:
    from recapbench.data.manifest import write_manifest

    split = find_dataset("mannequin").open("test", preset="tiny")
    manifest = split.manifest()
    write_manifest(manifest.limit(1), tmp_path / "pairs.csv")
    done = show(cli, "mannequin", "--manifest", "pairs.csv", "--limit", "3", "--out", "m.png")
    assert done.returncode == 0, done.stderr
    named = ",".join(manifest[0])
    done = show(cli, "mannequin", "--names", named, "--out", "n.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.png").read_bytes() == (tmp_path / "n.png").read_bytes()


def test_a_place_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = show(cli, "mannequin", "--limit", "1", "--out", "file/sheet.png")
    assert done.returncode == 1
    assert "cannot write" in done.stderr
