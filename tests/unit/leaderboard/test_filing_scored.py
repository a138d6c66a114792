"""`recapbench leaderboard add` of images that were only scored, which lie in another folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recapbench.data.datasets import find_dataset
from recapbench.data.manifest import write_manifest
from recapbench.errors import DataError
from recapbench.leaderboard.board import read_board, read_measured
from recapbench.leaderboard.filing import Filing, add_record
from recapbench.leaderboard.tables.measured import Group, group_records
from recapbench.leaderboard.verify import verify
from recapbench.page.site import write_site
from recapbench.run import RunRequest, run
from recapbench.scoring.generated import image_finder
from recapbench.scoring.job import ScoreRequest, score
from recapbench.scoring.task import Inputs

DATASET = "mannequin_street"
STREET = {"dataset": DATASET, "preset": "tiny"}
COUNT = 14
METRICS = ("l1", "psnr")


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module", autouse=True)
def _cache(shared_home: Path) -> Iterator[None]:
    """The cache of all tests, for what is made once for these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def generated(home: Path) -> Path:
    """Darkened targets as PATN names its files, and two more than are scored."""
    split = find_dataset(DATASET).open("test", "tiny")
    folder = home / "generated"
    folder.mkdir()
    for source, target in split.manifest().limit(COUNT + 2):
        image = split.image(target) // 2
        Image.fromarray(image).save(folder / f"{source}___{target}_vis.png")
    return folder


@pytest.fixture(scope="module")
def scored(home: Path, generated: Path) -> Path:
    """The record of their scores."""
    inputs = Inputs(generated=generated, limit=COUNT, **STREET)  # type: ignore[arg-type]
    out = home / "scored"
    score(ScoreRequest(inputs=inputs, metrics=METRICS, label="dark", device="cpu", out=out))
    return out / "result.json"


@pytest.fixture(scope="module")
def ran(home: Path) -> Path:
    """The record of a run on the same pairs."""
    out = home / "ran"
    run(RunRequest("copy_source", out=out, limit=COUNT, metrics=METRICS, device="cpu", **STREET))  # type: ignore[arg-type]
    return out / "result.json"


@pytest.fixture
def copied(scored: Path, tmp_path: Path) -> Path:
    """A copy of the record to spoil."""
    shutil.copytree(scored.parent, tmp_path / "copy")
    return tmp_path / "copy" / "result.json"


def added(record: Path, root: Path, folder: Path | None, **names: str) -> Path:
    find = None if folder is None else image_finder(folder, **names)
    return add_record(Filing(record, root, partial=True, images=find), silent)[0]


def edited(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_it_is_filed_with_the_very_pixels_of_its_samples(
    scored: Path, generated: Path, tmp_path: Path
) -> None:
    root = tmp_path / "leaderboards"
    folder = added(scored, root, generated)
    assert folder == root / DATASET / "measured" / "dark"
    (record,) = read_board(root).measured
    assert record.result.document() == json.loads(scored.read_text())
    assert record.values is not None
    assert (folder / "values.csv").read_bytes() == (scored.parent / "values.csv").read_bytes()
    assert list(record.samples) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]  # i * 14 // 12
    for row, path in record.samples.items():
        source, target = record.values.pairs[row]
        made = Image.open(generated / f"{source}___{target}_vis.png")
        np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(made))
    assert verify(root) == []


def test_it_stands_beside_runs_on_the_same_pairs(
    scored: Path, generated: Path, ran: Path, tmp_path: Path
) -> None:
    root = tmp_path / "leaderboards"
    added(scored, root, generated)
    added(ran, root, None)
    board = read_board(root)
    (group,) = group_records(board.measured)
    assert [record.method for record in group.records] == ["copy_source", "dark"]
    write_site(board, tmp_path / "site")
    page = (tmp_path / "site" / DATASET / "dark.html").read_text()
    assert "Images generated elsewhere" in page
    assert "named {source_name}___{target_name}_vis (PATN)" in page
    assert "Seed" not in page
    index = (tmp_path / "site" / "index.html").read_text()
    assert index.count("Images generated elsewhere") == 1


def test_a_record_of_few_metrics_takes_no_figure_from_the_reference_rows(
    scored: Path, ran: Path
) -> None:
    few, all_ = (read_measured(path.parent) for path in (scored, ran))
    (real,) = (row for row in few.result.references if row.name == "real")
    only = real.model_copy(update={"scores": [one for one in real.scores if one.name == "psnr"]})
    few = replace(few, result=few.result.model_copy(update={"references": [only]}))
    for records in ((few, all_), (all_, few)):
        (row,) = Group("of both", records).references()
        assert {one.name: one.value for one in row.scores} == {"l1": 0.0, "psnr": None}


def test_images_of_a_run_may_have_been_moved(ran: Path, tmp_path: Path) -> None:
    shutil.copytree(ran.parent / "images", tmp_path / "moved")
    shutil.copytree(ran.parent, tmp_path / "ran", ignore=shutil.ignore_patterns("images"))
    record = tmp_path / "ran" / "result.json"
    with pytest.raises(DataError, match=r"14 of 14 are not there.*with --generated"):
        added(record, tmp_path / "board", None)
    added(record, tmp_path / "board", tmp_path / "moved")
    assert verify(tmp_path / "board") == []


def test_strips_are_cut(generated: Path, tmp_path: Path) -> None:
    strips = tmp_path / "strips"
    strips.mkdir()
    for path in generated.iterdir():
        image = np.asarray(Image.open(path))
        strip = np.concatenate([255 - image, image], axis=1)
        Image.fromarray(strip).save(strips / path.name.replace("___", "-to-"))
    names = {"template": "{source_name}-to-{target_name}_vis", "strips": "source|generated"}
    inputs = Inputs(generated=strips, limit=COUNT, **STREET, **names)  # type: ignore[arg-type]
    out = tmp_path / "scored"
    score(ScoreRequest(inputs=inputs, metrics=METRICS, label="cut", device="cpu", out=out))
    record = out / "result.json"
    with pytest.raises(DataError, match="no known way of naming files fits"):
        added(record, tmp_path / "board", strips)
    whole = {"template": names["template"]}
    with pytest.raises(DataError, match=r"of \(128, 64\) pixels, got \(128, 128\) in row 0"):
        added(record, tmp_path / "board", strips, **whole)
    folder = added(record, tmp_path / "board", strips, **names)
    (first, *_) = sorted(generated.iterdir())
    samples = [Image.open(path).tobytes() for path in (folder / "samples").iterdir()]
    assert Image.open(first).tobytes() in samples


def test_images_that_were_not_scored_are_refused(
    scored: Path, generated: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "generated"
    shutil.copytree(generated, folder)
    source, target = find_dataset(DATASET).open("test", "tiny").manifest()[5]
    path = folder / f"{source}___{target}_vis.png"
    image = np.asarray(Image.open(path)).copy()
    image[0, 0, 0] ^= 1
    Image.fromarray(image).save(path)
    with pytest.raises(DataError, match=r"expected images of digest .* not the images that were"):
        added(scored, tmp_path / "board", folder)
    path.unlink()
    with pytest.raises(DataError, match="no known way of naming files fits"):
        added(scored, tmp_path / "board", folder)
    with pytest.raises(DataError, match="1 are missing"):
        added(scored, tmp_path / "board", folder, template="{source_name}___{target_name}_vis")
    assert not (tmp_path / "board").exists()


def test_another_folder_is_refused(scored: Path, ran: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected images of digest"):
        added(scored, tmp_path, ran.parent / "images")
    with pytest.raises(DataError, match="expected images, got none"):
        added(scored, tmp_path, scored.parent)
    with pytest.raises(DataError, match=r"14 of 14 are not there.*with --generated"):
        added(scored, tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def one(name: str, extractor: str) -> dict[str, Any]:
    """A figure of a record."""
    return {
        "name": name,
        "value": 0.5,
        "n": COUNT,
        "higher_is_better": name == "pckh",
        "extractor": extractor,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["method"].update(name="My Method"), "small letters.*images with --label"),
        (lambda r: r["method"].update(name="source"), "other than compare, real, source, target"),
        (lambda r: r["dataset"].update(images=None), "images by digest, got None: score with"),
        (lambda r: r["dataset"].update(images="0" * 64), "expected images [0-9a-f]{64}, got 0000"),
        (lambda r: r["manifest"].update(sha256="0" * 64), "expected pairs of digest 0000"),
        (lambda r: r["outputs"].update(sha256="0" * 64), "expected images of digest 0000"),
        (
            lambda r: r["scores"].append(one("fid.effnet_lite0_train", "effnet_lite0")),
            "fid.effnet_lite0_train is against a folder.*without --train-images",
        ),
        (
            lambda r: r["scores"].append(one("pckh", "given keypoints")),
            "pckh: expected joints found by keypoint_rcnn, got given keypoints",
        ),
    ],
)
def test_what_a_board_cannot_vouch_for_is_refused(
    copied: Path,
    generated: Path,
    tmp_path: Path,
    change: Callable[[Any], object],
    message: str,
) -> None:
    edited(copied, change)
    with pytest.raises(DataError, match=message):
        added(copied, tmp_path / "board", generated)
    assert not (tmp_path / "board").exists()


def test_a_part_of_the_pairs_is_filed_only_if_asked(
    scored: Path, generated: Path, tmp_path: Path
) -> None:
    filing = Filing(scored, tmp_path / "board", images=image_finder(generated))
    with pytest.raises(DataError, match="leave out --limit and --manifest, or add --partial"):
        add_record(filing, silent)
    assert not (tmp_path / "board").exists()


def test_values_must_lie_beside_the_record(copied: Path, generated: Path, tmp_path: Path) -> None:
    (copied.parent / "values.csv").unlink()
    with pytest.raises(DataError, match=r"got no such file: .*score --out` with --dataset or"):
        added(copied, tmp_path / "board", generated)


def test_images_of_the_names_of_a_dataset_are_not_its_images(
    generated: Path, tmp_path: Path
) -> None:
    split = find_dataset(DATASET).open("test", "tiny")
    manifest = split.manifest().limit(COUNT)
    write_manifest(manifest, tmp_path / "pairs.csv")
    (tmp_path / "images").mkdir()
    for name in manifest.names:
        Image.fromarray(split.image(name)).save(tmp_path / "images" / name)
    shutil.copytree(generated, tmp_path / "generated")
    wanted = {f"{source}___{target}_vis.png" for source, target in manifest}
    for path in (tmp_path / "generated").iterdir():
        if path.name not in wanted:
            path.unlink()
    inputs = Inputs(
        generated=tmp_path / "generated",
        manifest=tmp_path / "pairs.csv",
        images=tmp_path / "images",
    )
    out = tmp_path / "scored"
    score(ScoreRequest(inputs=inputs, metrics=METRICS, label="dark", device="cpu", out=out))
    assert (out / "values.csv").is_file()
    with pytest.raises(DataError, match=f"score with --dataset {DATASET} and without --images"):
        added(out / "result.json", tmp_path / "board", tmp_path / "generated")


def test_from_the_command_line(cli: Callable[..., Any], generated: Path, tmp_path: Path) -> None:
    images = ("--generated", str(generated))
    scoring = ("--dataset", DATASET, "--preset", "tiny", "--limit", str(COUNT), "--label", "dark")
    done = cli("score", *images, *scoring, "--metrics", "l1,psnr", "--out", "scored")
    assert done.returncode == 0, done.stderr
    add = ("leaderboard", "add", "scored/result.json", "--root", "board", "--partial")
    refused = cli(*add)
    assert refused.returncode == 3
    assert "with --generated" in refused.stderr
    refused = cli(*add, "--name", "{row}")
    assert refused.returncode == 2
    assert "--name needs --generated" in refused.stderr
    done = cli(*add, *images)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"board/{DATASET}/measured/dark\n"
    assert cli("leaderboard", "verify", "--root", "board").returncode == 0
    shown = cli("table", "--dataset", DATASET, "--root", "board")
    assert "dark" in shown.stdout
    assert "mannequin_street (14 pairs)" in shown.stdout
    (tmp_path / f"board/{DATASET}/measured/dark/values.csv").write_text("source,target,person\n")
    assert cli("leaderboard", "verify", "--root", "board").returncode == 3
