"""Training by several processes and in several passes: the weights of one process, in one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shared_training_job import CASES, DISAGREE, SHARED, Case, options, place, request
from torch import Tensor

from recapbench.errors import RecapbenchError, UsageError
from recapbench.methods.weights_file import read_header
from recapbench.processes import ALONE, Processes
from recapbench.training.checkpoint import read_checkpoint
from recapbench.training.contact import contact, training_device
from recapbench.training.folder import CHECKPOINT, LOG, WEIGHTS
from recapbench.training.start import open_trainer

JOB = Path(__file__).with_name("shared_training_job.py")
CLI = "from recapbench.cli import main; main()"
SECONDS = 300


def start(count: int, home: Path, *arguments: str) -> list[subprocess.Popen[str]]:
    """``python ARGUMENTS`` in each of ``count`` real processes (gloo), in order of rank."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "RECAPBENCH_HOME": str(home),
        "RECAPBENCH_OFFLINE": "1",
    }
    return [
        subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit code, output and messages of each, once all have ended; none is left behind."""
    try:
        said = [process.communicate(timeout=SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *texts) for p, texts in zip(processes, said, strict=True)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Path:
    """The folder in which one process and two have run their cases."""
    folder = tmp_path_factory.mktemp("runs")
    for count, names in ((1, CASES), (2, (*SHARED, DISAGREE))):
        for code, _, errors in finish(start(count, shared_home, str(JOB), str(folder), *names)):
            assert code == 0, errors
    return folder


def weights(runs: Path, name: str, count: int = 1, rank: int = 0) -> dict[str, Tensor]:
    return load_file(place(runs, name, count, rank).with_suffix(".safetensors"))


def losses(runs: Path, name: str, count: int = 1) -> list[dict[str, float]]:
    lines = (place(runs, name, count) / LOG).read_text().splitlines()
    return [json.loads(line)["losses"] for line in lines]


def largest_difference(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def share_of_way(first: dict[str, Tensor], second: dict[str, Tensor], out: Path) -> float:
    """How far apart two trainings' weights ended, as a share of the way that the first one's went.

    Spectral norm's vectors are no weights, and left out.
    """
    sides = open_trainer(request(out)).sides.items()
    began = {f"{side}.{k}": t for side, module in sides for k, t in module.state_dict().items()}

    trained = [name for name in first if not name.endswith(("._u", "._v"))]

    def norm(a: dict[str, Tensor], b: dict[str, Tensor]) -> Tensor:
        return torch.cat([(a[name] - b[name]).flatten() for name in trained]).norm()

    return float(norm(first, second) / norm(first, began))


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("name", SHARED)
def test_both_processes_end_with_the_same_bits(runs: Path, name: str) -> None:
    assert equal(weights(runs, name, 2, 0), weights(runs, name, 2, 1))


@pytest.mark.parametrize("name", ["three", "four in two passes"])
def test_two_processes_give_the_weights_of_one(runs: Path, name: str) -> None:
    """In float64; found: 5e-13 after six steps, in a bias whose gradient is rounding alone."""
    one, two = weights(runs, name), weights(runs, name, 2)
    assert all(tensor.dtype == torch.float64 for tensor in one.values())
    assert largest_difference(one, two) < 1e-10


@pytest.mark.parametrize("name", ["three", "four in two passes"])
def test_the_log_has_the_losses_of_all_pairs(runs: Path, name: str) -> None:
    one, two = losses(runs, name), losses(runs, name, 2)
    assert len(one) == 3
    assert {"layout", "discriminator_image", "adversarial_image"} <= one[0].keys()
    for ours, theirs in zip(one, two, strict=True):
        assert theirs == pytest.approx(ours, rel=1e-12)


def test_in_float32_rounding_grows(runs: Path, tmp_path: Path) -> None:
    """Sums in another order differ in the last bit, and Adam divides every gradient by its own
    size: one that is rounding alone makes a whole step. Found after six steps: losses apart by
    7e-5 of their value, weights by 10% of the way that they went.
    """
    assert share_of_way(weights(runs, "plain"), weights(runs, "plain", 2), tmp_path) < 0.25
    one, two = losses(runs, "plain"), losses(runs, "plain", 2)
    assert two[0] == pytest.approx(one[0], rel=1e-5)
    assert two[-1] == pytest.approx(one[-1], rel=1e-3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("held, one pass", "held, two passes"),
        ("held, two passes of both sides", "held, three passes of both sides"),
    ],
)
def test_passes_add_up(runs: Path, first: str, second: str) -> None:
    """In float64, but for spectral norm's vectors, which move once a pass."""
    assert largest_difference(weights(runs, first), weights(runs, second)) < 1e-10


def test_two_passes_against_one(runs: Path, tmp_path: Path) -> None:
    """Spectral norm's vectors move once a pass, so that two passes are another training of it.
    Found after six steps: losses apart by 1e-3 of their value, weights by 43% of the way that they
    went. With discriminators there is less to compare: in passes they move after the generator
    has read them, not before.
    """
    apart = share_of_way(weights(runs, "one pass"), weights(runs, "two passes"), tmp_path)
    assert 0 < apart < 0.7
    for one, two in zip(losses(runs, "one pass"), losses(runs, "two passes"), strict=True):
        assert two == pytest.approx(one, rel=1e-2)


def test_only_the_first_process_writes(runs: Path) -> None:
    first, second = place(runs, "plain", 2, 0), place(runs, "plain", 2, 1)
    assert {path.name for path in first.iterdir()} == {
        "checkpoint.safetensors",
        "losses.jsonl",
        "plan.json",
        "samples",
        "validation.jsonl",
        "weights.safetensors",
    }
    assert len(list((first / "samples").iterdir())) == 2
    assert not second.exists()


def test_the_record_says_how_many_processes(runs: Path) -> None:
    assert read_header(place(runs, "plain", 2) / WEIGHTS).training["processes"] == 2
    training = read_header(place(runs, "four in two passes") / WEIGHTS).training
    assert (training["processes"], training["passes"]) == (1, 2)


def test_different_plans_are_refused_in_all(runs: Path) -> None:
    said = [place(runs, DISAGREE, 2, rank).with_suffix(".txt").read_text() for rank in (0, 1)]
    assert said[0] == said[1]
    assert "different plans: seed: 0 in process 0, 1 in process 1" in said[0]
    assert not place(runs, DISAGREE, 2).exists()


@pytest.fixture
def launched() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ended with the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()


@pytest.mark.parametrize("victim", [0, 1])
def test_one_is_killed_and_all_are_started_again(
    runs: Path,
    shared_home: Path,
    tmp_path: Path,
    launched: list[subprocess.Popen[str]],
    wait_until: Callable[..., None],
    victim: int,
) -> None:
    out = tmp_path / "run"
    command = ("-c", CLI, *options(), f"--out={out}")
    launched.extend(start(2, shared_home, *command))
    wait_until(lambda: (out / CHECKPOINT).exists() or any(p.poll() is not None for p in launched))
    launched[victim].kill()
    ended = finish(launched)
    assert ended[victim][0] == -9
    code, _, errors = ended[1 - victim]
    assert code == 1
    assert f"error: process {1 - victim} of 2 has lost another one" in errors
    assert "Traceback" not in errors
    assert read_checkpoint(out / CHECKPOINT)[0].step < 6
    for code, _, errors in finish(start(2, shared_home, *command, "--resume")):
        assert code == 0, errors
    whole = place(runs, "plain", 2)
    assert equal(load_file(whole / CHECKPOINT), load_file(out / CHECKPOINT))
    assert equal(load_file(whole / WEIGHTS), load_file(out / WEIGHTS))
    steps = [json.loads(line)["step"] for line in (out / LOG).read_text().splitlines()]
    assert steps == [2, 4, 6]


def test_one_process_tells_an_error_of_all(shared_home: Path, tmp_path: Path) -> None:
    command = ("-c", CLI, *options(), f"--out={tmp_path / 'none'}", "--resume")
    ended = finish(start(2, shared_home, *command))
    assert [code for code, _, _ in ended] == [3, 3]
    assert "no training run to resume" in ended[0][2]
    assert "error" not in ended[1][2]


LAST_THREADS = """
import atexit
from pathlib import Path

def show():
    print(*((task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()))

atexit.register(show)  # the first one registered is called last

from recapbench.processes import open_processes
processes = open_processes()
import torch
torch.optim.Adam(torch.nn.Linear(2, 2).parameters())  # which imports torch.distributed.nn
processes.together(lambda: processes.rank)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed on Linux")
def test_threads_of_the_group_end_before_the_interpreter(shared_home: Path) -> None:
    """One that is left needs the interpreter's lock at times: "terminate called", exit code -6."""
    for code, names, errors in finish(start(2, shared_home, "-c", LAST_THREADS)):
        assert code == 0, errors
        assert names.strip(), errors
        assert "gloo" not in names


def test_a_batch_is_not_for_more_than_its_pairs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a batch of at least 6 pairs, got 4"):
        open_trainer(request(tmp_path / "run", Case(passes=6)))


def test_an_error_of_our_own_is_not_called_a_lost_process() -> None:
    with pytest.raises(RuntimeError, match="out of memory"), contact(ALONE):
        raise RuntimeError("out of memory")
    lost = pytest.raises(RecapbenchError, match=r"process 1 of 2 .* \(Connection closed\)$")
    with lost, contact(Processes(1, 2)):
        raise RuntimeError("[/library/pair.cc:5] Connection closed. Check the logs.")


def test_a_device_that_is_not_there_is_refused() -> None:
    assert training_device("cpu", ALONE) == torch.device("cpu")
    with pytest.raises(UsageError, match="device 'cuda:99' cannot be used"):
        training_device("cuda:99", ALONE)
