"""Pictures of the page for the docs, taken with a headless Chromium.

``python scripts/page_screenshots.py SITE``, of a site that ``recapbench page --out SITE`` wrote,
makes ``docs/images/page_*.png``. Needs the extra ``browser`` and a Chromium: Debian's
``chromium-headless-shell``, or another one named with ``--browser``.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 300_000
"""Bytes that a picture may have."""


@dataclass(frozen=True)
class Shot:
    """A picture to take: of which page, in what window (width and height in CSS pixels)."""

    name: str
    page: str
    width: int = 1280
    height: int = 900
    dark: bool = False


def shots(site: Path) -> Iterator[Shot]:
    """The pictures that a site has pages for."""
    yield Shot("index", "index.html")
    yield Shot("index_phone", "index.html", 360, 780)
    yield Shot("index_dark", "index.html", dark=True)
    if (site / "paper.html").exists():
        yield Shot("paper", "paper.html")
    for compare in sorted(site.glob("*/compare.html"))[-1:]:
        yield Shot("compare", compare.relative_to(site).as_posix())
        method = sorted(set(compare.parent.glob("*.html")) - {compare})[-1]
        yield Shot("method", method.relative_to(site).as_posix())


def small(png: bytes) -> bytes:
    """The picture with at most 256 colours, as PNG."""
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Take every picture; 1 if one is too large."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--browser", default="chromium-headless-shell")
    asked = parser.parse_args(arguments)
    site = asked.site.resolve()
    wrong = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which(asked.browser), args=["--no-sandbox"]
        )
        for shot in shots(site):
            page = browser.new_page(
                viewport={"width": shot.width, "height": shot.height},
                color_scheme="dark" if shot.dark else "light",
            )
            page.goto((site / shot.page).as_uri())
            content = small(page.screenshot())
            page.close()
            path = asked.out / f"page_{shot.name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            wrong |= len(content) > LIMIT
            print(path, len(content))
        browser.close()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
