"""A small board of real runs with the papers' records beside it, its site, and a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recapbench.leaderboard.board import Board, read_board
from recapbench.page.site import write_site
from recapbench.paths import shipped

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DATASET = "mannequin_street"
METHODS = ("copy_source", "sat_lgr")
PAIRS = 6
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
"""Commands of browsers, the lightest first; RECAPBENCH_TEST_BROWSER names another."""


@pytest.fixture(scope="session")
def board_root(shared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leaderboards: two methods, run on a few pairs and filed, and the shipped reported records."""
    from recapbench.leaderboard.filing import Filing, add_record
    from recapbench.run import RunRequest, run

    base = tmp_path_factory.mktemp("board")
    root = base / "leaderboards"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECAPBENCH_HOME", str(shared_home))
        patch.setenv("RECAPBENCH_OFFLINE", "1")
        for method in METHODS:
            out = base / method
            metrics = ("ssim.def_gan", "ssim.pg2", "l1", "lpips.alex")
            run(RunRequest(method, DATASET, out, preset="tiny", limit=PAIRS, metrics=metrics))
            add_record(Filing(out / "result.json", root, partial=True), lambda *_: None)
    for dataset in ("deepfashion", "market1501"):
        reported = shipped("leaderboards") / dataset / "reported"
        shutil.copytree(reported, root / dataset / "reported")
    return root


@pytest.fixture(scope="session")
def board(board_root: Path) -> Board:
    """The same, read."""
    return read_board(board_root)


@pytest.fixture(scope="session")
def site(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the board; none may change it."""
    out = tmp_path_factory.mktemp("site") / "page"
    write_site(board, out)
    return out


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install 'recapbench[browser]'"
    )
    named = os.environ.get("RECAPBENCH_TEST_BROWSER")
    found = [path for name in ((named,) if named else BROWSERS) if (path := shutil.which(name))]
    if not found:
        pytest.skip(
            "no Chromium: apt-get install chromium-headless-shell, or name another one "
            "in RECAPBENCH_TEST_BROWSER"
        )
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a desk's width; the test fails if it writes an error or asks for the network."""
    wrong: list[str] = []
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(10_000)
    opened.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    opened.on(
        "request",
        lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url),
    )
    yield opened
    opened.close()
    assert wrong == []
