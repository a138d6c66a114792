"""Scoring a folder: all ways to name the targets agree, and nothing odd goes unsaid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from folders import Folders, N, make
from PIL import Image
from trees import csv_row, listing

from recapbench.data.datasets import find_dataset
from recapbench.errors import DataError, UsageError
from recapbench.evaluation.evaluate import evaluate
from recapbench.evaluation.pair_values import read_pair_values
from recapbench.evaluation.pairs import PairSet
from recapbench.leaderboard.soundness import value_problems, values_beside
from recapbench.provenance import sha256_ordered, sha256_pixels
from recapbench.request import RunRequest
from recapbench.results import Result, read_result
from recapbench.run import run
from recapbench.scoring.job import ScoreRequest, score
from recapbench.scoring.task import Inputs

METRICS = ("ssim.def_gan", "mask_ssim.def_gan", "l1", "psnr")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Folders that no test changes."""
    return make(tmp_path_factory.mktemp("score") / "shared")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Folders of a test's own."""
    return make(tmp_path / "own")


def by_manifest(folders: Folders, **changes: object) -> Inputs:
    inputs = Inputs(
        generated=folders.generated,
        manifest=folders.manifest,
        images=folders.images,
        keypoints=folders.joints,
    )
    return replace(inputs, **changes)  # type: ignore[arg-type]


def scored(inputs: Inputs, **changes: object) -> Result:
    request = ScoreRequest(inputs=inputs, metrics=METRICS, device="cpu")
    return score(replace(request, **changes))  # type: ignore[arg-type]


def notes(result: Result) -> str:
    return "\n".join(result.notes)


def test_the_figures_are_those_of_evaluate(shared: Folders) -> None:
    result = scored(by_manifest(shared))
    targets = [shared.real[target] for _, target in shared.pairs]
    pairs = PairSet(
        generated=[shared.output(row) for row in range(N)],
        targets=targets,
        target_keypoints=[
            np.floor(shared.keypoints[target] + [0.5, 0.5, 0]) for _, target in shared.pairs
        ],
        identities=[source[:4] for source, _ in shared.pairs],
    )
    assert result.scores == evaluate(pairs, metrics=METRICS)
    assert {s.n for s in result.scores} == {N}
    assert "over 3 persons" in str(result.score("l1").interval)
    rows = {row.name: {s.name: s.value for s in row.scores} for row in result.references}
    assert list(rows) == ["copy_source", "real"]
    assert rows["real"]["l1"] == 0
    assert rows["copy_source"]["l1"] > 0  # type: ignore[operator]


def test_the_record_says_what_was_scored(shared: Folders) -> None:
    result = scored(by_manifest(shared), label="mine")
    assert (result.method.name, result.manifest.n) == ("mine", N)
    assert result.manifest.protocol == "unknown"
    outputs = [sha256_pixels(shared.output(row)) for row in range(N)]
    targets = [sha256_pixels(shared.real[target]) for _, target in shared.pairs]
    assert result.outputs.sha256 == sha256_ordered(outputs)
    assert result.targets is not None
    assert result.targets.sha256 == sha256_ordered(targets)
    assert "named {source_name}_{target_name} (Def-GAN)" in notes(result)
    assert "persons are told by the names of market1501" in notes(result)
    assert Result.model_validate_json(json.dumps(result.document())) == result


def test_every_way_to_name_the_targets_gives_the_same_figures(folders: Folders) -> None:
    by_list = scored(by_manifest(folders))
    stems = [f"{row:03d}" for row in range(N)]
    outputs = {f"{stem}.png": folders.output(row) for row, stem in enumerate(stems)}
    targets = {f"{s}.png": folders.real[t] for s, (_, t) in zip(stems, folders.pairs, strict=True)}
    strips = {
        f"{a}_{b}.png": np.concatenate(
            [folders.real[a], 0 * folders.real[a], folders.real[b], folders.output(row)], axis=1
        )
        for row, (a, b) in enumerate(folders.pairs)
    }
    layout = "source|pose|target|generated"
    generated, cut = folders.write("g", outputs), folders.write("strips", strips)
    real = folders.write("t", targets)
    ways = [
        Inputs(generated=generated, targets=real),
        Inputs(generated=cut, strips=layout, manifest=folders.manifest),
        by_manifest(folders, generated=cut, strips=layout),
        Inputs(generated=cut, strips=layout),
    ]
    for inputs in ways:
        result = scored(inputs, metrics=("ssim.def_gan", "l1"))
        for name in ("ssim.def_gan", "l1"):
            same = pytest.approx(by_list.score(name).value, rel=1e-14)  # another order of the sum
            assert result.score(name).value == same
        rows = [row.name for row in result.references]
        assert rows == ["copy_source"] * (inputs.strips is not None) + ["real"]


def test_by_name_says_its_order_and_that_nobody_knows_the_persons(folders: Folders) -> None:
    targets = {f"{name}.png": folders.output(row) for row, name in enumerate("cab")}
    result = scored(
        Inputs(generated=folders.write("g", targets), targets=folders.write("t", targets))
    )
    assert result.manifest.protocol == "by_name"
    assert result.manifest.sha256 == sha256_ordered(["a", "b", "c"])
    assert result.dataset is None
    assert "in order of their names" in notes(result)
    assert "each pair counts as a person of its own" in notes(result)
    reason = result.score("mask_ssim.def_gan").reason
    assert reason is not None
    assert "joints" in reason


def test_a_dataset_gives_pairs_joints_and_masks(tmp_path: Path) -> None:
    street = {"dataset": "mannequin_street", "preset": "tiny", "limit": N}
    out = tmp_path / "r"
    ran = run(
        RunRequest(method="copy_source", out=out, device="cpu", metrics=METRICS, **street)  # type: ignore[arg-type]
    )
    result = scored(Inputs(generated=out / "images", **street))  # type: ignore[arg-type]
    assert result.scores == ran.scores
    assert result.manifest.sha256 == ran.manifest.sha256
    assert result.outputs == ran.outputs
    assert result.dataset == ran.dataset
    assert result.targets is ran.targets is None
    assert f"{N} of {N} generated images are their source" in notes(result)


def test_a_manifest_with_its_header_is_verified(tmp_path: Path) -> None:
    from recapbench.data.manifest import write_manifest

    split = find_dataset("mannequin_street").open("test", "tiny")
    manifest = split.manifest().limit(4)
    write_manifest(manifest, tmp_path / "pairs.csv")
    for name in ("images", "generated"):
        (tmp_path / name).mkdir()
    for name in manifest.names:
        Image.fromarray(split.image(name)).save(tmp_path / "images" / name)
    for row, pair in enumerate(manifest):
        path = tmp_path / "generated" / f"{row}.png"
        Image.fromarray(split.image(pair.source)).save(path)
    inputs = Inputs(
        generated=tmp_path / "generated",
        manifest=tmp_path / "pairs.csv",
        images=tmp_path / "images",
        template="{row}",
    )
    result = scored(inputs)
    assert result.manifest.sha256 == manifest.sha256
    assert result.dataset is not None
    assert result.dataset.name == "mannequin_street"
    with pytest.raises(DataError, match="is of 'mannequin_street', expected 'mannequin'"):
        scored(replace(inputs, dataset="mannequin"))
    rows = (tmp_path / "pairs.csv").read_text().splitlines()
    (tmp_path / "pairs.csv").write_text("\n".join([*rows[:-1], "a.png,b.png"]) + "\n")
    with pytest.raises(DataError, match=r"changed at row 4 is 'a\.png,b\.png'"):
        scored(inputs)


def test_a_limit_scores_the_first_pairs_and_says_so(shared: Folders) -> None:
    result = scored(by_manifest(shared, limit=5))
    assert result.manifest.n == result.score("l1").n == 5
    assert result.manifest.protocol == "unknown[:5]"
    assert f"only the first 5 of {N} pairs were scored (--limit)" in notes(result)


def test_jpeg_is_refused_unless_allowed_and_then_noted(folders: Folders) -> None:
    for row, (a, b) in enumerate(folders.pairs):
        (folders.generated / f"{a}_{b}.png").unlink()
        Image.fromarray(folders.output(row)).save(folders.generated / f"{a}_{b}.jpg")
    with pytest.raises(DataError, match=r"\.jpg: a generated image in JPEG is not what .* PNG"):
        scored(by_manifest(folders))
    result = scored(by_manifest(folders), allow_lossy=True)
    assert f"lossy: {N} of {N} generated images are JPEG files" in notes(result)


def test_strips_saved_as_jpeg_are_noticed(folders: Folders) -> None:
    (folders.root / "strips").mkdir()
    for row, (a, b) in enumerate(folders.pairs):
        strip = np.concatenate([folders.real[a], folders.real[b], folders.output(row)], axis=1)
        Image.fromarray(strip).save(folders.root / "strips" / f"{a}_{b}.jpg")
    inputs = by_manifest(folders, generated=folders.root / "strips", strips="def_gan")
    with pytest.raises(DataError, match="--allow-lossy"):
        scored(inputs)
    said = notes(scored(inputs, allow_lossy=True))
    assert f"differs from the real one in {N} of {N} strips, by up to" in said
    assert "the real targets were scored" in said


def test_whole_and_cropped_images_do_not_go_together(folders: Folders) -> None:
    whole = {"a.png": np.zeros((256, 256, 3), np.uint8)}
    cropped = {"a.png": np.zeros((256, 176, 3), np.uint8)}
    inputs = Inputs(generated=folders.write("g", cropped), targets=folders.write("t", whole))
    with pytest.raises(DataError) as caught:
        scored(inputs)
    text = str(caught.value)
    assert "a.png" in text
    assert "176 columns and 256 rows" in text
    assert "PATN crops columns 40 to 215" in text


def test_outputs_that_are_their_targets_are_noted(folders: Folders) -> None:
    a, b = folders.pairs[3]
    Image.fromarray(folders.real[b]).save(folders.generated / f"{a}_{b}.png")
    a, b = folders.pairs[4]
    Image.fromarray(folders.real[a]).save(folders.generated / f"{a}_{b}.png")
    said = notes(scored(by_manifest(folders)))
    assert f"1 of {N} generated images are their target" in said
    assert f"1 of {N} generated images are their source" in said
    same = scored(Inputs(generated=folders.images, targets=folders.images), allow_lossy=True)
    assert "every generated image is its target" in notes(same)


def test_joints_of_every_target_are_needed(folders: Folders) -> None:
    rows = folders.joints.read_text().splitlines()
    target = folders.pairs[0][1]
    folders.joints.write_text("\n".join(r for r in rows if target not in r) + "\n")
    with pytest.raises(DataError, match=f"expected a row for every image, 1 have none: {target}"):
        scored(by_manifest(folders))
    folders.joints.write_text("\n".join([*rows, rows[1]]) + "\n")
    with pytest.raises(DataError, match="is named in row 1 already"):
        scored(by_manifest(folders))


def test_joints_outside_the_image_are_refused(folders: Folders) -> None:
    target = folders.pairs[0][1]
    keypoints = folders.keypoints[target].copy()
    keypoints[3] = (70, 5, 2)
    rows = [
        csv_row(name, keypoints if name == target else joints)
        for name, joints in folders.keypoints.items()
    ]
    folders.joints.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    with pytest.raises(DataError, match="joint 3 at x 70, y 5 lies outside the image of 64"):
        scored(by_manifest(folders))


def test_joints_may_be_missing(folders: Folders) -> None:
    rows = []
    for name, joints in folders.keypoints.items():
        joints[5:9, 2] = 0
        rows.append(csv_row(name, joints))
    folders.joints.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    assert scored(by_manifest(folders)).score("mask_ssim.def_gan").value is not None


def test_joints_found_in_the_generated_images(folders: Folders) -> None:
    rows = [csv_row(f"{a}_{b}.png", folders.keypoints[b]) for a, b in folders.pairs]
    found = folders.root / "found.csv"
    found.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    result = scored(by_manifest(folders, generated_keypoints=found), metrics=("pckh",))
    assert result.score("pckh").value == 1


def test_nothing_is_written_among_the_images(folders: Folders) -> None:
    before = listing(folders.root)
    scored(by_manifest(folders), metrics=(*METRICS, "fid.effnet_lite0"), explain=True)
    assert listing(folders.root) == before
    for folder in (folders.generated, folders.images):
        with pytest.raises(UsageError, match="nothing is written among images"):
            scored(by_manifest(folders), out=folder / "scored")


def test_statistics_in_the_folder_are_not_read(folders: Folders) -> None:
    first = scored(by_manifest(folders))
    (folders.generated / "statistics.npz").write_bytes(b"of other images")
    again = scored(by_manifest(folders))
    assert again.scores == first.scores
    assert "1 files that are no images; nothing is read from them: statistics.npz" in notes(again)


def test_the_result_is_kept_with_the_values_of_its_pairs(shared: Folders, tmp_path: Path) -> None:
    out = tmp_path / "new" / "scored"
    result = scored(by_manifest(shared), out=out)
    assert sorted(path.name for path in out.iterdir()) == ["result.json", "values.csv"]
    assert read_result(out / "result.json") == result
    values = read_pair_values(out / "values.csv")
    assert list(values.pairs) == shared.pairs
    assert list(values.persons) == [source[:4] for source, _ in shared.pairs]
    assert list(values.metrics) == list(METRICS)
    assert list(value_problems(result, values)) == []


def test_without_known_pairs_there_are_no_values(shared: Folders, tmp_path: Path) -> None:
    out = tmp_path / "scored"
    scored(Inputs(generated=shared.generated, targets=shared.generated), out=out)
    assert [path.name for path in out.iterdir()] == ["result.json"]
    with pytest.raises(DataError, match=r"values\.csv: expected .* --dataset or --manifest"):
        values_beside(out / "result.json")


def test_pairs_of_unknown_persons_are_persons_of_their_own(
    folders: Folders, tmp_path: Path
) -> None:
    names = ["one.png", "two.png", "three.png"]
    images = folders.write("real", {name: folders.output(row) for row, name in enumerate(names)})
    folders.manifest.write_text("from,to\none.png,two.png\none.png,three.png\n")
    generated = folders.write("g", {f"{row}.png": folders.output(row) for row in range(2)})
    inputs = Inputs(generated=generated, images=images, manifest=folders.manifest, template="{row}")
    result = scored(inputs, metrics=("l1",), out=tmp_path / "scored")
    values = read_pair_values(tmp_path / "scored" / "values.csv")
    assert values.persons == ("0", "1")
    assert "2 persons" in str(result.score("l1").interval)


@pytest.mark.parametrize("name", ["request.json", "result.json", "values.csv"])
def test_a_folder_that_holds_a_result_is_left_alone(
    shared: Folders, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("of something else")
    with pytest.raises(UsageError, match=rf"holds a result already \({name}\): name another"):
        scored(by_manifest(shared), out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "of something else"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"manifest": None, "images": None}, "what are the images to be compared with"),
        ({"manifest": None}, "--images needs --manifest"),
        ({"images": None}, "--manifest needs --images"),
        ({"targets": Path("t")}, "--manifest does not go with it"),
        ({"split": "test"}, "--split belongs to a --dataset"),
        ({"strips": "source|target"}, "expected a panel 'generated'"),
        ({"template": "{sauce}"}, "--name"),
    ],
)
def test_inputs_that_contradict_each_other(
    shared: Folders, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        scored(by_manifest(shared, **changes))


def test_unknown_metrics_and_estimators(shared: Folders) -> None:
    with pytest.raises(UsageError, match=r"Did you mean 'ssim\.def_gan'"):
        scored(by_manifest(shared), metrics=("ssim.defgan",))
    with pytest.raises(UsageError, match="estimator"):
        scored(by_manifest(shared), pose_estimator="openpoes")


def test_images_that_the_manifest_names_and_the_folder_lacks(folders: Folders) -> None:
    (folders.images / folders.pairs[0][1]).unlink()
    with pytest.raises(DataError, match=r"1 targets of the manifest are not there: "):
        scored(by_manifest(folders))


def test_without_all_sources_there_is_no_row_for_them(folders: Folders) -> None:
    only = folders.pairs[0][0]
    pairs = [pair for pair in folders.pairs if pair[1] != only][:4]
    folders.manifest.write_text("from,to\n" + "".join(f"{a},{b}\n" for a, b in pairs))
    for path in folders.generated.iterdir():
        if path.name not in {f"{a}_{b}.png" for a, b in pairs}:
            path.unlink()
    (folders.images / only).unlink()
    result = scored(by_manifest(folders))
    assert [row.name for row in result.references] == ["real"]
    assert "no row copy_source" in notes(result)
