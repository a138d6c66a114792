"""`recapbench score` as a user meets it: output, exit codes, bad files, several processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from folders import Folders, N, make
from PIL import Image

from recapbench.cli import _guarded

Cli = Callable[..., subprocess.CompletedProcess[str]]
Here = Callable[..., tuple[int, str, str]]

FAST = ("--metrics", "ssim.def_gan,mask_ssim.def_gan,l1,psnr", "--device", "cpu")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Folders that no test changes."""
    return make(tmp_path_factory.mktemp("score") / "shared")


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Folders of a test's own."""
    return make(tmp_path / "own")


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line within this process: exit code, output, messages."""

    def call(*words: str) -> tuple[int, str, str]:
        code = _guarded(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def arguments(folders: Folders, *more: str) -> list[str]:
    return [
        *("score", "--generated", str(folders.generated), "--manifest", str(folders.manifest)),
        *("--images", str(folders.images), "--keypoints", str(folders.joints), *more),
    ]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_json_is_one_result_and_nothing_else(here: Here, shared: Folders) -> None:
    code, output, messages = here(*arguments(shared, *FAST, "--json"))
    assert code == 0, messages
    document = json.loads(output)
    assert document["schema"] == "recapbench.result/1"
    assert document["method"]["name"] == "generated"
    assert document["manifest"]["n"] == N
    assert len(document["manifest"]["sha256"]) == len(document["outputs"]["sha256"]) == 64
    keys = {"name", "value", "n", "low", "high", "higher_is_better"}
    assert all(keys <= score.keys() for score in document["scores"])


def test_the_table_has_all_metrics_n_and_notes(here: Here, shared: Folders, tmp_path: Path) -> None:
    out = tmp_path / "scored"
    code, output, messages = here(
        *arguments(shared, "--device", "cpu", "--explain", "--out", str(out))
    )
    assert code == 0, messages
    assert f"result  {out / 'result.json'}" in messages
    document = json.loads((out / "result.json").read_text())
    for name in [score["name"] for score in document["scores"]]:
        assert name in output
    for text in ("copy_source", "real", f"{N} pairs", "note: ", "mask of the source"):
        assert text in output
    assert "inception_tf" in messages  # says why figures are missing
    assert "looking at images" in messages
    assert "looking at images" not in output
    assert {row["name"] for row in document["explanations"]} >= {"outputs through JPEG"}


def test_a_network_that_fails_leaves_the_other_figures(
    here: Here, shared: Folders, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights")
    code, output, messages = here(
        *arguments(shared, "--metrics", "l1,fid.effnet_lite0", "--json"),
        *("--metric-weights", f"effnet_lite0={broken}"),
    )
    assert code == 4, messages
    l1, fid = json.loads(output)["scores"]
    assert l1["value"] > 0
    assert fid["failed"]
    assert "broken.pth" in fid["reason"]


def test_the_train_images_are_their_own_column(here: Here, shared: Folders) -> None:
    names = "fid.effnet_lite0,fid.effnet_lite0_train"
    words = arguments(shared, "--metrics", names, "--device", "cpu", "--json")
    _, output, _ = here(*words)
    targets, train = json.loads(output)["scores"]
    assert targets["value"] is not None
    assert "train images" in train["reason"]
    _, output, _ = here(*words, "--train-images", str(shared.images))
    targets, train = json.loads(output)["scores"]
    assert train["value"] is not None
    assert train["value"] != targets["value"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--metrics", "l11"), "Did you mean 'l1'"),
        (("--strip", "patn"), "--strip"),
        (("--strips", "patm"), "Did you mean 'patn'"),
        (("--name", "{sauce}"), "--name"),
        (("--targets", "t"), "--manifest does not go with it"),
        (("--metric-weights", "effnet_lite0"), "NAME=FILE"),
        (("--metric-weights", "efnet_lite0=f"), "Did you mean 'effnet_lite0'"),
        (("--limit", "0"), "limit"),
        (("--device", "tpu9"), "cannot be used"),
    ],
)
def test_usage_errors(here: Here, shared: Folders, more: tuple[str, ...], message: str) -> None:
    code, output, messages = here(*arguments(shared, *more))
    assert code == 2, messages
    assert message in flat(messages)
    assert output == ""


def test_out_must_be_a_folder(here: Here, shared: Folders, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    out.write_text("{}")
    code, output, messages = here(*arguments(shared, *FAST, "--out", str(out)))
    assert (code, output) == (2, "")
    assert f"--out: expected a folder, got the file {out}" in flat(messages)
    assert out.read_text() == "{}"


def spoiled(kind: str, path: Path, pixels: np.ndarray) -> str:
    """Make a file bad; what the message must say of it."""
    image = Image.fromarray(pixels)
    if kind in ("L", "RGBA", "P"):
        image.convert(kind).save(path)
        return {"L": "grey", "RGBA": "RGB with alpha", "P": "palette"}[kind]
    if kind == "animated":
        image.save(path, save_all=True, append_images=[Image.fromarray(255 - pixels)])
        return "2 frames"
    if kind == "cut off":
        path.write_bytes(path.read_bytes()[:-100])
        return "does not end"
    if kind == "size":
        Image.fromarray(pixels[:-1]).save(path)
        return "64 columns and 127 rows"
    if kind == "missing":
        path.unlink()
        return "12 of 13"
    path.with_suffix(".jpg").write_bytes(path.read_bytes())
    return "expected one image of each name"


@pytest.mark.parametrize(
    "kind", ["L", "RGBA", "P", "animated", "cut off", "size", "missing", "twice"]
)
def test_bad_files_are_named_with_exit_code_3(here: Here, folders: Folders, kind: str) -> None:
    source, target = folders.pairs[9]
    path = folders.generated / f"{source}_{target}.png"
    message = spoiled(kind, path, folders.output(9))
    code, output, messages = here(*arguments(folders, *FAST))
    assert code == 3, messages
    assert message in flat(messages)
    assert kind == "missing" or path.name in messages
    assert messages.count("error:") == 1
    assert output == ""


def test_one_image_only(here: Here, folders: Folders) -> None:
    code, output, messages = here(*arguments(folders, "--limit", "1", "--device", "cpu", "--json"))
    assert code == 0, messages
    document = json.loads(output)
    for score in document["scores"]:
        assert score["value"] is not None or score["reason"]
        assert score["low"] is None


def test_an_empty_folder(here: Here, shared: Folders, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    where = ("--generated", str(tmp_path / "empty"), "--targets", str(shared.images))
    code, _, messages = here("score", *where)
    assert code == 3
    assert "empty: expected images, got none" in flat(messages)


def launched(count: int, words: list[str], folder: Path) -> list[tuple[int, str, str]]:
    """Exit code, output and messages of each of several processes that share a command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "recapbench", *words],
            cwd=folder,
            env=os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        ends = [process.communicate(timeout=240) for process in started]
    finally:
        for process in started:
            process.kill()
    return [(p.returncode, *end) for p, end in zip(started, ends, strict=True)]


def test_two_processes_have_the_bits_of_one(cli: Cli, shared: Folders, tmp_path: Path) -> None:
    metrics = "ssim.def_gan,mask_ssim.def_gan,l1,psnr,is.effnet_lite0,fid.effnet_lite0"
    words = arguments(shared, "--metrics", metrics, "--device", "cpu", "--explain", "--json")
    words += ["--out", "scored"]
    alone = cli(*words)
    assert alone.returncode == 0, alone.stderr
    (tmp_path / "together").mkdir()
    first, second = launched(2, words, tmp_path / "together")
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert second[1] == ""
    assert "looking at images" not in second[2]
    assert json.loads(first[1]) == json.loads(alone.stdout)
    for name in ("result.json", "values.csv"):
        kept = (tmp_path / "together" / "scored" / name).read_bytes()
        assert kept == (tmp_path / "scored" / name).read_bytes()


def test_an_error_of_one_process_ends_both_with_one_message(
    folders: Folders, tmp_path: Path
) -> None:
    source, target = folders.pairs[-1]  # the second process reads it
    path = folders.generated / f"{source}_{target}.png"
    path.write_bytes(path.read_bytes()[:-100])
    ends = launched(2, arguments(folders, *FAST), tmp_path)
    assert [code for code, _, _ in ends] == [3, 3], ends
    messages = "".join(text for _, _, text in ends)
    assert messages.count("error:") == 1
    assert path.name in messages
    assert "Traceback" not in messages
    assert [output for _, output, _ in ends] == ["", ""]
