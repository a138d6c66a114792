"""`recapbench leaderboard add`: what is filed, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import read_board
from recapbench.leaderboard.filing import Filing, add_record
from recapbench.leaderboard.verify import update_index, verify
from recapbench.run import RunRequest, run

DATASET = "mannequin_street"
COUNT = 14


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def made(home: Path, shared_home: Path) -> Path:
    """The record of a run on a few pairs of the tiny set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        out = home / "copy"
        run(
            RunRequest(
                method="copy_source",
                dataset=DATASET,
                preset="tiny",
                limit=COUNT,
                metrics=("l1", "psnr"),
                device="cpu",
                out=out,
            )
        )
    return out / "result.json"


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    shutil.copytree(made.parent, tmp_path / "copy")
    return tmp_path / "copy" / "result.json"


def test_a_run_is_filed_with_its_samples(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "leaderboards"
    folder, left_out = add_record(Filing(made, root, partial=True), silent)
    assert (folder, left_out) == (root / DATASET / "measured" / "copy_source", [])
    board = read_board(root)
    (record,) = board.measured
    assert record.result.document() == json.loads(made.read_text())
    assert record.values is not None
    assert len(record.values.pairs) == COUNT
    rows = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]  # i * 14 // 12
    assert list(record.samples) == rows
    assert list(board.samples(DATASET)) == rows
    # This method hands its source back: the sample is the source's very picture.
    assert all(
        record.samples[row].read_bytes() == board.samples(DATASET)[row].source.read_bytes()
        for row in rows
    )
    assert verify(root) == []


def test_a_part_of_the_pairs_is_filed_only_if_asked(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"got 14 pairs of within_identity/1\[:14\].*add --partial"):
        add_record(Filing(made, tmp_path / "leaderboards"), silent)
    assert not (tmp_path / "leaderboards").exists()


def test_a_record_is_replaced_only_if_asked(made: Path, tmp_path: Path) -> None:
    filing = Filing(made, tmp_path, partial=True)
    folder, _ = add_record(filing, silent)
    (folder / "result.json").touch()
    with pytest.raises(UsageError, match="holds a record already: add --replace"):
        add_record(filing, silent)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    add_record(replace(filing, replace=True), silent)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def edited(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["scores"][0].update(value=0.5, low=None, high=None, interval=None), "mean"),
        (lambda r: r["outputs"].update(sha256="0" * 64), "expected images of digest 0000"),
        (lambda r: r["dataset"].update(images="0" * 64), "expected images [0-9a-f]{64}, got 0000"),
        (lambda r: r["dataset"].update(annotations=None), "expected annotations .* got None"),
        (lambda r: r["manifest"].update(sha256="0" * 64), "expected pairs of digest 0000"),
        (lambda r: r["method"].update(name="My Method"), "small letters.*give it another one"),
        (lambda r: r.update(origin="reported"), "expected origin measured, got reported"),
        (lambda r: r.update(dataset=None), "expected the name of a dataset, got none"),
        (lambda r: r.update(more=1), "no valid result"),
        (lambda r: r.update(seconds=float("nan")), "no valid result"),
        (lambda r: r["manifest"].update(n=str(COUNT)), "no valid result"),
        (lambda r: r["references"].append(r["references"][0]), "reference real .*more than once"),
        (lambda r: r["references"][0]["scores"][0].update(n=COUNT + 1), "reference real: l1: exp"),
    ],
)
def test_a_record_that_is_not_of_its_run_is_refused(
    copied: Path, tmp_path: Path, change: Callable[[Any], object], message: str
) -> None:
    edited(copied, change)
    with pytest.raises(DataError, match=message):
        add_record(Filing(copied, tmp_path / "leaderboards", partial=True), silent)
    assert not (tmp_path / "leaderboards").exists()


def test_persons_are_those_of_the_pairs(copied: Path, tmp_path: Path) -> None:
    """Renamed, so that the intervals, which rest on who is the same, stay what they are."""
    values = copied.with_name("values.csv")
    head, *lines = values.read_text().splitlines()
    fields = [line.split(",") for line in lines]
    text = [",".join([*row[:2], f"x{row[2]}", *row[3:]]) for row in fields]
    values.write_text("\n".join([head, *text]) + "\n")
    with pytest.raises(DataError, match=r"values\.csv: line 2: expected person '(.*)' of .*'x\1'"):
        add_record(Filing(copied, tmp_path / "leaderboards", partial=True), silent)
    assert not (tmp_path / "leaderboards").exists()


def test_a_replacement_that_is_interrupted_leaves_the_old_record(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = Filing(made, tmp_path, partial=True, replace=True)
    folder, _ = add_record(filing, silent)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    moved = os.replace

    def interrupted(source: Path | str, target: Path | str) -> None:
        if Path(source).name == "new":
            raise KeyboardInterrupt
        moved(source, target)

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        add_record(filing, silent)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert verify(tmp_path) == []


def test_an_unknown_dataset(copied: Path, tmp_path: Path) -> None:
    edited(copied, lambda record: record["dataset"].update(name="mannequins"))
    with pytest.raises(UsageError, match="Did you mean 'mannequin'"):
        add_record(Filing(copied, tmp_path / "leaderboards", partial=True), silent)


def test_what_must_lie_beside_the_record(copied: Path, tmp_path: Path) -> None:
    filing = Filing(copied, tmp_path / "leaderboards", partial=True)
    image = sorted((copied.parent / "images").glob("*.png"))[5]
    image.write_bytes(sorted((copied.parent / "images").glob("*.png"))[6].read_bytes())
    with pytest.raises(DataError, match="expected images of digest"):
        add_record(filing, silent)
    image.unlink()
    with pytest.raises(DataError, match=image.name):
        add_record(filing, silent)
    (copied.parent / "values.csv").unlink()
    with pytest.raises(
        DataError, match=r"values\.csv: expected the values of single pairs, got no"
    ):
        add_record(filing, silent)


def test_nothing_is_filed_on_a_board_with_an_edit(made: Path, tmp_path: Path) -> None:
    filing = Filing(made, tmp_path, partial=True, replace=True)
    folder, _ = add_record(filing, silent)
    shutil.copy(tmp_path / DATASET / "samples" / "0-target.png", folder / "samples" / "0.png")
    with pytest.raises(DataError, match=r"(?s)not sound, nothing was filed.*samples/0\.png"):
        add_record(filing, silent)


def test_pairs_that_have_other_samples_get_none(made: Path, tmp_path: Path, copied: Path) -> None:
    add_record(Filing(made, tmp_path / "board", partial=True), silent)
    truth = tmp_path / "board" / DATASET / "samples" / "0-target.png"
    shutil.copy(truth.with_name("1-target.png"), truth)
    update_index(tmp_path / "board")
    filing = Filing(copied, tmp_path / "board", partial=True, replace=True)
    folder, left_out = add_record(filing, silent)
    assert "0-target.png is the true image of another pair" in left_out[0]
    assert not (folder / "samples").exists()


def test_from_the_command_line(cli: Callable[..., Any], made: Path, tmp_path: Path) -> None:
    arguments = ("leaderboard", "add", str(made), "--root", str(tmp_path / "board"))
    refused = cli(*arguments)
    assert refused.returncode == 3
    assert "add --partial" in refused.stderr
    done = cli(*arguments, "--partial")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'board' / DATASET / 'measured' / 'copy_source'}\n"
    shown = cli("table", "--dataset", DATASET, "--root", str(tmp_path / "board"))
    assert "copy_source" in shown.stdout
    assert "mannequin_street (14 pairs)" in shown.stdout
    assert cli("leaderboard", "index", "--root", str(tmp_path / "board")).stdout == ""
