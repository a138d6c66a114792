"""Figures within the text of README and docs/scoring.md are those of the shipped records."""

from __future__ import annotations

import csv
import math
import re

import pytest
from checkout_scripts import load_script
from docs_commands import ROOT

from recapbench.evaluation.metrics import METRICS
from recapbench.paths import shipped
from recapbench.results import read_result

PAGE = ROOT / "docs" / "scoring.md"
OF_PAPERS = ("ssim.def_gan", "ssim.pg2", "ssim.gfla")

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="needs docs/ of the checkout")


def explained() -> list[list[str]]:
    """The rows below "Why figures differ": what, value, what it is compared with, difference."""
    text = PAGE.read_text().partition("| what | value | less | difference |\n|---|---|---|---|\n")[
        2
    ]
    rows = [line.strip("|").split("|") for line in text.partition("\n\n")[0].splitlines()]
    return [[cell.strip() for cell in row] for row in rows]


def pairs_scored() -> int:
    """How many pairs the page's commands score."""
    section = PAGE.read_text().partition("## Why figures differ")[2].partition("\n| ")[0]
    (number,) = {int(found) for found in re.findall(r"--limit (\d+)", section)}
    assert f"The first {number} outputs" in section
    return number


def mean(metric: str, count: int) -> float | None:
    """A metric's mean over the record's first pairs; None if the values have no such column."""
    with (shipped("leaderboards") / "mannequin/measured/sat_lgr/values.csv").open() as file:
        rows = list(csv.DictReader(file))[:count]
    assert len(rows) == count
    return math.fsum(float(row[metric]) for row in rows) / count if metric in rows[0] else None


def test_the_protocols_figures_are_the_means_of_the_records_first_pairs() -> None:
    seen = set()
    for what, value, less, difference in explained():
        name, count = what.partition(":")[0], pairs_scored()
        if dropped := re.fullmatch(r"last partial batch of (\d+) dropped", name):
            name, count = less, count // int(dropped[1]) * int(dropped[1])
        if (expected := mean(name, count)) is None:
            continue
        seen.add(what.partition(":")[0])
        assert value == f"{expected:.4f}", what
        if less:
            other = mean(less, pairs_scored())
            assert other is not None
            assert difference == f"{expected - other:+.4f}", what
    assert seen >= {*OF_PAPERS, "ssim.standard", "mask_ssim.def_gan", "mask_ssim.inside"}


def test_the_differences_are_those_of_the_figures() -> None:
    values = {row[0].partition(":")[0]: float(row[1]) for row in explained()}
    for what, value, less, difference in explained():
        if less in values:
            gap = float(value) - values[less]
            assert float(difference) == pytest.approx(gap, abs=1.01e-4), what


def test_the_ranges_in_the_text_are_those_of_the_table() -> None:
    masked: dict[bool, list[float]] = {True: [], False: []}
    for what, value, less, _ in explained():
        if "ssim" in what + less:
            masked["mask" in what].append(float(value))
    bare, within = masked[False], masked[True]
    assert (
        f"an SSIM from {min(bare):.2f} to {max(bare):.2f} without a mask and "
        f"from {min(within):.2f} to {max(within):.2f} with one "
        f"(`mask_ssim.inside` is ours, and no paper's; without it from {sorted(within)[1]:.2f})"
    ) in PAGE.read_text()


def test_the_ranges_in_the_readme_are_those_of_the_records() -> None:
    text, told = (ROOT / "README.md").read_text(), []
    for dataset in ("mannequin", "mannequin_street"):
        result = read_result(shipped("leaderboards") / dataset / "measured/sat_lgr/result.json")
        values = sorted(result.score(name).value or 0.0 for name in OF_PAPERS)
        told.append(f"between {values[0]:.2f} and {values[-1]:.2f} on `{dataset}`")
    assert " and ".join(told) in text
    low, middle, high = (f"{value:.2f}" for value in values)
    assert f"scores an SSIM of {low}, {middle} or {high} depending" in text


def test_the_layouts_figures_are_those_of_the_records() -> None:
    text = (ROOT / "docs" / "sat_lgr.md").read_text()
    for dataset, words in (("mannequin", " for the shipped weights"), ("mannequin_street", "")):
        result = read_result(shipped("leaderboards") / dataset / "measured/sat_lgr/result.json")
        assert f"(`{dataset}`, {result.score('layout.miou').value:.4f}{words})" in text


def test_the_figures_that_no_paper_printed_are_named() -> None:
    own = [
        name
        for name, metric in METRICS.items()
        if "ssim." in name and metric.comparable.startswith("No paper's figures")
    ]
    assert own == list(load_script("site_hooks").OF_NO_PAPER)
    assert " and ".join(f"`{name}`" for name in own) in (ROOT / "README.md").read_text()
