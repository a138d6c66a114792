"""The HTML of the site, without a browser: structure, links, sizes, and the figures in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import numpy.typing as npt
import pytest
from html_document import Document
from PIL import Image

from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.board import Board
from recapbench.leaderboard.tables.paper import paper_sheet
from recapbench.page.site import write_site

HEAVIEST = 3_000_000
"""Bytes that a page may load, all its pictures among them."""


def _documents(site: Path) -> list[Document]:
    return [Document(path) for path in sorted(site.rglob("*.html"))]


@pytest.fixture(scope="session")
def documents(site: Path) -> list[Document]:
    return _documents(site)


@pytest.fixture(scope="session")
def index(site: Path) -> Document:
    return Document(site / "index.html")


def test_there_is_a_page_for_everything(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {"index.html", "metrics.html", "paper.html"} <= pages
    of_street = {"compare.html", "copy_source.html", "sat_lgr.html"}
    assert {f"mannequin_street/{name}" for name in of_street} <= pages
    assert {"deepfashion/patn.html", "market1501/diaf.html"} <= pages
    assert "deepfashion/compare.html" not in pages


def test_each_page_has_one_title_and_headings_in_order(documents: list[Document]) -> None:
    for document in documents:
        levels = [int(one.tag[1]) for one in document.all("h1", "h2", "h3", "h4")]
        assert levels.count(1) == 1, document.path
        assert levels[0] == 1, document.path
        jumps = [(a, b) for a, b in pairwise(levels) if b > a + 1]
        assert jumps == [], document.path
    titles = [document.all("title")[0].text for document in documents]
    assert len(set(titles)) == len(titles)


def test_ids_are_unique_and_meant(documents: list[Document]) -> None:
    for document in documents:
        ids = document.ids()
        assert len(set(ids)) == len(ids), document.path
        named = (one.get("aria-labelledby") for one in document.elements)
        assert {name for names in named for name in (names or "").split()} <= set(ids)


def test_every_link_leads_somewhere_on_the_site(documents: list[Document], site: Path) -> None:
    ids = {document.path.resolve(): set(document.ids()) for document in documents}
    for document in documents:
        for link in document.links():
            assert "://" not in link, (document.path, link)
            target, part = document.file(link)
            assert target.is_file(), (document.path, link)
            assert target.is_relative_to(site.resolve())
            if part and not part.startswith("pair="):
                assert part in ids[target], (document.path, link)


def test_every_file_is_listed_and_linked(documents: list[Document], site: Path) -> None:
    listed = set(json.loads((site / "files.json").read_bytes())["files"])
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert listed == there - {"files.json"}
    linked = {document.file(link)[0] for document in documents for link in document.links()}
    assert {site.resolve() / path for path in listed} <= linked | _in_scripts(documents)


def _in_scripts(documents: list[Document]) -> set[Path]:
    """Pictures that the pages of comparisons show when they are chosen."""
    found = set()
    for document in documents:
        for script in document.all("script"):
            if script.get("type") == "application/json":
                pairs = json.loads(script.text).values()
                found |= {
                    document.file(one)[0] for pair in pairs for one in pair["images"].values()
                }
    return found


def test_pictures_have_texts_and_sizes_and_controls_have_labels(documents: list[Document]) -> None:
    pictures = 0
    for document in documents:
        labels = {one.get("for") for one in document.all("label")}
        for element in document.all("img", "input", "select"):
            if element.tag == "img":
                pictures += 1
                assert len(element.get("alt") or "") > 5, document.path
                assert element.get("width"), document.path
                assert element.get("height"), document.path
            else:
                assert element.inside("label") or element.get("id") in labels, document.path
    assert pictures > 20


def test_tables_name_their_rows_and_columns(documents: list[Document]) -> None:
    for document in documents:
        for head in document.all("th"):
            assert head.get("scope") in ("col", "row", "colgroup"), document.path
            assert head.text.strip(), document.path


def test_no_page_is_heavy(documents: list[Document]) -> None:
    for document in documents:
        loaded = {document.file(link)[0] for link in document.links()} | _in_scripts([document])
        loaded = {path for path in loaded if path.suffix != ".html"} | {document.path}
        assert sum(path.stat().st_size for path in loaded) < HEAVIEST, document.path


def test_every_measured_method_is_shown_with_n_interval_and_protocol(
    board: Board, index: Document
) -> None:
    page = index.path.read_text(encoding="utf-8")
    for record in board.measured:
        assert f'href="{record.dataset}/{record.method}.html"' in page
        score = record.result.score("ssim.def_gan")
        assert f'data-value="{score.value}"' in page
        assert f"{score.low:.4f} to {score.high:.4f}" in page
        assert record.result.manifest.protocol in page
    heads = [one for one in index.all("th") if one.get("data-protocol") == "pg2"]
    assert [one.get("data-family") for one in heads] == ["ssim"]


def test_origins_differ_by_more_than_colour(index: Document) -> None:
    rows = [one for one in index.all("tr") if one.get("data-origin")]
    assert {one.get("data-origin") for one in rows} == {
        "measured",
        "rerun",
        "reported",
        "reference",
    }
    for row in rows:
        assert row.get("data-origin") in row.text


def test_a_table_holds_one_kind_of_figures(index: Document) -> None:
    """No column has measured and printed figures, and none has those of two lists of pairs."""
    origins: dict[int, set[str]] = {}
    for row in index.all("tr"):
        if origin := row.get("data-origin"):
            table = next(one for one in row.ancestors if one.tag == "table")
            origins.setdefault(id(table), set()).add(origin)
    kinds = sorted(map(sorted, origins.values()))
    assert kinds == [["measured", "reference"]] + [["reported"]] * 2 + [["reported", "rerun"]] * 2


def test_what_cannot_be_ranked_is_neither_sorted_nor_marked(index: Document) -> None:
    loose = [one for one in index.all("section") if "test pairs not stated" in one.text]
    boards = [one for one in loose if "board" in one.classes]
    assert len(boards) == 2
    inside = [one for one in index.elements if any(board in one.ancestors for board in boards)]
    assert not [one for one in inside if one.tag in ("button", "strong")]


def test_the_papers_tables_are_there_cell_by_cell(board: Board, site: Path) -> None:
    page = Document(site / "paper.html")
    tables = page.all("table")
    assert len(tables) == 4
    for number, table in enumerate(tables, start=1):
        own = [one for one in page.all("td", "th") if table in one.ancestors]
        cells = [one.text.removesuffix(" best") for one in own if one.inside("tbody")]
        sheet = paper_sheet(board, number)
        assert cells == [cell.text for row in sheet.rows for cell in row]


def test_a_method_shows_its_record(board: Board, site: Path) -> None:
    for record in board.measured:
        text = (site / record.dataset / f"{record.method}.html").read_text(encoding="utf-8")
        assert record.result.outputs.sha256 in text
        assert record.result.manifest.sha256 in text
        assert record.result.score("lpips.alex").reason.partition("'")[0] in text
        assert text.count("<figure>") == len(record.samples) == 6
        if record.result.weights is not None:
            assert record.result.weights.sha256 in text
            assert "recapbench train --method sat_lgr" in text


def test_rows_of_one_table_say_which_parsing_they_were_given(site: Path) -> None:
    heads = [one.text for one in Document(site / "deepfashion" / "sat_lgr.html").all("h3")]
    assert len(set(heads)) == len(heads)
    titles = [head for head in heads if head.startswith("Ours, Table 3")]
    assert [title.partition(", given the ")[2].rpartition(" parsing")[0] for title in titles] == [
        "source",
        "source and target",
    ]


def test_a_metric_says_what_it_may_be_compared_with(site: Path) -> None:
    text = (site / "metrics.html").read_text(encoding="utf-8")
    assert "<p>May be compared with: PG2&#39;s figures.</p>" in text


def test_pictures_have_the_very_pixels_of_the_samples(board: Board, site: Path) -> None:
    for record in board.measured:
        for row, path in record.samples.items():
            shown = site / record.dataset / "images" / record.method / f"{row}.webp"
            assert np.array_equal(_pixels(shown), _pixels(path))
    for row, pair in board.samples("mannequin_street").items():
        for name, path in zip(("source", "target"), pair, strict=True):
            shown = site / "mannequin_street" / "images" / name / f"{row}.webp"
            assert np.array_equal(_pixels(shown), _pixels(path))


def _pixels(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_a_sample_that_is_no_picture_is_refused(board: Board, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"no picture")
    broken = replace(board.measured[0], samples={0: tmp_path / "0.png"})
    with pytest.raises(DataError, match=r"0\.png: expected a PNG"):
        write_site(replace(board, measured=(broken,)), tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_no_page_knows_this_machine(documents: list[Document], board_root: Path) -> None:
    for document in documents:
        text = document.path.read_text(encoding="utf-8")
        assert str(board_root.parent) not in text
        assert str(Path.home()) + "/" not in text
        assert not re.search(r"\b20\d\d-\d\d-\d\dT", text), document.path


def test_the_same_records_give_the_same_bytes(board: Board, site: Path, tmp_path: Path) -> None:
    write_site(board, tmp_path / "again")
    assert _contents(tmp_path / "again") == _contents(site)


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_an_earlier_site_is_replaced_and_nothing_else_touched(board: Board, tmp_path: Path) -> None:
    out = tmp_path / "page"
    write_site(board, out)
    (out / "CNAME").write_text("example.org")
    write_site(Board(board.root, (), board.reported), out)
    assert not (out / "mannequin_street").exists()
    assert (out / "deepfashion" / "patn.html").exists()
    assert (out / "CNAME").read_text() == "example.org"
    write_site(board, out)
    assert (out / "mannequin_street" / "sat_lgr.html").exists()


def test_a_folder_of_something_else_is_refused(board: Board, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError, match="an earlier page"):
        write_site(board, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_earlier_list_cannot_name_files_elsewhere(board: Board, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    out = tmp_path / "page"
    out.mkdir()
    listed = {"schema": "recapbench.page/1", "files": {"../precious": ""}}
    (out / "files.json").write_text(json.dumps(listed))
    write_site(Board(board.root, (), board.reported), out)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_board_without_records_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected records"):
        write_site(Board(tmp_path, (), ()), tmp_path / "page")
    assert not (tmp_path / "page").exists()


def test_text_of_others_cannot_become_markup(board: Board, tmp_path: Path) -> None:
    record = board.reported[0]
    evil = "<script>alert(1)</script>"
    method = record.method.model_copy(update={"title": evil})
    forged = record.model_copy(update={"method": method, "notes": [f"</p>{evil}"]})
    write_site(Board(board.root, (), (forged, *board.reported[1:])), tmp_path / "page")
    for path in (tmp_path / "page").rglob("*.html"):
        assert "<script>alert" not in path.read_text(encoding="utf-8")


def test_the_command_prints_the_index_and_refuses_a_folder_of_something_else(
    cli: Callable[..., CompletedProcess[str]], board_root: Path, site: Path, tmp_path: Path
) -> None:
    done = cli("page", "--out", "site", "--root", str(board_root))
    assert (done.returncode, done.stdout) == (0, "site/index.html\n"), done.stderr
    assert _contents(tmp_path / "site") == _contents(site)
    refused = cli("page", "--out", ".", "--root", str(board_root))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "an earlier page" in refused.stderr
