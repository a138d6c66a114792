"""`recapbench manifest` as a user meets it: build, verify, audit, exit codes, bad input."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


def row(name: str, missing: int | None = None) -> str:
    joints = [-1 if joint == missing else 10 + joint for joint in range(18)]
    return f"{name}: {joints}: {joints}"


def market(person: str, number: int) -> str:
    return f"{person}_c1s1_{number:06d}_00.jpg"


NAMES = [market(f"{1 + number % 3:04d}", number) for number in range(12)]
EXTRA = [
    row(market("0001", 100), missing=2),
    row(market("0002", 101), missing=8),
    row(market("0003", 102), missing=0),
    row(market("-1", 103)),
    row(market("0000", 104)),
    row(market("0009", 105)),
]
KEPT = [*NAMES, market("0003", 102), market("0009", 105)]
ROWS = [
    pair
    for person in ("0001", "0002", "0003", "0009")
    for pair in permutations([name for name in KEPT if name.startswith(person)], 2)
]


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    path = tmp_path / "poses.csv"
    head = "name:keypoints_y:keypoints_x"
    path.write_text("\n".join([head, *map(row, NAMES), *EXTRA]) + "\n")
    return path


def build(cli: Cli, *more: str, split: str = "train") -> subprocess.CompletedProcess[str]:
    chosen = ("--dataset", "market1501", "--protocol", "def_gan", "--split", split)
    return cli("manifest", "build", *chosen, *more)


def test_build_verify_audit(cli: Cli, poses: Path, tmp_path: Path) -> None:
    done = build(cli, "--keypoints", "poses.csv", "--out", "out/train.csv", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rows = ("from,to\n" + "".join(f"{a},{b}\n" for a, b in ROWS)).encode()
    assert (tmp_path / "out" / "train.csv").read_bytes() == rows
    assert document["md5"] == hashlib.md5(rows, usedforsecurity=False).hexdigest()
    assert document["sha256"] == hashlib.sha256(rows).hexdigest()
    counts = [document[key] for key in ("images", "kept", "ordered_pairs", "pairs", "identities")]
    assert counts == [18, 14, len(ROWS), len(ROWS), 3]
    digest = hashlib.sha256(poses.read_bytes()).hexdigest()
    assert document["made_from"] == {"keypoints": digest}
    assert "not the field's pairs" in " ".join(done.stderr.split())
    header = json.loads((tmp_path / "out" / "train.json").read_text())
    assert header["protocol"] == "def_gan/1"
    assert header["unpaired"] == ["0009"]

    done = cli("manifest", "verify", "out/train.csv")
    assert done.returncode == 3
    assert "market1501-def_gan-train.lock.json" in done.stderr
    assert done.stdout == ""

    done = cli("manifest", "audit", "out/train.csv", "--json")
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)["files"]
    assert (summary["pairs"], summary["persons"], summary["unpaired_persons"]) == (len(ROWS), 3, 1)
    flaws = ("across_persons", "self_pairs", "duplicates", "distractors")
    assert [summary[flaw] for flaw in flaws] == [0, 0, 0, 0]


def test_splits_with_one_item_in_both(cli: Cli, tmp_path: Path) -> None:
    for split, colour in (("train", 1), ("test", 2)):
        names = [f"fashionMENTees_Tanksid00000001{colour:02d}_{view}front.jpg" for view in (1, 2)]
        names.append(f"fashionMENDenimid0000000{colour}01_1front.jpg")
        (tmp_path / f"{split}.lst").write_text("\n".join(names) + "\n")
        chosen = ("--dataset", "deepfashion", "--protocol", "patn", "--split", split)
        done = cli(
            *("manifest", "build", *chosen, "--names", f"{split}.lst", "--out", f"{split}.csv")
        )
        assert done.returncode == 0, done.stderr
        header = json.loads((tmp_path / f"{split}.json").read_text())
        assert header["made_from"]["filter"].startswith("none: made from a bare list")
        assert header["counts"] == {"images": 2, "identities": 1, "pairs": 2}
    done = cli("manifest", "audit", "train.csv", "test.csv")
    assert done.returncode == 0, done.stderr
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    shared = lines[lines.index("train.csv and test.csv share") :]
    assert "outfits 0" in shared
    assert "item ids 1 1 of them shown by pairs of both" in shared
    assert "such as MEN/Tees_Tanks/id_00000001" in shared


def test_a_list_without_a_header_is_audited_on_request(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text(f"from,to\n{NAMES[0]},{NAMES[1]}\n{NAMES[0]},{NAMES[0]}\n")
    assert cli("manifest", "audit", "theirs.csv").returncode == 3
    done = cli("manifest", "audit", "theirs.csv", "--dataset", "market1501", "--json")
    assert done.returncode == 0, done.stderr
    (summary,) = json.loads(done.stdout)["files"]
    assert (summary["across_persons"], summary["self_pairs"]) == (1, 1)


def test_verify_reads_the_images_of_a_built_in_set(cli: Cli, tmp_path: Path) -> None:
    names = [f"street_test_{person:04d}_{image:02d}.png" for person in (0, 1) for image in (0, 1)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    chosen = ("--dataset", "mannequin_street", "--protocol", "within_identity", "--split", "test")
    done = cli("manifest", "build", *chosen, "--names", "names.txt", "--out", "m.csv")
    assert done.returncode == 0, done.stderr
    done = cli("manifest", "verify", "m.csv", "--preset", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == "all 4 images are there, unaltered"
    done = cli("manifest", "verify", "m.csv", "--no-files", "--json")
    assert json.loads(done.stdout)["files"] == "not read"
    (tmp_path / "m.csv").write_text((tmp_path / "m.csv").read_text().replace("_00.png", "_03.png"))
    done = cli("manifest", "verify", "m.csv", "--no-files")
    assert done.returncode == 3
    assert "m.csv: not what its header describes, changed at row 1" in done.stderr


def test_an_altered_image_is_named(cli: Cli, shared_home: Path, tmp_path: Path) -> None:
    names = [f"street_test_0000_{image:02d}.png" for image in (0, 1)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n")
    chosen = ("--dataset", "mannequin_street", "--protocol", "within_identity", "--split", "test")
    done = cli("manifest", "build", *chosen, "--names", "names.txt", "--out", "m.csv")
    assert done.returncode == 0, done.stderr
    verify = ("manifest", "verify", "m.csv", "--preset", "tiny")
    assert cli(*verify).returncode == 0
    home = tmp_path / "home"
    shutil.copytree(shared_home, home)
    victim = next(home.glob(f"datasets/mannequin_street/tiny-*/test/**/{names[1]}"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    done = cli(*verify, RECAPBENCH_HOME=str(home))
    assert done.returncode == 3
    assert str(victim) in done.stderr
    assert done.stdout == ""


def test_images_of_a_set_that_is_not_here_are_not_read(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.lst").write_text(
        "fashionMENDenimid0000000101_1front.jpg\nfashionMENDenimid0000000101_2side.jpg\n"
    )
    chosen = ("--dataset", "deepfashion", "--protocol", "def_gan_new", "--split", "test")
    done = cli("manifest", "build", *chosen, "--names", "a.lst", "--out", "m.csv")
    assert done.returncode == 0, done.stderr
    empty = str(tmp_path / "home")
    done = cli("manifest", "verify", "m.csv", "--json", RECAPBENCH_HOME=empty)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["files"] == "not read: the dataset cannot be opened here"
    assert document["lock"] == "no lock to compare with"
    header = json.loads((tmp_path / "m.json").read_text())
    (tmp_path / "m.json").write_text(json.dumps(header | {"dataset": "mine"}))
    done = cli("manifest", "verify", "m.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert "unknown dataset 'mine'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of --keypoints and --names"),
        (("--keypoints", "poses.csv", "--names", "poses.csv"), "one of --keypoints and --names"),
        (("--keypoints", "poses.csv", "--protocol", "defgan"), "Did you mean 'def_gan'"),
        (("--keypoints", "poses.csv", "--protocol", "patn"), "protocol of market1501 'patn'"),
        (("--keypoints", "poses.csv", "--protocol", "listed"), "a split of it lists its own"),
        (("--keypoints", "poses.csv", "--dataset", "market"), "Did you mean 'market1501'"),
        (("--keypoints", "poses.csv", "--split", "val"), "split of market1501 'val'"),
        (("--keypoints", "poses.csv", "--out", "m.json"), "ends in .csv"),
        (("--keypoints", "poses.csv", "--out", "poses.csv"), "would overwrite"),
    ],
)
def test_usage_errors(cli: Cli, poses: Path, arguments: tuple[str, ...], message: str) -> None:
    before = poses.read_bytes()
    done = build(cli, "--out", "m.csv", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert [path.name for path in poses.parent.iterdir() if path.name != "home"] == ["poses.csv"]
    assert poses.read_bytes() == before


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("0001_c1s1_000900_00.jpg: [1, 2]: [1, 2]", "poses.csv: row 19: expected 18 numbers"),
        (row(NAMES[0]), "poses.csv: row 19: '0001_c1s1_000000_00.jpg' is named in row 1 already"),
        (row("../x.jpg"), "poses.csv: row 19: '../x.jpg' cannot be the name"),
        (row("x.jpg"), "poses.csv: row 19: expected a name of Market-1501"),
        (row(market("0001", 900)).replace("27", "NaN"), "poses.csv: row 19: "),
        (row(market("0001", 900)).replace("27", "70000"), "got 70000.0 for joint 17"),
    ],
)
def test_bad_rows_leave_nothing_behind(cli: Cli, poses: Path, bad: str, message: str) -> None:
    poses.write_text(poses.read_text() + bad + "\n")
    done = build(cli, "--keypoints", "poses.csv", "--out", "m.csv")
    assert done.returncode == 3, done.stderr
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert [path.name for path in poses.parent.iterdir()] == ["poses.csv"]


def test_protocols_are_listed_with_their_dataset(cli: Cli) -> None:
    done = cli("list", "protocols", "--json")
    assert done.returncode == 0, done.stderr
    found = {(row["dataset"], row["name"]) for row in json.loads(done.stdout)}
    assert {
        ("any", "within_identity/1"),
        ("deepfashion", "def_gan/1"),
        ("deepfashion", "def_gan_new/1"),
        ("deepfashion", "patn/1"),
        ("market1501", "def_gan/1"),
    } <= found
    pairs = {(row["dataset"], row["name"]): row["pairs"] for row in json.loads(done.stdout)}
    assert pairs["market1501", "def_gan/1"] == "train 263,632, test 12,000"
    assert pairs["deepfashion", "patn/1"] == "train 101,966 (published), test 8,570 (published)"
