"""`recapbench leaderboard verify`: every edit is found."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boards import DATASET, board

from recapbench.errors import DataError
from recapbench.leaderboard.index import NAME, read_index, write_index
from recapbench.leaderboard.verify import update_index, verify
from recapbench.leaderboard.vouched import Installation
from recapbench.paths import shipped
from recapbench.provenance import sha256_file

Board = tuple[Path, Installation]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return board(tmp_path_factory.mktemp("board"))


@pytest.fixture
def fresh(untouched: Board, tmp_path: Path) -> Board:
    """A copy to edit."""
    shutil.copytree(untouched[0].parent, tmp_path, dirs_exist_ok=True)
    here = Installation(tmp_path / "manifests", {"recapbench": tmp_path / "recapbench"})
    return tmp_path / "leaderboards", here


def test_the_shipped_records_are_sound() -> None:
    assert verify(shipped("leaderboards")) == []


def flip_digit(path: Path, draw: random.Random, _: list[Path]) -> None:
    data = bytearray(path.read_bytes())
    places = [place for place, byte in enumerate(data) if chr(byte).isdigit() and byte < 128]
    place = draw.choice(places or range(len(data)))
    data[place] = ord("0") + (data[place] + draw.randint(1, 9)) % 10 if places else data[place] ^ 1
    path.write_bytes(data)


def flip_bit(path: Path, draw: random.Random, _: list[Path]) -> None:
    data = bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


def change_word(path: Path, draw: random.Random, _: list[Path]) -> None:
    words = path.read_bytes().split(b" ")
    words[draw.randrange(len(words))] = b"another"
    path.write_bytes(b" ".join(words))


def delete_line(path: Path, draw: random.Random, _: list[Path]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def drop(path: Path, draw: random.Random, _: list[Path]) -> None:
    path.unlink()


def swap(path: Path, draw: random.Random, files: list[Path]) -> None:
    ours = path.read_bytes()
    other = draw.choice([one for one in files if one.read_bytes() != ours])
    path.write_bytes(other.read_bytes())
    other.write_bytes(ours)


def add(path: Path, draw: random.Random, files: list[Path]) -> None:
    board_file = draw.choice([one for one in files if "leaderboards" in one.parts])
    name = draw.choice(["notes.txt", "99.png", "table9-x.json", ".hidden", "values2.csv"])
    (board_file.parent / name).write_bytes(path.read_bytes())


EDITS: tuple[Callable[[Path, random.Random, list[Path]], None], ...] = (
    flip_digit,
    flip_bit,
    change_word,
    delete_line,
    drop,
    swap,
    add,
)


def test_a_hundred_edits_are_all_flagged(fresh: Board) -> None:
    root, here = fresh
    index = read_index(root)
    vouched = [here.path(name) for name in index.vouched]
    assert len(vouched) == 3
    # As many edits of what is vouched for and of the index as of the records.
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    everything = [*files, *vouched]
    assert verify(root, here) == []
    for number in range(100):
        draw = random.Random(number)
        edit = EDITS[number % len(EDITS)]
        place = [files, vouched, [root / NAME], files][number // len(EDITS) % 4]
        before = {path: path.read_bytes() for path in everything}
        edit(draw.choice(place), draw, everything)
        assert verify(root, here), f"edit {number} ({edit.__name__}) was not found"
        for path in root.rglob("*"):
            if path.is_file() and path not in before:
                path.unlink()
        for path, content in before.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
    assert verify(root, here) == []


def edited(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON document."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def reindexed(root: Path) -> None:
    """Have the index vouch for whatever is there, as somebody would who covers an edit."""
    index = read_index(root)
    files = {name: sha256_file(root / name) for name in index.files}
    write_index(index.model_copy(update={"files": files}), root)


def test_an_edit_of_a_figure_is_found_even_with_another_index(fresh: Board) -> None:
    root, here = fresh
    folder = root / DATASET / "measured" / "made_up"
    edited(folder / "result.json", lambda record: record["scores"][0].update(value=0.405))
    reindexed(root)
    (found,) = verify(root, here)
    assert f"{DATASET}/measured/made_up: values: expected l1 with the mean 0.405, got 0.4" in found
    with pytest.raises(DataError, match=r"not sound:\n.*expected l1 with the mean 0\.405"):
        update_index(root, here)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["method"].update(name="x"), "expected a record of made_up, got one of x"),
        (lambda r: r["dataset"].update(name="mannequin"), "expected a record of mannequin_street"),
        (lambda r: r["manifest"].update(sha256="0" * 64), "values: expected pairs of digest 0000"),
        (lambda r: r["weights"].update(sha256="1" * 64), "expected digest 1111"),
        (lambda r: r["scores"][0].update(higher_is_better=True), "l1: expected higher_is_better"),
        (lambda r: r["scores"][0].update(n=501), "l1: expected n of at most 500 pairs, got 501"),
        (lambda r: r["scores"][0].update(n=1), "values: expected l1 of 1 pairs, got 500"),
        (lambda r: r["scores"][0].update(low=0.1), "values: expected l1 with the interval 0.1 to"),
        (
            lambda r: r["scores"][0].update(
                value=None, reason="-", low=None, high=None, interval=None
            ),
            "expected l1 of 500 pairs, got 500",
        ),
        (lambda r: r["scores"].pop(0), "values: l1 is no figure of the record"),
        (lambda r: r["references"].append(r["references"][0]), "real is there more than once"),
        (
            lambda r: r["references"][0]["scores"][1].update(higher_is_better=False),
            "reference real: ssim.def_gan: expected higher_is_better True",
        ),
        (lambda r: r.update(origin="rerun"), "expected origin measured, got rerun"),
        (lambda r: r.update(extra=1), "no valid result"),
    ],
)
def test_what_a_record_must_be(fresh: Board, change: Callable[[Any], object], message: str) -> None:
    root, here = fresh
    edited(root / DATASET / "measured" / "made_up" / "result.json", change)
    reindexed(root)
    assert any(message in line for line in verify(root, here)), verify(root, here)


def test_a_figure_without_its_column_is_found(fresh: Board) -> None:
    root, _ = fresh
    values = root / DATASET / "measured" / "made_up" / "values.csv"
    lines = [line.split(",") for line in values.read_text().splitlines()]
    place = lines[0].index("l1")
    values.write_text("".join(",".join(x[:place] + x[place + 1 :]) + "\n" for x in lines))
    reindexed(root)
    assert f"{DATASET}/measured/made_up: values: expected a column l1, got none" in verify(*fresh)


def test_links_and_folders_in_place_of_files_are_found(fresh: Board, tmp_path: Path) -> None:
    root, here = fresh
    measured = root / DATASET / "measured"
    shutil.copytree(measured / "other", tmp_path / "best")
    edited(tmp_path / "best" / "result.json", lambda record: record["method"].update(name="best"))
    (measured / "best").symlink_to(tmp_path / "best")
    assert f"{DATASET}/measured/best: expected no link below leaderboards" in verify(root, here)
    (measured / "best").unlink()
    sample = measured / "other" / "samples" / "0.png"
    sample.unlink()
    sample.symlink_to("nowhere.png")
    assert any("samples: cannot read" in line for line in verify(root, here))
    sample.unlink()
    sample.mkdir()
    assert any("samples: cannot read" in line for line in verify(root, here))


def test_problems_are_named_from_the_folder_itself_too(
    fresh: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, here = fresh
    edited(root / DATASET / "measured/other/result.json", lambda r: r["scores"][0].update(n=1))
    monkeypatch.chdir(root)
    found = verify(Path(), here)
    assert any(line.startswith(f"{DATASET}/measured/other: values:") for line in found), found


def test_samples_are_of_the_fixed_rows_and_size(fresh: Board) -> None:
    root, here = fresh
    samples = root / DATASET / "measured" / "made_up" / "samples"
    (samples / "0.png").rename(samples / "1.png")
    (samples / "41.png").write_bytes(b"no picture")
    found = [line for line in verify(root, here) if "samples:" in line]
    assert "expected rows [0, 41, 83," in found[0]
    assert "41.png" in found[1]


def test_weights_that_were_made_anew_are_found(fresh: Board) -> None:
    root, here = fresh
    name = f"recapbench/methods/made_up/weights/{DATASET}.safetensors"
    here.path(name).write_bytes(b"other weights")
    found = verify(root, here)
    assert found[0].startswith(f"{name}, which records vouch for: expected digest")
    assert any(f"{name}: expected digest" in line and "by the record" in line for line in found)


def test_an_index_in_another_form_is_refused(fresh: Board) -> None:
    root, here = fresh
    path = root / NAME
    path.write_bytes(path.read_bytes() + b"\n")
    assert "expected it in the form in which it is written" in verify(root, here)[0]


def test_verify_from_the_command_line(cli: Callable[..., Any], fresh: Board) -> None:
    root, _ = fresh
    # The installation here has no weights of made_up: one finding, and the exit code of bad data.
    done = cli("leaderboard", "verify", "--root", str(root))
    assert done.returncode == 3
    assert "recapbench/methods/made_up/weights" in done.stderr
    assert done.stdout.startswith(f"{root}: ")
    done = cli("leaderboard", "verify")
    assert (done.returncode, done.stderr) == (0, "")
