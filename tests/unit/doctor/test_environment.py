"""Python, the system and the package, with facts of other machines."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from types import SimpleNamespace

import pytest

from recapbench import provenance
from recapbench.doctor import environment

ANCIENT = "3.8.1"


def test_this_python_is_as_it_must_be() -> None:
    [found] = environment.python()
    assert found.status == "ok"
    assert platform.python_version() in found.detail


def test_a_python_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "python_version", lambda: ANCIENT)
    [found] = environment.python()
    assert found.status == "broken"
    assert found.detail.startswith(ANCIENT)
    assert found.detail.endswith("expected >=3.11")


@pytest.mark.parametrize(("name", "status"), [("posix", "ok"), ("nt", "warning")])
def test_systems(monkeypatch: pytest.MonkeyPatch, name: str, status: str) -> None:
    monkeypatch.setattr(platform, "platform", lambda: "Somewhere-1.0")
    monkeypatch.setattr(os, "name", name)
    [found] = environment.system()
    assert (found.status, found.detail.split(":")[0]) == (status, "Somewhere-1.0")


def installed(monkeypatch: pytest.MonkeyPatch, record: str | None, commit: str | None) -> None:
    facts = SimpleNamespace(version="9.9", read_text={"direct_url.json": record}.get)
    monkeypatch.setattr(metadata, "distribution", lambda name: facts)
    monkeypatch.setattr(provenance, "source_commit", lambda: commit)


@pytest.mark.parametrize(
    ("record", "commit", "detail"),
    [
        (None, None, "9.9"),
        ('{"url": "https://example.invalid/x.whl", "archive_info": {}}', None, "9.9"),
        (
            '{"url": "file:///src/re%20cap", "dir_info": {"editable": true}}',
            "0123456789abcdef",
            "9.9, editable in /src/re cap, commit 0123456789ab",
        ),
        ('{"url": "file:///src/recap", "dir_info": {}}', None, "9.9"),
    ],
)
def test_how_the_package_is_installed(
    monkeypatch: pytest.MonkeyPatch, record: str | None, commit: str | None, detail: str
) -> None:
    installed(monkeypatch, record, commit)
    [found] = environment.package()
    assert (found.status, found.detail) == ("ok", detail)


def test_a_checkout_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGE", "no-such-distribution")
    [found] = environment.package()
    assert (found.status, found.mend) == ("broken", "pip install -e .")
