"""DeepFashion and Market-1501 from a download to a table, on trees of rendered persons.

The pictures are the built-in sets' in the official layouts; everything else is what a user's
download goes through.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from trees import Tree, deepfashion_tree, flip_byte, listing, market_tree, rendered

from recapbench.data.datasets import find_dataset
from recapbench.data.ingest.prepare import prepare
from recapbench.data.ingest.request import PrepareRequest
from recapbench.data.manifest import read_manifest
from recapbench.data.split import Split
from recapbench.errors import DataError
from recapbench.methods.reference import CopySource
from recapbench.request import RunRequest
from recapbench.run import run

Cli = Callable[..., subprocess.CompletedProcess[str]]

DATASETS = ("deepfashion", "market1501")
WIDTHS = ("width=4", "geometry_width=4", "discriminator_width=4", "residual_blocks=1")
SETTINGS = (*WIDTHS, "batch_size=2", "perceptual=effnet_lite0")


@pytest.fixture(scope="module", params=DATASETS)
def dataset(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tree(dataset: str, shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A user's download."""
    folder = tmp_path_factory.mktemp("download")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        if dataset == "deepfashion":
            return deepfashion_tree(folder, rendered("mannequin"))
        return market_tree(folder, rendered("mannequin_street"))


@pytest.fixture(scope="module")
def prepared(dataset: str, tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the test split is prepared; none may damage it."""
    home = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(home))
        record = find_dataset(dataset)
        prepare(
            PrepareRequest(record, tree.root, tree.keypoints("test"), parsing=tree.parsing),
            workers=1,
        )
    return home


@pytest.fixture(scope="module")
def split(dataset: str, prepared: Path) -> Split:
    """The test split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(prepared))
        return find_dataset(dataset).open("test")


def test_from_a_download_to_a_table(cli: Cli, dataset: str, tree: Tree, tmp_path: Path) -> None:
    home = {"RECAPBENCH_HOME": str(tmp_path / "home")}
    before = listing(tree.root.parent)
    for split in ("train", "test"):
        done = cli("data", "prepare", dataset, *tree.arguments(split), "--json", **home)
        assert done.returncode == 0, done.stderr
        row = json.loads(done.stdout)
        assert row["images"] == len(tree.names(split))
        assert row["parsing"] is True
    pairs = row["pairs"]
    assert pairs > 5
    listed = cli("data", "list", "--json", **home)
    shown = {row["name"]: row["prepared"] for row in json.loads(listed.stdout)}
    assert f"test: {row['images']} images" in shown[dataset]
    assert cli("data", "verify", dataset, "--split", "train", **home).returncode == 0
    assert cli("data", "verify", dataset, **home).returncode == 0

    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    trained = cli(
        *("train", "--method", "sat_lgr", "--dataset", dataset, "--steps", "2"),
        *("--device", "cpu", "--sample-every", "2", "--out", "trained", *settings),
        **home,
    )
    assert trained.returncode == 0, trained.stderr
    generated = cli(
        *("run", "--method", "sat_lgr", "--dataset", dataset, "--limit", "3", "--device", "cpu"),
        *("--weights", "trained/weights.safetensors", "--out", "generated"),
        **home,
    )
    assert generated.returncode == 0, generated.stderr
    for name in ("ssim.def_gan", "mask_ssim.def_gan", "layout.miou"):
        assert name in generated.stdout
    copied = cli(
        *("run", "--method", "copy_source", "--dataset", dataset, "--limit", "50"),
        *("--device", "cpu", "--out", "copied"),
        **home,
    )
    assert copied.returncode == 0, copied.stderr
    assert "ssim.def_gan" in copied.stdout
    result = json.loads((tmp_path / "copied" / "result.json").read_text())
    assert result["dataset"]["name"] == dataset
    assert result["manifest"]["n"] == min(50, pairs)
    assert listing(tree.root.parent) == before


def test_pairs_are_those_of_manifest_build(
    cli: Cli, dataset: str, tree: Tree, split: Split, tmp_path: Path
) -> None:
    protocol = find_dataset(dataset).protocol
    built = cli(
        *("manifest", "build", "--dataset", dataset, "--protocol", protocol, "--split", "test"),
        *("--keypoints", str(tree.keypoints("test")), "--out", "pairs.csv"),
    )
    assert built.returncode == 0, built.stderr
    assert read_manifest(tmp_path / "pairs.csv").csv == split.manifest().csv
    split.check(read_manifest(tmp_path / "pairs.csv"))


def test_a_changed_image_or_label_map_is_found_by_name(
    cli: Cli, dataset: str, split: Split, prepared: Path
) -> None:
    last = split.entries[-1]
    assert split.labels_root is not None
    for victim in (split.root / last.image, split.labels_root / last.labels):
        whole = victim.read_bytes()
        try:
            flip_byte(victim)
            done = cli("data", "verify", dataset, RECAPBENCH_HOME=str(prepared))
        finally:
            victim.write_bytes(whole)
        assert done.returncode == 3, done.stderr
        assert str(victim) in done.stderr
        assert "data prepare" in done.stderr
    assert cli("data", "verify", dataset, RECAPBENCH_HOME=str(prepared)).returncode == 0


def test_a_run_stops_at_a_changed_image(cli: Cli, dataset: str, tree: Tree, prepared: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(prepared))
        split = find_dataset(dataset).open("test")
    victim = split.root / split.entries[split.position(split.manifest()[0].source)].image
    whole = victim.read_bytes()
    arguments = ("run", "--method", "copy_source", "--dataset", dataset, "--device", "cpu")
    try:
        flip_byte(victim)
        done = cli(*arguments, RECAPBENCH_HOME=str(prepared))
    finally:
        victim.write_bytes(whole)
    assert done.returncode == 3, done.stderr
    assert str(victim) in done.stderr


def test_a_changed_byte_of_the_index_or_the_cache_is_found_by_name(
    cli: Cli, dataset: str, prepared: Path, tmp_path: Path
) -> None:
    arguments = ("data", "verify", dataset)
    whole = cli(*arguments, RECAPBENCH_HOME=str(prepared))
    assert whole.returncode == 0, whole.stderr
    index = sorted(prepared.glob(f"datasets/{dataset}/*/*"))
    tables = sorted(prepared.glob("annotations/*/*.arrow"))
    pointer = prepared / "datasets" / dataset / "test.json"
    assert len(index) == 3
    assert tables
    for number, victim in enumerate((*index, pointer, *tables)):
        home = tmp_path / f"home{number}"
        shutil.copytree(prepared, home)
        flip_byte(home / victim.relative_to(prepared))
        done = cli(*arguments, RECAPBENCH_HOME=str(home))
        assert done.returncode == 3, (victim, done.stderr)
        named = victim.name if victim not in tables else victim.parent.name
        assert named in done.stderr


def test_without_parsing_only_what_needs_it_is_refused(
    cli: Cli, dataset: str, tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = {"RECAPBENCH_HOME": str(tmp_path / "home")}
    done = cli("data", "prepare", dataset, *tree.arguments("test", parsing=False), **home)
    assert done.returncode == 0, done.stderr
    arguments = ("--dataset", dataset, "--limit", "2", "--device", "cpu")
    copied = cli("run", "--method", "copy_source", *arguments, **home)
    assert copied.returncode == 0, copied.stderr
    monkeypatch.setenv("RECAPBENCH_HOME", home["RECAPBENCH_HOME"])
    monkeypatch.setattr(CopySource, "inputs", CopySource.inputs | {"source_parsing"})
    with pytest.raises(DataError, match=r"reads source_parsing, .* --parsing DIR"):
        run(RunRequest("copy_source", dataset, tmp_path / "refused", device="cpu"))
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    done = cli("data", "prepare", dataset, *tree.arguments("train", parsing=False), **home)
    assert done.returncode == 0, done.stderr
    trained = cli(
        *("train", "--method", "sat_lgr", "--dataset", dataset, "--steps", "1"),
        *("--device", "cpu", "--sample-every", "0", "--out", "trained", *settings),
        **home,
    )
    assert trained.returncode == 3, trained.stderr
    assert "no label maps" in trained.stderr


def test_what_is_not_prepared_says_how_to_prepare_it(cli: Cli, dataset: str) -> None:
    for arguments in (
        ("run", "--method", "copy_source", "--dataset", dataset),
        ("data", "verify", dataset),
    ):
        done = cli(*arguments)
        assert done.returncode == 3, done.stderr
        assert f"recapbench data prepare {dataset} --split test" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mannequin", "--root", "."), "--root: mannequin is rendered"),
        (("deepfashion",), "needs --root DIR"),
        (("deepfashion", "--root", ".", "--keypoints", "k", "--preset", "tiny"), "--preset"),
        (
            ("deepfashion", "--root", ".", "--keypoints", "k", "--geometry", "square"),
            "Did you mean 'square_256'",
        ),
        (
            ("deepfashion", "--root", ".", "--keypoints", "k", "--protocol", "patm"),
            "Did you mean 'patn'",
        ),
        (
            ("deepfashion", "--root", ".", "--keypoints", "k", "--parsing-labels", "market7"),
            "20 parts",
        ),
        (
            ("market1501", "--root", ".", "--keypoints", "k", "--split", "tset"),
            "Did you mean 'test'",
        ),
        (
            ("market1501", "--root", ".", "--keypoints", "k", "--keypoints-frame", "row"),
            "Did you mean 'raw'",
        ),
    ],
)
def test_usage_errors(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli("data", "prepare", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
