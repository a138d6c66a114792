"""Sweeps: their commands, and jobs that run, fail alone and go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shared_training_job import SETTINGS
from test_training import same
from typer.testing import CliRunner

from recapbench.cli import app
from recapbench.errors import RecapbenchError, UsageError
from recapbench.methods.weights_file import read_header
from recapbench.training.executors import Outcome, Resources, _submitter, run_sweep
from recapbench.training.folder import PLAN, WEIGHTS
from recapbench.training.sweep import SweepJob, launcher, sweep_jobs

Cli = Callable[..., subprocess.CompletedProcess[str]]

SMALL = SETTINGS | {"batch_size": 2}
TINY = ["--dataset", "mannequin_street", "--preset", "tiny", "--device", "cpu", "--steps", "2"]
OPTIONS = [*TINY, "--sample-every", "0", *(f"--set={key}={value}" for key, value in SMALL.items())]


def test_a_dry_run_prints_every_command(cli: Cli, tmp_path: Path) -> None:
    methods = ("--methods", "sat_lgr,sat_lgr-basic", "--seeds", "0,7")
    done = cli("sweep", *methods, *OPTIONS, "--out", "all", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [Path(line.split(" --out ")[1].split()[0]).name for line in lines] == [
        "mannequin_street-sat_lgr-0",
        "mannequin_street-sat_lgr-basic-0",
        "mannequin_street-sat_lgr-7",
        "mannequin_street-sat_lgr-basic-7",
    ]
    assert all("-m recapbench train --method sat_lgr" in line for line in lines)
    assert "--seed 7" in lines[2]
    assert "--steps=2 --preset=tiny --device=cpu --sample-every=0 --set=width=4" in lines[2]
    assert list(tmp_path.iterdir()) == []


def test_the_rows_of_table_4() -> None:
    words = ["sweep", "--methods", "table4", *OPTIONS, "--out", "all", "--dry-run", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    names = [job["name"].removeprefix("mannequin_street-") for job in json.loads(done.output)]
    assert [name.removesuffix("-0") for name in names] == [
        "sat_lgr-basic",
        "sat_lgr-sat_l2",
        "sat_lgr-sat_l1",
        "sat_lgr-sat_l",
        "sat_lgr",
        "sat_lgr-lgr_n3",
        "sat_lgr-lgr_r",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ["sat_lgt"]}, "Did you mean 'sat_lgr'"),
        ({"methods": ["copy_source"]}, "cannot be trained"),
        ({"datasets": ["manikin"]}, "unknown dataset 'manikin'"),
        ({"seeds": [0, 1, 0]}, "seed 0 is named more than once"),
        ({"overrides": {"widht": 4}}, "Did you mean 'width'"),
        ({"config": "gpu"}, "unknown config of sat_lgr 'gpu'"),
    ],
)
def test_what_every_job_would_refuse_is_refused_at_once(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    facts: dict[str, Any] = {
        "methods": ["sat_lgr"],
        "datasets": ["mannequin_street"],
        "seeds": [0],
        "overrides": {},
        "config": None,
    }
    with pytest.raises(UsageError, match=message):
        sweep_jobs(out=tmp_path, options=[], **(facts | changes))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--seeds", "0,x"], "--seeds: expected numbers"),
        (["--seeds", "0,"], "--seeds: expected names between commas"),
        (["--executor", "pbs"], "--executor: expected here, local, slurm"),
    ],
)
def test_bad_options(cli: Cli, option: list[str], message: str) -> None:
    done = cli("sweep", "--methods", "sat_lgr", *OPTIONS, "--out", "all", *option)
    assert done.returncode == 2
    assert message in done.stderr


def test_several_gpus_have_a_process_each() -> None:
    assert launcher(0) == launcher(1) == (sys.executable, "-m")
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=8", "-m"]
    assert launcher(8) == (sys.executable, *words)


def test_two_trainings_by_submitit(cli: Cli, tmp_path: Path) -> None:
    """One has a folder in its way that holds another plan: it fails, the other does not."""
    taken = tmp_path / "all" / "mannequin_street-sat_lgr-basic-0"
    arguments = ["sweep", "--methods", "sat_lgr-basic,sat_lgr", *OPTIONS, "--out", "all"]
    alone = cli("train", "--method", "sat_lgr", *OPTIONS, "--out", "alone")
    assert alone.returncode == 0, alone.stderr
    taken.mkdir(parents=True)
    (taken / PLAN).write_bytes((tmp_path / "alone" / PLAN).read_bytes())
    done = cli(*arguments, "--executor", "local", "--at-once", "2", "--json")
    assert done.returncode == 4, done.stderr
    failed, trained = json.loads(done.stdout)
    assert trained["name"] == "mannequin_street-sat_lgr-0"
    assert trained["error"] is None
    assert same(tmp_path / "alone" / WEIGHTS, Path(trained["weights"]))
    assert failed["weights"] is None
    assert failed["error"].endswith("sat_lgr-basic-0: training ended with exit code 3")
    assert "follows another plan: method: 'sat_lgr' there" in Path(failed["log"]).read_text()
    assert f"failed: {failed['error']}; see {failed['log']}" in done.stderr


def test_here_goes_on_with_what_is_there(cli: Cli, tmp_path: Path) -> None:
    arguments = ["sweep", "--methods", "sat_lgr-basic", *OPTIONS, "--out", "all"]
    for _ in range(2):
        done = cli(*arguments)
        assert done.returncode == 0, done.stderr
    header = read_header(tmp_path / "all" / "mannequin_street-sat_lgr-basic-0" / WEIGHTS)
    assert (header.method, header.training["steps_taken"]) == ("sat_lgr-basic", 2)
    first, second = (path.read_text() for path in sorted((tmp_path / "all").glob("jobs/*/*.log")))
    assert "--resume" not in first
    assert "--resume" in second


def script(text: str, out: Path) -> SweepJob:
    """A job that does something else."""
    return SweepJob(out.name, out, (sys.executable, "-c", text, str(out)))


COUNTING = """
import pathlib, sys, time
out = pathlib.Path(sys.argv[1])
began = [int(sys.argv[-1] == '--resume')]
out.mkdir(exist_ok=True)
(out / 'plan.json').write_text('{}')
(out / f'start{began[0]}').write_text(' '.join(sys.argv))
time.sleep(0 if began[0] else 600)
"""


def test_a_job_whose_time_is_up_goes_on(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """submitit's signal reaches the job: its training is ended, and started again to go on."""
    job = script(COUNTING, tmp_path / "job")
    submitted = _submitter("local", tmp_path / "logs", Resources()).submit(job)
    try:
        wait_until(lambda: (tmp_path / "job" / "start0").exists())
        os.kill(_child(submitted.job_id), signal.SIGUSR2)
        wait_until(submitted.done)
    finally:
        submitted.cancel()
    assert submitted.exception() is None, submitted.stderr()
    assert (tmp_path / "job" / "start1").read_text().endswith("--resume")


def _child(process: str) -> int:
    """The only child of a process."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text())


def test_a_job_that_fails_is_alone(tmp_path: Path) -> None:
    jobs = [
        script("import sys; sys.exit('broken')", tmp_path / "first"),
        script("print('fine')", tmp_path / "second"),
        SweepJob("third", tmp_path / "third", ("no-such-program-at-all",)),
    ]
    told: list[Outcome] = []
    outcomes = run_sweep(jobs, tmp_path / "all", "here", Resources(), told.append)
    assert outcomes == told
    assert [outcome.error for outcome in outcomes[:2]] == [
        "first: training ended with exit code 1",
        None,
    ]
    assert "no-such-program-at-all" in str(outcomes[2].error)
    assert "broken" in outcomes[0].log.read_text()
    assert "fine" in outcomes[1].log.read_text()


def test_no_training_outlives_its_job(tmp_path: Path) -> None:
    text = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    job = script(text, tmp_path / "job")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 3)
    try:
        with (tmp_path / "log").open("w") as log, pytest.raises(KeyboardInterrupt):
            job(log)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    pid = int((tmp_path / "log").read_text().splitlines()[-1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_cluster_is_asked_for_what_a_job_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "srun"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    resources = Resources("gpu", gpus=8, cpus=32, hours=2.5, at_once=3)
    executor = _submitter("slurm", tmp_path / "logs", resources)._executor
    text = executor._make_submission_file_text("python", "x")
    for line in ("partition=gpu", "gpus-per-node=8", "cpus-per-task=32", "time=150", "signal=USR2"):
        assert f"#SBATCH --{line}" in text
    assert executor.parameters["array_parallelism"] == 3
    assert executor.max_num_timeout == 100


def test_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--executor slurm cannot be used here: .*srun"):
        run_sweep([], tmp_path, "slurm", Resources(), print)


def test_without_submitit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UsageError, match=r"pip install 'recapbench\[slurm\]'"):
        run_sweep([], tmp_path, "local", Resources(), print)


def test_a_failed_training_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecapbenchError, match="job: training ended with exit code -9"):
        script("import os; os.kill(os.getpid(), 9)", tmp_path / "job")()
