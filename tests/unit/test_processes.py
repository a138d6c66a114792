"""Several processes do the work of one, bit for bit."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recapbench.errors import DataError
from recapbench.processes import ALONE, BLOCK, Processes, _output_kept_clean, open_processes

JOB = Path(__file__).with_name("shared_job.py")
COUNTS = ("13", "21")
SECONDS = 240


@given(st.integers(0, 500), st.integers(1, 40))
def test_every_item_is_in_one_shard(n: int, count: int) -> None:
    shards = [Processes(rank, count).shard(n) for rank in range(count)]
    assert [item for shard in shards for item in shard] == list(range(n))


@given(st.integers(0, 500), st.integers(1, 40))
def test_blocks_are_not_parted_and_well_shared(n: int, count: int) -> None:
    shards = [Processes(rank, count).shard(n) for rank in range(count)]
    assert all(shard.start % BLOCK == 0 for shard in shards if len(shard))
    blocks = [-(-len(shard) // BLOCK) for shard in shards]
    assert max(blocks) - min(blocks) <= 1


def test_alone() -> None:
    assert ALONE.first
    assert ALONE.shard(13) == range(13)
    assert ALONE.together(lambda: 5) == [5]
    assert ALONE.once(lambda: 5) == 5

    def bug() -> None:
        raise ValueError("a bug")

    def bad() -> None:
        raise DataError("a bad file")

    with pytest.raises(ValueError, match="a bug"):
        ALONE.together(bug)
    with pytest.raises(DataError, match="a bad file"):
        ALONE.once(bad)


def test_without_a_launch_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert open_processes() is ALONE
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert open_processes() is ALONE


def launch(count: int, folder: Path) -> list[dict[str, Any]]:
    """What each of ``count`` real processes (gloo) says, with a cache of its own launch."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer = folder / f"answer{count}"
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "RECAPBENCH_HOME": str(folder / f"home{count}"),
    }
    started = [
        subprocess.Popen(
            [sys.executable, str(JOB), str(folder), str(answer)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]
    try:
        for process in started:
            _, errors = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, errors
    finally:
        for process in started:
            process.kill()
    return [json.loads(answer.with_suffix(f".{rank}").read_text()) for rank in range(count)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, Any]]]:
    """What the job says in one process, and in each of two."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for kind in ("made", "real"):
        for i in range(int(COUNTS[-1])):
            picture = generator.integers(0, 256, (40, 32, 3), dtype=np.uint8)
            Image.fromarray(picture).save(folder / f"{kind}{i}.png")
    return {count: launch(count, folder) for count in (1, 2)}


def test_everybody_gets_all_results_in_order(answers: dict[int, list[dict[str, Any]]]) -> None:
    for answer in answers[2]:
        assert answer["together"] == ["rank 0", "rank 1"]
        assert answer["once"] == 0


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("ours", "DataError: a bad file"),
        ("others", "RecapbenchError: process 1 failed: ValueError: a bug"),
        ("first only", "DataError: no such file"),
    ],
)
def test_an_error_of_one_is_raised_in_all(
    answers: dict[int, list[dict[str, Any]]], what: str, said: str
) -> None:
    assert [answer[what] for answer in answers[2]] == [said, said]


@pytest.mark.parametrize("what", ["bad pair", "bad image"])
def test_a_bad_file_is_the_same_error_everywhere(
    answers: dict[int, list[dict[str, Any]]], what: str
) -> None:
    alone, *both = [answer[what] for count in (1, 2) for answer in answers[count]]
    assert alone.startswith("DataError: ")
    assert "21.png: cannot be read" in alone
    assert both == [alone, alone]


@pytest.mark.parametrize("n", COUNTS)
def test_two_processes_give_the_bits_of_one(
    answers: dict[int, list[dict[str, Any]]], n: str
) -> None:
    (alone,) = answers[1]
    assert all(score["value"] is not None for score in alone[n]["scores"])
    for answer in answers[2]:
        assert answer[n] == alone[n]


def test_the_counts_make_a_difference(answers: dict[int, list[dict[str, Any]]]) -> None:
    (alone,) = answers[1]
    first, second = (alone[n] for n in COUNTS)
    assert first["features"] != second["features"]
    assert all(
        a["value"] != b["value"] for a, b in zip(first["scores"], second["scores"], strict=True)
    )


def test_what_a_library_prints_is_not_output(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with _output_kept_clean():
        os.write(1, b"a greeting\n")
    print("after")
    captured = capfd.readouterr()
    assert captured.out == "before\nafter\n"
    assert captured.err == "a greeting\n"
