"""Versions of libraries, against made-up ones."""

from __future__ import annotations

from importlib import metadata
from types import SimpleNamespace

import pytest

from recapbench.doctor import libraries
from recapbench.doctor.finding import Finding

NEEDS = {
    "recapbench": ["sound>=1", "old>=2", "gone>=3", "paired>=1", 'other>=1; extra == "far"'],
    "paired": ["sound<2", 'nowhere>=1; extra == "more"', "packageless>=1; python_version < '3'"],
}
VERSIONS = {"sound": "2.5+cpu", "old": "1.9", "paired": "1.0"}


@pytest.fixture(autouse=True)
def _facts(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name not in VERSIONS:
            raise metadata.PackageNotFoundError(name)
        return VERSIONS[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", NEEDS.get)


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in found}


def test_each_library_against_what_we_ask_for() -> None:
    found = by_name(list(libraries.libraries()))
    assert list(found) == ["sound", "old", "gone", "paired"]
    assert (found["sound"].status, found["sound"].detail) == ("ok", "2.5+cpu (>=1)")
    assert (found["old"].status, found["old"].detail) == ("broken", "1.9; expected >=2")
    assert found["old"].mend == "pip install 'old>=2'"
    assert (found["gone"].status, found["gone"].detail) == ("broken", "not installed; expected >=3")


def test_what_a_library_asks_of_another() -> None:
    found = by_name(list(libraries.libraries()))["paired"]
    assert found.status == "warning"
    assert found.detail == "1.0; it expects sound<2, got sound 2.5+cpu"
    assert found.mend == "pip install 'sound<2'"


def extras(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[Finding]:
    facts = SimpleNamespace(get_all=lambda key: list(names))
    monkeypatch.setattr(metadata, "metadata", lambda name: facts)
    return list(libraries.extras())


def test_an_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = extras(monkeypatch, "far", "test", "dev")
    assert (found.name, found.status) == ("other", "missing")
    assert found.mend == "pip install 'recapbench[far]'"


@pytest.mark.parametrize(("version", "status"), [("1.5", "ok"), ("0.5", "broken")])
def test_an_extra_that_is_there(monkeypatch: pytest.MonkeyPatch, version: str, status: str) -> None:
    monkeypatch.setitem(VERSIONS, "other", version)
    [found] = extras(monkeypatch, "far")
    assert (found.name, found.status) == ("other", status)
