from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from dolls import DOLLS

import recapbench
from recapbench.data.split import Split
from recapbench.errors import StorageError

HERE = Path(__file__).parent


def child(code: str, script: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """A Python process of its own in which the paper dolls can be imported."""
    package = Path(recapbench.__file__).parents[1]
    roots = [str(HERE), str(package), os.environ.get("PYTHONPATH", "")]
    text = f"from dolls import DOLLS\n{code}"
    if script is not None:
        script.write_text(text)
    return subprocess.Popen(
        [sys.executable, *(["-c", text] if script is None else [str(script)])],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(roots)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def folder_of(home: Path) -> Path:
    return next((home / "datasets" / "mannequin").glob("tiny-*"))


def test_one_process_and_two_make_the_same(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "other"))
    steps: list[tuple[int, int]] = []
    other = DOLLS.open(
        "test", preset="tiny", workers=2, progress=lambda done, total: steps.append((done, total))
    )
    assert other.root != split.root
    assert other.digest == split.digest
    assert other.annotation_digest == split.annotation_digest
    assert other.entries == split.entries
    assert steps == [(1, 2), (2, 2)]


def test_second_start_reads_the_index_alone(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOLL_COUNT", str(tmp_path / "calls"))
    again = DOLLS.open("test", preset="tiny")
    assert again.entries == split.entries
    assert not (tmp_path / "calls").exists()
    assert not (split.root.parent / "train").exists()


def test_lost_index_is_made_again_from_what_is_there(
    split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOLL_COUNT", str(tmp_path / "calls"))
    for damage in ("index.json", "keypoints.npy"):
        path = split.root / damage
        path.write_bytes(path.read_bytes()[:-9])
        assert DOLLS.open("test", preset="tiny", workers=1).digest == split.digest
    assert not (tmp_path / "calls").exists()
    (split.root / "index.json").unlink()
    (split.root / "test_0001" / "annotations.json").write_text("{}")
    assert DOLLS.open("test", preset="tiny", workers=1).digest == split.digest
    assert len((tmp_path / "calls").read_text().split()) == 4


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed_is_as_if_never_killed(
    workers: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = child(f"DOLLS.open('train', preset='tiny', workers={workers})", DOLL_SECONDS="0.15")
    until = time.monotonic() + 60
    while not list(home.glob("datasets/mannequin/*/train/train_*")):
        assert time.monotonic() < until
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    root = folder_of(home) / "train"
    kept = sorted(path.name for path in root.glob("train_*"))
    assert 1 <= len(kept) < 4
    assert not (root / "index.json").exists()

    time.sleep(0.3)
    monkeypatch.setenv("DOLL_COUNT", str(tmp_path / "calls"))
    resumed = DOLLS.open("train", preset="tiny", workers=1)
    resumed.verify()
    assert len((tmp_path / "calls").read_text().split()) == 4 * (4 - len(kept))
    assert not list(root.glob(".making-*"))

    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "whole"))
    whole = DOLLS.open("train", preset="tiny", workers=1)
    assert (whole.digest, whole.annotation_digest) == (resumed.digest, resumed.annotation_digest)
    assert whole.entries == resumed.entries


def test_two_processes_at_once_make_it_once(home: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    code = "print(DOLLS.open('test', preset='tiny', workers=1).digest)"
    runs = [child(code, DOLL_COUNT=str(calls), DOLL_SECONDS="0.05") for _ in range(2)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert len(calls.read_text().split()) == 8


def test_script_without_a_main_guard(home: Path, tmp_path: Path) -> None:
    code = "print(len(DOLLS.open('test', preset='tiny', workers=2)))"
    output, errors = child(code, tmp_path / "script.py").communicate(timeout=60)
    assert output == "8\n", errors


def test_interrupt_from_the_keyboard_ends_quietly(home: Path, tmp_path: Path) -> None:
    code = """
try:
    DOLLS.open('train', preset='tiny', workers=2)
except KeyboardInterrupt:
    print('interrupted')
"""
    run = child(code, tmp_path / "script.py", DOLL_SECONDS="0.2")
    until = time.monotonic() + 60
    while not list(home.glob("datasets/mannequin/*/train/train_*")):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert (output, errors) == ("interrupted\n", "")
    root = folder_of(home) / "train"
    assert not (root / "index.json").exists()
    assert not list(root.glob(".making-*"))


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_leaves_no_index(workers: int, home: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DOLLS.open("train", preset="tiny", workers=workers, progress=interrupt)
    root = folder_of(home) / "train"
    assert not (root / "index.json").exists()
    assert not list(root.glob(".making-*"))
    assert list(root.glob("train_*"))


def test_home_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot write .*file"):
        DOLLS.open("test", preset="tiny", workers=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write into read-only folders")
def test_home_that_is_read_only(home: Path) -> None:
    home.mkdir()
    home.chmod(0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        DOLLS.open("test", preset="tiny", workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_storage_that_is_full(workers: int, home: Path) -> None:
    """A limit on the size of files stands for a full disk: writing fails in the same place."""
    code = f"""
import resource
from recapbench.errors import StorageError
if __name__ == '__main__':
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
    try:
        DOLLS.open('test', preset='tiny', workers={workers})
    except StorageError as error:
        print(error)
"""
    run = child(code)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    assert output.startswith("cannot write ")
    assert "File too large" in output
    root = folder_of(home) / "test"
    assert list(root.iterdir()) == []
