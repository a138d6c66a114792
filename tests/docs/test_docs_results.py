"""The comparison of all methods in the documentation is what the shipped records give."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from recapbench.comparison.build import PAGE, RECORD, compare
from recapbench.comparison.entry import Entry, read_entries
from recapbench.comparison.ranking import rank_metric
from recapbench.comparison.table import markdown
from recapbench.evaluation.differences import Difference, difference_on_pairs
from recapbench.leaderboard.board import MEASURED
from recapbench.leaderboard.soundness import score_problems, value_problems
from recapbench.paths import shipped
from recapbench.request import GRID

PAGES = Path(__file__).resolve().parents[2] / "docs" / "results"
DATASETS = ("mannequin", "mannequin_street")
COPIED = "copy_source"
UNLEARNED = ("smooth", "shift_zoom")
"""Examples of the documentation, whose records lie beside its pages."""
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


def beside(dataset: str) -> tuple[Entry, ...]:
    """The filed records, and those of methods that learn nothing."""
    filed = shipped("leaderboards") / dataset / MEASURED
    folders = [filed / entry.label for entry in entries(dataset)]
    return read_entries([*folders, *(PAGES / dataset / "unlearned" / name for name in UNLEARNED)])


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_records_of_methods_that_learn_nothing_are_sound(dataset: str) -> None:
    for entry in beside(dataset)[-2:]:
        assert entry.result.weights is None
        assert [*score_problems(entry.result), *value_problems(entry.result, entry.values)] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_figures_of_methods_that_learn_nothing_are_those_of_their_records(
    dataset: str,
) -> None:
    names = ("l1", "mask_ssim.def_gan", "mask_ssim.inside")
    text = (PAGES / "index.md").read_text().partition(f"| `{COPIED}`, `{dataset}` |")
    rows = (text[1] + text[2]).splitlines()[:3]
    found = {entry.label: entry.result for entry in beside(dataset)}
    for row, label in zip(rows, (COPIED, *UNLEARNED), strict=True):
        cells = [f"{found[label].score(name).value:.4f}" for name in names]
        cells.append(f"{found[label].score('fid.effnet_lite0').value:.1f}")
        assert row.partition("` | ")[2] == f"{' | '.join(cells)} |"


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_is_said_of_methods_that_learn_nothing(dataset: str) -> None:
    """Two methods are level in a metric if neither is ranked before the other."""
    found = {entry.label: entry for entry in beside(dataset)}

    def standing(metric: str, unlearned: str) -> dict[str, str]:
        words = {}
        for name in ("pg2", "def_gan", "patn", "sat_lgr"):
            ours, theirs = (
                figure.rank
                for figure in rank_metric(metric, [found[name], found[unlearned]]).figures
            )
            assert ours is not None
            assert theirs is not None
            words[name] = "level" if ours == theirs else "ahead" if ours < theirs else "behind"
        return words

    def four(pg2: str, def_gan: str, patn: str, sat_lgr: str) -> dict[str, str]:
        return {"pg2": pg2, "def_gan": def_gan, "patn": patn, "sat_lgr": sat_lgr}

    ahead, behind = four(*["ahead"] * 4), four(*["behind"] * 4)
    for name in UNLEARNED:
        assert standing("l1", name) == ahead
        masked, inside = (standing(f"mask_ssim.{mask}", name) for mask in ("def_gan", "inside"))
        if dataset == "mannequin_street":
            assert masked == inside == ahead
        else:
            assert masked == four("level", "level", "ahead", "ahead")
            assert inside == four("behind", "behind", "ahead", "ahead")
    assert standing("fid.effnet_lite0", "shift_zoom") == behind
    blurred = standing("fid.effnet_lite0", "smooth")
    street = four("behind", "level", "ahead", "ahead")
    assert blurred == (street if dataset == "mannequin_street" else behind)


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
