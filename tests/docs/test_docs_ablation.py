"""The pages of the ablation in the documentation are what their records give."""

from __future__ import annotations

from pathlib import Path

import pytest

from recapbench.leaderboard.ablation import DEFAULT_METRICS, read_ablation
from recapbench.leaderboard.ablation_page import ablation_page
from recapbench.leaderboard.table4 import FULL, table4

PAGES = Path(__file__).resolve().parents[2] / "docs" / "ablation"
DATASETS = ("mannequin", "mannequin_street")


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_page_is_made_from_the_shipped_records(dataset: str) -> None:
    stem = f"ablation-{dataset}"
    page = ablation_page(read_ablation(dataset), DEFAULT_METRICS, f"{stem}.svg")
    assert (PAGES / f"{stem}.md").read_text() == page
    assert (PAGES / f"{stem}.svg").is_file()


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_differences_in_the_text_are_those_of_the_page(dataset: str) -> None:
    text = (PAGES / "index.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `{dataset}` |")]
    page = (PAGES / f"ablation-{dataset}.md").read_text()
    after = page.partition("| less Basic |")[2]
    (row,) = [
        line
        for line in after.partition("| less +SAT")[0].splitlines()
        if line.startswith("| +SAT(l)+LGR(r+1, n) |")
    ]
    assert line.split(" | ", 1)[1] == row.split(" | ", 1)[1]


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_row_of_table_4_is_there(dataset: str) -> None:
    ablation = read_ablation(dataset)
    assert [row.paper for row in ablation.rows] == list(table4().rows)
    full = ablation.row(FULL)
    assert full is not None
    assert {run.training["seed"] for run in full.runs} >= {0}
