"""What a page takes for granted: the files and plugins that its commands find in their folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from bad_plugins import add_distribution
from docs_commands import ROOT
from PIL import Image
from trees import SPLITS, Tree, deepfashion_tree, market_tree, painted, rendered

from recapbench.cli import _guarded

Stage = Callable[[Path, pytest.MonkeyPatch], None]


def images_with_joints(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Market-1501's layout with painted persons: PAIRS.csv, JOINTS.csv, images, generated."""
    tree = market_tree(folder / "market", painted((128, 64)), distractors=False)
    shutil.copytree(tree.root / "bounding_box_test", folder / "images")
    shutil.copy(tree.keypoints("test"), folder / "JOINTS.csv")
    names = tree.names("test")
    pairs = [(a, b) for a, b in pairwise(names) if a[:4] == b[:4]]
    (folder / "PAIRS.csv").write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    (folder / "generated").mkdir()
    for source, target in pairs:
        picture = Image.open(folder / "images" / source)
        picture.save(folder / "generated" / f"{source}_{target}.png")


def downloads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DeepFashion and Market-1501 as a user has them, and a cache that nobody else reads."""
    fashion = deepfashion_tree(folder / "fashion", rendered("mannequin"))
    market = market_tree(folder / "market", painted((128, 64)))
    monkeypatch.setenv("RECAPBENCH_HOME", str(folder / "home"))
    fashion.root.rename(folder / "DIR")
    fashion.parsing.rename(folder / "PARSING")
    for split in SPLITS:
        fashion.keypoints(split).rename(folder / f"{split}.csv")
    market.root.rename(folder / "Market-1501-v15.09.15")
    keypoints_of_market(folder, market)


def keypoints_of_market(folder: Path, market: Tree) -> None:
    """The keypoint files under the names that the field gives them."""
    for split in SPLITS:
        shutil.copy(market.keypoints(split), folder / f"market-annotation-{split}.csv")


def training_pairs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Market-1501's keypoint files, and the manifest of its training split."""
    monkeypatch.setenv("RECAPBENCH_HOME", str(folder / "home"))
    keypoints_of_market(folder, market_tree(folder / "market", painted((128, 64))))
    build = "manifest build --dataset market1501 --protocol def_gan --split train"
    words = f"{build} --keypoints market-annotation-train.csv --out market-train.csv".split()
    assert _guarded(words) == 0


def method_of_the_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of docs/start.md, as ``pip install -e .`` leaves it."""
    methods = {"smooth": "recapbench_smooth.method:Smooth"}
    install(folder / "site", "recapbench-smooth", methods, ROOT / "docs/start.md", monkeypatch)


def trained_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of docs/plugins.md, and model.pth, the weights of its network."""
    import torch

    methods = {"loaded": "recapbench_mine.loaded.method:Loaded"}
    install(folder / "site", "recapbench-mine", methods, ROOT / "docs/plugins.md", monkeypatch)
    from recapbench_mine.network import Network

    torch.save(Network(width=8).state_dict(), folder / "model.pth")


def install(
    site: Path, name: str, methods: dict[str, str], page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that a page's blocks name, as a package that is installed in a folder."""
    add_distribution(site, name, "0.1.0", methods)
    blocks = re.findall(r"```python\n# (recapbench_\w+/\S+)\n(.*?)```", page.read_text(), re.DOTALL)
    for file, text in blocks:
        path = site / file
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))


def own_leaderboards(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A copy of the shipped leaderboards, and a run on the tiny set."""
    copied_leaderboards(folder, _)
    run = "run --method copy_source --dataset mannequin --limit 2 --metrics l1 --out RUN"
    assert _guarded(run.split()) == 0


def copied_leaderboards(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A copy of the shipped leaderboards."""
    shutil.copytree(ROOT / "leaderboards", folder / "leaderboards")


def shipped_weights(folder: Path, _: pytest.MonkeyPatch) -> None:
    """A file of weights."""
    weights = ROOT / "recapbench/methods/sat_lgr/weights/mannequin_street.safetensors"
    shutil.copy(weights, folder / "FILE")


STAGES: dict[str, Stage] = {
    "README.md": images_with_joints,
    "docs/datasets.md": downloads,
    "docs/plugins.md": trained_elsewhere,
    "docs/protocols.md": training_pairs,
    "docs/sat_lgr.md": shipped_weights,
    "docs/scoring.md": images_with_joints,
    "docs/tables.md": copied_leaderboards,
    "leaderboards/README.md": own_leaderboards,
    "docs/start.md": method_of_the_page,
}
"""By page; a page that is not here begins with an empty folder."""
