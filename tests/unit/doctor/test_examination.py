"""Everything together: bad plugins, probes that fail, and the command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_plugins import BAD, WORSE, add_distribution, install_bad_plugins

from recapbench import registry
from recapbench.doctor import environment, examine, looks, methods
from recapbench.doctor.apart import look_apart
from recapbench.doctor.finding import Finding
from recapbench.doctor.looks import Look
from recapbench.errors import UsageError

Cli = Callable[..., subprocess.CompletedProcess[str]]


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def served(look: Look) -> list[Finding]:
    """What a look finds in this process."""
    stream = io.StringIO()
    looks.serve([look], stream, silent)
    [line] = stream.getvalue().splitlines()
    return [Finding(**finding) for finding in json.loads(line)]


def test_a_probe_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("no such library")

    monkeypatch.setattr(environment, "python", fail)
    monkeypatch.setattr(examine, "look_apart", lambda looks, tell: [])
    found = {finding.name: finding for finding in examine.examine(silent)}
    assert found["python"].status == "broken"
    assert found["python"].detail == "cannot be examined: ImportError: no such library"
    assert found["recapbench"].status == "ok"
    assert not examine.healthy(found.values())


def test_methods_and_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    [copy] = served(Look(registry.METHODS, "copy_source"))
    assert copy.status == "ok"
    assert copy.detail.endswith("needs no weights")
    [model] = served(Look(registry.METHODS, "sat_lgr"))
    assert model.status == "ok"
    assert model.detail.endswith("weights for mannequin, mannequin_street")
    monkeypatch.setattr(methods, "_has_weights", lambda cls, record: False)
    [bare] = served(Look(registry.METHODS, "sat_lgr"))
    command = "recapbench train --method sat_lgr --dataset mannequin --out DIR"
    assert (bare.status, bare.mend) == ("missing", command)


def test_pose_estimators() -> None:
    [found] = served(Look(registry.POSE_ESTIMATORS, "keypoint_rcnn"))
    assert (found.section, found.status) == ("pose estimators", "ok")


def test_words_of_looks() -> None:
    for look in looks.all_looks():
        assert looks.parsed(str(look)) == look
    with pytest.raises(UsageError, match="expected KIND:NAME"):
        looks.parsed("tourch:")


ENDING = "import os\nprint('noise', flush=True)\nos._exit(7)\n"
HANGING = "import time\ntime.sleep(600)\n"


def test_a_look_that_ends_its_process_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("ending", ENDING), ("hanging", HANGING)):
        (tmp_path / f"{name}.py").write_text(text)
    add_distribution(tmp_path, "grim", "3", {"ending": "ending:X", "hanging": "hanging:X"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    names = ["ending", "hanging", "copy_source"]
    wanted = [Look(registry.METHODS, name) for name in names]
    ended, hung, sound = look_apart(wanted, silent, stall=20)
    assert [finding.name for finding in (ended, hung, sound)] == names
    assert (ended.status, ended.mend) == ("broken", "pip uninstall grim")
    assert "ended with exit code 7" in ended.detail
    assert hung.status == "broken"
    assert "nothing moved for 20 s" in hung.detail
    assert sound.status == "ok"


def test_the_command_among_bad_plugins(cli: Cli, tmp_path: Path) -> None:
    site = install_bad_plugins(tmp_path / "site")
    home = tmp_path / "home"
    done = cli("doctor", "--json", PYTHONPATH=str(site), RECAPBENCH_HOME=str(home))
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["healthy"] is False
    found = [Finding(**finding) for finding in document["findings"]]
    sections = list(dict.fromkeys(finding.section for finding in found))
    assert sections == list(examine.SECTIONS)
    told = {finding.name: finding for finding in found if finding.section == "methods"}
    assert set(registry.available(registry.METHODS)) | {*BAD, *WORSE} == set(told)
    broken = {name for name, finding in told.items() if finding.status == "broken"}
    assert broken == {"bad_import", "bad_exit_import", "bad_shared"}
    assert "the moon is full" in told["bad_import"].detail
    assert told["bad_import"].mend == "pip uninstall recapbench-bad"
    assert "SystemExit" in told["bad_exit_import"].detail
    assert "registered more than once" in told["bad_shared"].detail
    assert told["sat_lgr"].status == "ok"
    assert not home.exists(), "nothing is made"


def test_what_people_read(cli: Cli) -> None:
    done = cli("doctor")
    lines = done.stdout.splitlines()
    assert lines[0] == "environment"
    assert lines[1].split()[:2] == ["ok", "python"]
    assert any(line.lstrip().startswith("$ recapbench data prepare deepfashion") for line in lines)
    assert done.returncode == int("  broken " in done.stdout), done.stderr
    assert os.environ["RECAPBENCH_HOME"] in done.stdout
