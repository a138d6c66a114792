"""`recapbench run` with several methods, good and bad, and `recapbench compare`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bad_plugins import BAD, WORSE, install_bad_plugins
from PIL import Image

from recapbench.cli.generate import settings_of, weights_of
from recapbench.cli.options import overrides
from recapbench.comparison.job import arguments
from recapbench.comparison.record import Comparison
from recapbench.data.datasets import find_dataset
from recapbench.data.pictures import enlarge
from recapbench.errors import UsageError
from recapbench.outputs import REQUEST
from recapbench.request import RunRequest
from recapbench.results import read_result

Cli = Callable[..., subprocess.CompletedProcess[str]]

TINY = ("--dataset", "mannequin_street", "--preset", "tiny", "--metrics", "l1", "--device", "cpu")
SEVERAL = ",".join(["copy_source", *BAD, *WORSE])
STALL = 20


@pytest.fixture(scope="module")
def bad_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for ``PYTHONPATH``."""
    return install_bad_plugins(tmp_path_factory.mktemp("bad") / "site")


@pytest.fixture(scope="module")
def among_bad(
    tmp_path_factory: pytest.TempPathFactory, bad_site: Path, shared_home: Path
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One comparison of copy_source with every bad plugin, and its folder."""
    out = tmp_path_factory.mktemp("among") / "out"
    words = ("run", "--method", SEVERAL, *TINY, "--limit", "2", "--out", str(out), "--json")
    done = subprocess.run(
        [sys.executable, "-m", "recapbench", *words, "--stall", str(STALL)],
        cwd=out.parent,
        env=os.environ
        | {
            "PYTHONPATH": str(bad_site),
            "RECAPBENCH_HOME": str(shared_home),
            "RECAPBENCH_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    return done, out


def test_bad_plugins_take_nobody_with_them(
    among_bad: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = among_bad
    assert done.returncode == 4, done.stderr
    assert [result["method"]["name"] for result in json.loads(done.stdout)] == ["copy_source"]
    assert "Traceback" not in done.stderr
    comparison = Comparison.model_validate_json((out / "comparison.json").read_text())
    assert [method.label for method in comparison.methods] == ["copy_source"]
    assert [failure.method for failure in comparison.failed] == [*BAD, *WORSE]
    assert (out / "copy_source" / "result.json").is_file()
    assert (out / "grid.png").is_file()


SAYS = {
    "bad_import": "the moon is full",
    "bad_load": "these weights are too heavy",
    "bad_generate": "no picture today",
    "bad_nan": "finite",
    "bad_shape": "shape",
    "bad_dtype": "float64",
    "bad_range": "[-1, 1]",
    "bad_mutate": "changed",
    "bad_hang": f"nothing moved for {STALL} s",
    "bad_exit": "SystemExit",
    "bad_shared": "registered more than once",
    "bad_exit_import": "SystemExit",
    "bad_hard_exit": "ended with exit code 0, without a result",
}


@pytest.mark.parametrize("name", [*BAD, *WORSE])
def test_a_bad_plugin_is_a_line_with_its_distribution_and_reason(
    among_bad: tuple[subprocess.CompletedProcess[str], Path], name: str
) -> None:
    done, out = among_bad
    [line] = [line for line in done.stderr.splitlines() if f"failed: method {name!r}" in line]
    assert "recapbench-bad 1.0" in line
    assert SAYS[name] in line
    if name == "bad_shared":
        assert "recapbench-twin 2.0" in line
    assert (out / f"{name}.log").is_file()
    assert f"failed: method '{name}'" in (out / "comparison.md").read_text()


def test_all_fail(cli: Cli, bad_site: Path, tmp_path: Path) -> None:
    done = cli(
        *("run", "--method", "bad_import,bad_exit_import", *TINY, "--limit=1", "--out", "o"),
        "--json",
        PYTHONPATH=str(bad_site),
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout) == []
    assert not (tmp_path / "o" / "comparison.json").exists()


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, shared_home: Path, street_weights: Path
) -> Path:
    """Folder of a comparison of copy_source and a tiny sat_lgr, which printed its table."""
    folder = tmp_path_factory.mktemp("whole")
    words = ("run", "--method", "copy_source,sat_lgr", *TINY, "--limit", "4", "--out", "out")
    done = subprocess.run(
        [sys.executable, "-m", "recapbench", *words, f"--weights=sat_lgr={street_weights}"],
        cwd=folder,
        env=os.environ | {"RECAPBENCH_HOME": str(shared_home), "RECAPBENCH_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder / "out"


def test_each_folder_holds_what_a_single_run_writes(
    whole: Path, cli: Cli, tmp_path: Path, street_weights: Path
) -> None:
    words = ("--limit", "4", "--out", "alone", "--weights", str(street_weights))
    assert cli("run", "--method", "sat_lgr", *TINY, *words).returncode == 0
    ours, alone = whole / "sat_lgr", tmp_path / "alone"
    names = [
        {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        for folder in (ours, alone)
    ]
    assert names[0] == names[1]
    for name in names[0] - {Path("result.json")}:
        assert (ours / name).read_bytes() == (alone / name).read_bytes(), name
    results = [read_result(folder / "result.json") for folder in (ours, alone)]
    assert results[0].model_copy(update={"seconds": results[1].seconds}) == results[1]


def test_the_table_has_a_column_for_each(whole: Path) -> None:
    printed = (whole.parent / "printed").read_text()
    assert "2 methods on 4 pairs of mannequin_street/test" in printed
    for word in ("l1 ↓", "copy_source", "sat_lgr", "real", "layout.miou ↑"):
        assert word in printed
    comparison = Comparison.model_validate_json((whole / "comparison.json").read_text())
    l1 = comparison.metrics[0]
    for figure in l1.figures:
        result = read_result(whole / figure.label / "result.json")
        assert figure.value == result.score("l1").value
    assert [row.name for row in l1.references] == ["real"], "copy_source is a method here"


def test_the_grid_shows_the_same_pairs_for_all(whole: Path) -> None:
    with Image.open(whole / "grid.png") as image:
        grid = np.asarray(image)
    width, gap, head = 2 * 64, 4, 16
    assert grid.shape[1] == 5 * (width + gap) + gap

    def tile(column: int) -> np.ndarray:
        left, top = gap + column * (width + gap), head + gap
        return grid[top : top + 2 * 128, left : left + width]

    manifest = find_dataset("mannequin_street").open("test", "tiny").manifest()
    split = find_dataset("mannequin_street").open("test", "tiny")
    sources = {pair.source for pair in list(manifest)[:4]}
    [source] = [n for n in sources if np.array_equal(enlarge(split.image(n), 2), tile(0))]
    assert np.array_equal(tile(2), tile(0)), "copy_source hands back the source"
    made = [
        path
        for path in (whole / "sat_lgr" / "images").iterdir()
        if np.array_equal(enlarge(np.asarray(Image.open(path)), 2), tile(3))
    ]
    assert len(made) == 1
    assert Path(source).stem in made[0].name


def test_compare_makes_the_same_of_folders_that_are_there(
    whole: Path, cli: Cli, tmp_path: Path
) -> None:
    folders = [str(whole / name) for name in ("copy_source", "sat_lgr")]
    done = cli("compare", *folders, "--out", "again")
    assert done.returncode == 0, done.stderr
    for name in ("comparison.json", "comparison.md", "grid.png"):
        assert (tmp_path / "again" / name).read_bytes() == (whole / name).read_bytes()
    assert done.stdout == (whole.parent / "printed").read_text()
    printed = cli("compare", *folders, "--json")
    assert json.loads(printed.stdout) == json.loads((whole / "comparison.json").read_text())
    assert cli("compare", folders[0]).returncode == 2
    assert cli("compare", folders[0], folders[0]).returncode == 2
    assert cli("compare", *folders, "--out", folders[0]).returncode == 2


def test_a_folder_of_scored_images_is_compared_too(whole: Path, cli: Cli, tmp_path: Path) -> None:
    images = ("--generated", str(whole / "sat_lgr" / "images"), "--label", "mine")
    done = cli("score", *images, *TINY, "--limit", "4", "--out", "scored")
    assert done.returncode == 0, done.stderr
    done = cli("compare", str(whole / "copy_source"), "scored", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "not in the grid: mine has no images" in done.stderr
    ours, theirs = (
        Comparison.model_validate_json((folder / "comparison.json").read_text()).metrics[0]
        for folder in (tmp_path / "out", whole)
    )
    assert [figure.label for figure in ours.figures] == ["copy_source", "mine"]
    for one, other in zip(ours.figures, theirs.figures, strict=True):
        assert one.model_copy(update={"label": other.label}) == other
    refused = cli("compare", str(whole / "copy_source"), "scored", "--out", "scored")
    assert refused.returncode == 2, refused.stderr


def test_images_that_were_not_scored_are_refused(whole: Path, cli: Cli, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(whole / "copy_source", copy)
    victim = next((copy / "images").iterdir())
    Image.fromarray(255 - np.asarray(Image.open(victim))).save(victim)
    done = cli("compare", str(copy), str(whole / "sat_lgr"), "--out", "out")
    assert done.returncode == 3, done.stderr
    assert "holds other images than were scored" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["grid.png", "comparison.md"])
def test_files_of_no_comparison_are_left_alone(
    whole: Path, cli: Cli, tmp_path: Path, name: str
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("mine")
    folders = [str(whole / method) for method in ("copy_source", "sat_lgr")]
    for words in (
        ("compare", *folders),
        ("run", "--method", "copy_source,sat_lgr", *TINY, "--limit", "2"),
    ):
        done = cli(*words, "--out", "mine")
        assert done.returncode == 2, done.stderr
        assert f"mine holds {name} of no comparison already" in done.stderr
        assert (tmp_path / "mine" / name).read_text() == "mine"
        done = cli(*words, "--out", f"mine/{name}")
        assert done.returncode == 2, done.stderr
        assert "expected a folder, got the file" in done.stderr


def test_resume_adds_a_method_and_keeps_the_others(
    whole: Path, cli: Cli, tmp_path: Path, street_weights: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(whole / "copy_source", out / "copy_source")
    words = ("run", "--method", "copy_source,sat_lgr", *TINY, "--limit", "4", "--out", "out")
    words += (f"--weights=sat_lgr={street_weights}",)
    refused = cli(*words)
    assert refused.returncode == 2
    assert "out/copy_source holds a run already: add --resume" in refused.stderr
    image = next((out / "copy_source" / "images").iterdir())
    before = image.stat().st_ino
    done = cli(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert image.stat().st_ino == before
    assert (out / "comparison.json").read_bytes() == (whole / "comparison.json").read_bytes()


def test_ctrl_c_ends_the_child_and_all_can_be_finished(
    cli: Cli,
    cli_started: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[..., None],
    street_weights: Path,
    tmp_path: Path,
) -> None:
    words = ("run", "--method", "sat_lgr,copy_source", *TINY, "--out", "out")
    words += (f"--weights=sat_lgr={street_weights}",)
    process = cli_started(*words)
    images = tmp_path / "out" / "sat_lgr" / "images"
    wait_until(lambda: any(images.glob("*.png")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "finish it with --resume --out out" in errors
    assert "Traceback" not in errors
    made = len(list(images.glob("*.png")))
    assert not (tmp_path / "out" / "copy_source").exists()
    done = cli(*words, "--resume")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "sat_lgr" / REQUEST).exists()
    assert len(list(images.glob("*.png"))) > made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--method", "copy_source,copy_source"), "copy_source is named more than once"),
        (("--method", "copy_source,"), "expected names between commas"),
        (("--method", "copy_source,sat_lgrr"), "Did you mean 'sat_lgr'"),
        (("--method", "copy_source,sat_lgr", "--weights", "w.st"), "expected METHOD=FILE"),
        (("--method", "copy_source,sat_lgr", "--set", "width=2"), "expected METHOD.KEY=VALUE"),
        (("--method", "copy_source,sat_lgr", "--target-parsing", "ground_truth"), "single method"),
        (("--method", "copy_source,sat_lgr", "--device", "tpu9"), "cannot be used"),
        (("--method", "copy_source,sat_lgr", "--split", "tset"), "Did you mean 'test'"),
        (("--method", "copy_source,sat_lgr", "--metrics", "l2"), "unknown metric 'l2'"),
        (("--method", "copy_source", "--stall", "5"), "--stall is for several methods"),
        (("--method", "copy_source", "--weights", "a", "--weights", "b"), "expected one file"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    done = cli("run", *TINY, *words, "--out", "out")
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_several_methods_are_not_for_several_processes(cli: Cli) -> None:
    done = cli("run", "--method", "copy_source,sat_lgr", *TINY, WORLD_SIZE="2", RANK="1")
    assert done.returncode == 2
    assert done.stderr == "", "the first process tells"


def test_options_of_one_method() -> None:
    assert weights_of(["a=x=y", "b=z"], ["a", "b"]) == {"a": Path("x=y"), "b": Path("z")}
    assert weights_of(["x=y"], ["a"]) == weights_of(["a=x=y"], ["a"]) == {"a": Path("x=y")}
    assert settings_of(["a.k=1", "a-b.k=2"], ["a", "a-b"]) == {"a": ["k=1"], "a-b": ["k=2"]}
    assert settings_of(["k=1"], ["a"]) == {"a": ["k=1"]}
    with pytest.raises(UsageError, match="expected one file for a"):
        weights_of(["a=x", "a=y"], ["a", "b"])


def test_a_request_survives_its_command_line() -> None:
    settings = {
        "a": 1,
        "b": True,
        "c": 2.5,
        "d": "text = 'x'",
        "e": None,
        "f": "none",
        "g": [1, "two"],
        "h": {"k": [False]},
        "i": "é😀\x7f\n",
        "j": float("-inf"),
        "k": date(2026, 1, 2),
    }
    request = RunRequest(
        method="m",
        dataset="d",
        out=Path("o"),
        limit=3,
        overrides=settings,
        resume=True,
        metrics=("l1", "psnr"),
        metric_weights={"net": Path("f")},
    )
    words = arguments(request)
    assert words[0] == "run"
    assert (
        overrides([w.removeprefix("--set=") for w in words if w.startswith("--set=")]) == settings
    )
    assert {"--method=m", "--dataset=d", "--out=o", "--limit=3", "--resume"} <= set(words)
    assert {"--metrics=l1,psnr", "--metric-weights=net=f", "--seed=0"} <= set(words)
    assert not any(word.startswith(("--preset", "--train-images", "--weights")) for word in words)
