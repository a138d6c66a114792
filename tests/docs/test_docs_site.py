"""The documentation site builds without a warning, and needs no network to be read."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from docs_commands import ROOT

import recapbench
from recapbench.paths import shipped
from recapbench.results import read_result

BUILDERS = ("mkdocs", "material", "mkdocstrings", "latex2mathml")

pytestmark = pytest.mark.skipif(not (ROOT / "mkdocs.yml").is_file(), reason="needs the checkout")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as a strict build does it: a warning is an error."""
    if missing := [name for name in BUILDERS if find_spec(name) is None]:
        pytest.skip(f"needs pip install '.[docs]': no {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_page_is_there(site: Path) -> None:
    shown = {page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")}
    names = {
        page.with_name("index.html") if page.name == "README.md" else page.with_suffix(".html")
        for page in shown
    }
    assert {page.relative_to(site) for page in pages(site)} >= names
    assert len(names) > 15


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe|source)[^>]+src=\"?(https?:|//)[^>]*>")
    linked = re.compile(r"<link[^>]+href=\"?(?:https?:|//)[^>]*>")
    for page in pages(site):
        html = page.read_text()
        assert not fetched.search(html), page
        assert not [link for link in linked.findall(html) if "canonical" not in link], page


def test_formulas_are_mathml(site: Path) -> None:
    html = (site / "model.html").read_text()
    assert html.count("<math ") == (ROOT / "docs/model.md").read_text().count("```math")
    assert "\\frac" not in html


def test_figures_come_from_the_record(site: Path) -> None:
    html = (site / "differ.html").read_text()
    result = read_result(shipped("leaderboards") / "mannequin/measured/sat_lgr/result.json")
    assert "figures:" not in html
    for name in ("ssim.def_gan", "ssim.gfla", "mask_ssim.inside"):
        assert f"<code>{name}</code>" in html
        assert f"{result.score(name).value:.4f}" in html
    assert result.outputs.sha256[:12] in html


def test_every_public_name_is_explained(site: Path) -> None:
    html = (site / "reference.html").read_text() + (site / "errors.html").read_text()
    for name in recapbench.__all__:
        place = getattr(recapbench, name)
        assert f'id="{place.__module__}.{name}"' in html, name


def test_every_command_is_explained(site: Path) -> None:
    html = (site / "cli.html").read_text()
    for path in ("run", "score", "train", "data prepare", "manifest build", "plot ablation"):
        assert f">recapbench {path}<" in html
    assert "<code>--target-parsing TARGET_PARSING</code>" in html
