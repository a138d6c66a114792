"""The site in a headless Chromium, from file://: what can be done by pointer and by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PAGES = (
    "index.html",
    "metrics.html",
    "paper.html",
    "mannequin_street/sat_lgr.html",
    "mannequin_street/compare.html",
    "deepfashion/patn.html",
)


def _open(page: Page, site: Path, name: str) -> Page:
    page.goto((site / name).as_uri())
    return page


def _board(page: Page, title: str) -> Locator:
    return page.locator(".board", has=page.get_by_role("heading", name=title, exact=True)).first


def _column(board: Locator, heading: str) -> list[float | None]:
    """Values of a column as its rows stand, None where there is none."""
    head = board.locator("thead th[data-column]").filter(has_text=heading).first
    cells = board.locator(f"tbody [data-column='{head.get_attribute('data-column')}']")
    values = [cells.nth(place).get_attribute("data-value") for place in range(cells.count())]
    return [None if value is None else float(value) for value in values]


def test_a_heading_sorts_best_first_and_then_turns(page: Page, site: Path) -> None:
    board = _board(
        _open(page, site, "index.html"), "From the paper, 12,000 test pairs of def_gan_new"
    )
    before = _column(board, "FID")
    button = board.get_by_role("button", name="FID")
    button.click()
    known = sorted(value for value in before if value is not None)
    missing = [None] * before.count(None)
    assert missing, "expected a row without a FID"
    assert _column(board, "FID") == known + missing != before
    head = board.locator("th[aria-sort]")
    assert head.count() == 1
    assert head.get_attribute("aria-sort") == "ascending"
    button.click()
    assert _column(board, "FID") == known[::-1] + missing
    assert head.get_attribute("aria-sort") == "descending"


def test_sorting_goes_by_key_and_by_the_metrics_direction(page: Page, site: Path) -> None:
    board = _board(_open(page, site, "index.html"), "6 pairs")
    board.get_by_role("button", name="ssim.def_gan").focus()
    page.keyboard.press("Enter")
    values = _column(board, "ssim.def_gan")
    assert values == sorted(values, reverse=True)
    assert board.locator("th[aria-sort='descending']").count() == 1
    board.get_by_role("button", name="l1").focus()
    page.keyboard.press("Space")
    values = _column(board, "l1")
    assert values == sorted(values)
    assert board.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"


def test_filters_choose_dataset_figures_protocol_and_origin(page: Page, site: Path) -> None:
    _open(page, site, "index.html")
    shown = page.locator("#shown")
    headings = page.locator("section.dataset:visible > h2")
    assert headings.all_inner_texts() == ["mannequin_street", "DeepFashion", "Market-1501"]
    page.get_by_label("Dataset").select_option("market1501")
    assert headings.all_inner_texts() == ["Market-1501"]
    page.get_by_label("rerun").uncheck()
    assert page.locator("tr.rerun:visible").count() == 0
    assert page.locator("tr.reported:visible").count() > 10
    page.get_by_label("reported").uncheck()
    assert page.get_by_text("No table has such figures.").is_visible()
    assert shown.inner_text() == "0 rows in 0 tables"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.getElementById('shown').textContent !== '0 rows in 0 tables'")
    assert headings.count() == 3

    visible = page.locator("th[data-column]:visible")
    page.get_by_label("Protocol").select_option("pg2")
    assert [text.split()[0] for text in visible.all_inner_texts()] == ["ssim.pg2"]
    page.get_by_label("Protocol").select_option("")
    page.get_by_label("Figures").select_option("fid")
    assert {text.split()[0] for text in visible.all_inner_texts()} == {"FID"}
    assert shown.inner_text().endswith("in 2 tables")


def test_only_the_main_figures_are_shown_at_first(page: Page, site: Path) -> None:
    board = _board(_open(page, site, "index.html"), "6 pairs")
    visible = board.locator("th[data-column]:visible")
    assert [text.split()[0] for text in visible.all_inner_texts()] == ["ssim.def_gan", "l1"]
    page.get_by_label("Figures").select_option("")
    assert visible.count() > 2


def _cut(page: Page) -> float:
    """Where the left image ends, as a share of the stage."""
    return page.evaluate(
        """() => {
          const stage = document.getElementById("stage").getBoundingClientRect();
          const cut = document.querySelector(".cut").getBoundingClientRect();
          return (cut.left + cut.width / 2 - stage.left) / stage.width;
        }"""
    )


def test_the_slider_moves_by_key_and_by_pointer(page: Page, site: Path) -> None:
    page.emulate_media(reduced_motion="reduce")
    _open(page, site, "mannequin_street/compare.html")
    assert _cut(page) == pytest.approx(0.5, abs=0.01)
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert slider.input_value() == "60"
    assert slider.get_attribute("aria-valuetext") == "60 percent left"
    assert _cut(page) == pytest.approx(0.6, abs=0.01)
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 50, steps=3)
    page.mouse.up()
    assert _cut(page) == pytest.approx(0.2, abs=0.02)
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 50)
    assert _cut(page) == pytest.approx(0.2, abs=0.02)


def test_images_and_pairs_can_be_chosen(page: Page, site: Path) -> None:
    _open(page, site, "mannequin_street/compare.html")
    left, right = page.locator("#image-left"), page.locator("#image-right")
    page.locator("#left").select_option("sat_lgr")
    page.locator("#right").select_option("copy_source")
    assert left.get_attribute("src") == "images/sat_lgr/0.webp"
    assert right.get_attribute("src") == "images/copy_source/0.webp"
    page.get_by_role("button", name="Next pair").click()
    assert left.get_attribute("src") == "images/sat_lgr/1.webp"
    assert "pair 1" in (left.get_attribute("alt") or "")
    assert "sat_lgr on the left, copy_source on the right" in page.locator("#caption").inner_text()
    page.get_by_role("button", name="Previous pair").click()
    page.get_by_role("button", name="Previous pair").click()
    assert page.locator("#pair").input_value() == "5"
    loaded = "image => image.complete && image.naturalWidth"
    page.wait_for_function("[...document.images].every(i => i.complete)")
    assert left.evaluate(loaded) == right.evaluate(loaded) == 64


def test_a_link_to_a_pair_opens_it(page: Page, site: Path) -> None:
    _open(page, site, "mannequin_street/sat_lgr.html")
    page.get_by_role("link", name="pair 4").click()
    page.wait_for_url("**/compare.html#pair=4&left=sat_lgr")
    assert page.locator("#pair").input_value() == "4"
    assert page.locator("#image-left").get_attribute("src") == "images/sat_lgr/4.webp"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 1280])
def test_the_body_never_scrolls_sideways(page: Page, site: Path, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 640})
    _open(page, site, name)
    if name == "index.html":
        page.get_by_label("Figures").select_option("")
    for summary in page.locator("main > section > details > summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything(page: Page, site: Path, name: str) -> None:
    _open(page, site, name)
    wanted = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select, summary, .scroll")]
          .filter((one) => one.checkVisibility()).length"""
    )
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => [...document.querySelectorAll("*")].indexOf(document.activeElement)"""
        )
        seen = page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
              return document.activeElement === document.body || style.outlineStyle !== "none"; }"""
        )
        assert seen, f"element {place} of {name} has focus and does not show it"
        if page.evaluate("document.activeElement !== document.body"):
            reached.add(place)
    assert len(reached) == wanted


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(page: Page, site: Path, name: str, scheme: Any) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="no axe: pip install 'recapbench[browser]'"
    )
    page.emulate_media(color_scheme=scheme)
    _open(page, site, name)
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    results = axe.Axe().run(page, options={"preload": False})
    assert results.violations_count == 0, results.generate_report()
    assert len(results.response["passes"]) > 10


def test_without_scripts_every_figure_can_be_read(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    _open(page, site, "index.html")
    assert not page.locator("#filters").is_visible()
    assert page.locator("tbody td[data-value]").count() > 100
    assert page.locator("tbody td[data-value]").last.is_visible()
    context.close()
