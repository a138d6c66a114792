"""The comparison of all methods in the documentation is what the shipped records give."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from recapbench.comparison.build import PAGE, RECORD, compare
from recapbench.comparison.entry import Entry, read_entries
from recapbench.comparison.table import markdown
from recapbench.evaluation.differences import Difference, difference_on_pairs
from recapbench.leaderboard.board import MEASURED
from recapbench.paths import shipped
from recapbench.request import GRID

PAGES = Path(__file__).resolve().parents[2] / "docs" / "results"
DATASETS = ("mannequin", "mannequin_street")
COPIED = "copy_source"
SHOWN = ("l1", "ssim.def_gan", "mask_ssim.def_gan")
"""Metrics of the table in the text, beside FID."""

pytestmark = pytest.mark.skipif(not PAGES.is_dir(), reason="needs docs/ of the checkout")


def entries(dataset: str) -> tuple[Entry, ...]:
    """The filed records, in the order of the page."""
    record = json.loads((PAGES / dataset / RECORD).read_text())
    folder = shipped("leaderboards") / dataset / MEASURED
    return read_entries([folder / method["label"] for method in record["methods"]])


def less_copied(dataset: str, metric: str) -> dict[str, Difference]:
    """Each trained method less the copied sources."""
    found = {entry.label: entry for entry in entries(dataset)}
    copied = found.pop(COPIED)
    differences = {
        name: difference_on_pairs(entry.values, copied.values, metric)
        for name, entry in found.items()
    }
    return {name: gap for name, gap in differences.items() if gap is not None}


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_filed_record_is_compared(dataset: str) -> None:
    filed = {path.name for path in (shipped("leaderboards") / dataset / MEASURED).iterdir()}
    assert filed == {entry.label for entry in entries(dataset)}
    assert filed == {COPIED, "pg2", "def_gan", "patn", "sat_lgr"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_page_is_made_from_the_filed_records(dataset: str) -> None:
    comparison = compare(entries(dataset))
    assert json.loads((PAGES / dataset / RECORD).read_text()) == comparison.document()
    assert (PAGES / dataset / PAGE).read_text() == markdown(comparison, GRID)
    assert (PAGES / dataset / GRID).is_file()


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_trained_method_is_better_than_the_copied_source(dataset: str) -> None:
    closer, more_alike = (less_copied(dataset, name) for name in ("l1", "mask_ssim.def_gan"))
    assert len(closer) == len(more_alike) == 4
    assert not [name for name, gap in closer.items() if gap.high >= 0]
    assert not [name for name, gap in more_alike.items() if gap.low <= 0]


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_figures_in_the_text_are_those_of_the_records(dataset: str) -> None:
    text = (PAGES / "index.md").read_text().partition(f"## `{dataset}`")[2].partition("\n## ")[0]
    for entry in entries(dataset):
        scores = {score.name: score.value for score in entry.result.scores}
        cells = [f"{scores[name]:.4f}" for name in SHOWN] + [f"{scores['fid.effnet_lite0']:.1f}"]
        assert f"| `{entry.label}` | {' | '.join(cells)} |" in text


@pytest.mark.parametrize("dataset", DATASETS)
def test_methods_that_learn_nothing_stand_beside_the_record_of_the_copied_source(
    dataset: str,
) -> None:
    (copied,) = (entry.result for entry in entries(dataset) if entry.label == COPIED)
    scores = {score.name: score.value for score in copied.scores}
    cells = [f"{scores[name]:.4f}" for name in ("l1", "mask_ssim.def_gan", "mask_ssim.inside")]
    cells.append(f"{scores['fid.effnet_lite0']:.1f}")
    row = f"| `{COPIED}`, `{dataset}` | {' | '.join(cells)} |"
    assert row in (PAGES / "index.md").read_text()


@pytest.mark.parametrize("dataset", DATASETS)
def test_validation_falls_and_the_table_is_that_of_the_log(dataset: str) -> None:
    with (PAGES / dataset / "validation.csv").open() as file:
        looks = {int(row.pop("step")): row for row in csv.DictReader(file)}
    first, last = looks[min(looks)], looks[5000]
    assert set(first) == {"pg2", "def_gan", "patn", "sat_lgr"}
    assert not [name for name in first if float(last[name]) >= float(first[name])]
    text = (PAGES / "index.md").read_text().partition(f"| `{dataset}` |")[2].partition("\n\n")[0]
    for step in (10, 1000, 2500, 5000):
        cells = " | ".join(f"{float(value):.3f}" for value in looks[step].values())
        assert f"| {step:,} | {cells} |" in text
