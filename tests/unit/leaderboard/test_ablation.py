"""The ablation's records: order, what makes a mixture, means and ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ablation_records import DATASET, METHODS, SMALL, record, write

from recapbench.data.datasets import find_dataset
from recapbench.errors import DataError, UsageError
from recapbench.leaderboard.ablation import read_ablation
from recapbench.leaderboard.board import ABLATION
from recapbench.leaderboard.figures import cell, comparable, gap, order, overlaps, reported_order
from recapbench.leaderboard.table4 import BASIC, FULL, table4
from recapbench.methods.find import find_method, image_spec
from recapbench.results import Result


def test_the_rows_are_methods_with_the_papers_titles() -> None:
    for row in table4().rows:
        method = find_method(row.method)
        assert row.method == FULL or method.title == row.title
        assert set(row.reported("deepfashion")) < set(row.reported("market1501"))
        assert set(row.reported("market1501")) == set(table4().metrics)


def test_rows_come_in_the_tables_order(tmp_path: Path) -> None:
    folder = write(tmp_path, *(record(method) for method in reversed(METHODS)))
    ablation = read_ablation(DATASET, folder)
    assert [row.paper.method for row in ablation.rows] == METHODS
    assert ablation.missing == []
    assert ablation.metrics() == ablation.metrics(None)


def test_rows_without_a_record_are_named(tmp_path: Path) -> None:
    ablation = read_ablation(DATASET, write(tmp_path, record(FULL), record(BASIC)))
    assert [row.paper.method for row in ablation.rows] == [BASIC, FULL]
    assert ablation.missing == [
        row.title for row in table4().rows if row.method not in (BASIC, FULL)
    ]


def test_parameters_are_those_of_the_generator(tmp_path: Path) -> None:
    ablation = read_ablation(DATASET, write(tmp_path, record(FULL), record(BASIC)))
    basic, full = (row.parameters for row in ablation.rows)
    spec = image_spec(find_dataset(DATASET))
    cls = find_method(FULL)
    generator = cls(cls.configure(spec, SMALL), spec).generator  # type: ignore[attr-defined]
    assert full == sum(p.numel() for p in generator.parameters()) > basic


def test_seeds_are_averaged_and_their_intervals_joined(tmp_path: Path) -> None:
    folder = write(tmp_path, record(BASIC, 1, 0.5), record(BASIC, 0, 0.3), record(FULL, 0, 0.45))
    ablation = read_ablation(DATASET, folder)
    basic, full = ablation.rows
    assert [run.training["seed"] for run in basic.runs] == [0, 1]
    assert basic.mean("l1") == pytest.approx(0.4)
    assert basic.ends("l1") == pytest.approx((0.28, 0.52))
    assert cell(basic, "l1") == "0.4000 [0.2800, 0.5200]"
    assert ablation.best("ssim.def_gan") == full.mean("ssim.def_gan")
    assert ablation.best("l1") == basic.mean("l1")


def test_which_intervals_overlap(tmp_path: Path) -> None:
    values = dict(zip(METHODS, (0.30, 0.34, 0.3401, 0.26, 0.2599, 0.31, 0.9), strict=True))
    folder = write(tmp_path, *(record(m, value=v) for m, v in values.items()))
    found = overlaps(read_ablation(DATASET, folder), "l1", BASIC)
    titles = {row.method: row.title for row in table4().rows}
    apart = ("sat_lgr-sat_l1", "sat_lgr", "sat_lgr-lgr_r")
    assert found[False] == [titles[method] for method in apart]
    assert len(found[True]) == 3


def test_differences_are_of_the_same_pairs(tmp_path: Path) -> None:
    folder = write(tmp_path, record(BASIC, 0, 0.30), record(BASIC, 1, 0.32), record(FULL, 0, 0.33))
    ablation = read_ablation(DATASET, folder)
    names = ["ssim.def_gan", "mask_ssim.def_gan", "l1", "fid.effnet_lite0"]
    assert comparable(ablation, ablation.metrics()) == names
    basic, full = ablation.rows
    # Every pair differs by 0.33 less the mean of 0.30 and 0.32, whoever is on it; the figures'
    # own intervals, 0.02 to either side, overlap.
    assert gap(full, basic, "l1") == "**+0.0200 [+0.0200, +0.0200]**"
    assert gap(basic, basic, "l1") == "+0.0000 [+0.0000, +0.0000]"
    assert gap(full, basic, "fid.effnet_lite0") == "**+0.0200 [+0.0200, +0.0200]**"
    assert overlaps(ablation, "l1", FULL)[True] == ["Basic"]


def test_a_pair_without_a_value_in_one_seed_has_none(tmp_path: Path) -> None:
    write(tmp_path, record(BASIC, 0), record(BASIC, 1))
    path = tmp_path / DATASET / ABLATION / "sat_lgr-basic-seed1.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].rpartition(",")[0] + ","
    path.write_text("\n".join(lines) + "\n")
    values = read_ablation(DATASET, tmp_path).rows[0].values().metrics["l1"]
    assert values[0] is None
    assert None not in values[1:]


def test_values_of_other_pairs_are_refused(tmp_path: Path) -> None:
    write(tmp_path, record(BASIC))
    path = tmp_path / DATASET / ABLATION / "sat_lgr-basic-seed0.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match=r"expected the 500 pairs of sat_lgr.*, got 499"):
        read_ablation(DATASET, tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"seed0\.csv: expected the values of single pairs"):
        read_ablation(DATASET, tmp_path)


def test_orders_go_by_the_direction_of_the_figure(tmp_path: Path) -> None:
    ablation = read_ablation(DATASET, write(tmp_path, *(record(method) for method in METHODS)))
    titles = [row.title for row in table4().rows]
    assert order(ablation, "fid.effnet_lite0") == " > ".join(titles)
    assert order(ablation, "ssim.def_gan") == " > ".join(titles[::-1])
    # Table 4, Market-1501: FID 40.458 down to 57.162, and two Mask-SSIM of 0.793.
    assert reported_order(ablation, "FID").startswith("+SAT(l)+LGR(r+1, n) > ")
    assert reported_order(ablation, "FID").endswith(" > Basic")
    assert "Basic = +SAT(l)+LGR(r+1, n)" in reported_order(ablation, "Mask-SSIM")


def changed(result: Result, **parts: Any) -> Result:
    """A record with other parts."""
    return result.model_copy(update=parts)


def test_records_of_two_budgets_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, record(BASIC), record(FULL, steps=200, steps_taken=200))
    with pytest.raises(
        DataError, match=r"sat_lgr-seed0\.json.*sat_lgr-basic-seed0\.json.*training steps: 100"
    ):
        read_ablation(DATASET, folder)


@pytest.mark.parametrize("fact", ["data", "manifest", "precision", "perceptual", "preset", "pairs"])
def test_every_fact_of_the_training_counts(tmp_path: Path, fact: str) -> None:
    folder = write(tmp_path, record(BASIC), record(FULL, **{fact: "other"}))
    with pytest.raises(DataError, match=f"two budgets: training {fact}"):
        read_ablation(DATASET, folder)


def test_another_setting_is_refused(tmp_path: Path) -> None:
    full = record(FULL)
    config = dict(full.method.config or {}) | {"coarse_loss": 4}
    part = full.method.model_copy(update={"config": config})
    folder = write(tmp_path, record(BASIC), changed(full, method=part))
    with pytest.raises(DataError, match="setting coarse_loss: 1 there, 4 here"):
        read_ablation(DATASET, folder)


def test_a_row_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    basic = record(BASIC)
    config = dict(basic.method.config or {}) | {"sat_layer": 3}
    part = basic.method.model_copy(update={"config": config})
    folder = write(tmp_path, changed(basic, method=part))
    with pytest.raises(DataError, match="sat_layer: expected 0, got 3"):
        read_ablation(DATASET, folder)


def test_other_test_pairs_are_refused(tmp_path: Path) -> None:
    full = record(FULL)
    pairs = full.manifest.model_copy(update={"sha256": "0" * 64})
    folder = write(tmp_path, record(BASIC), changed(full, manifest=pairs))
    with pytest.raises(DataError, match="test pairs"):
        read_ablation(DATASET, folder)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"steps_taken": 50}, "steps taken: expected 100, got 50"),
        ({"init": {"sha256": "1"}}, "weights that the training began with"),
    ],
)
def test_a_training_that_is_not_whole_is_refused(
    tmp_path: Path, training: dict[str, Any], message: str
) -> None:
    folder = write(tmp_path, record(BASIC, **training))
    with pytest.raises(DataError, match=message):
        read_ablation(DATASET, folder)


def test_a_record_under_another_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, record(BASIC))
    for kind in ("json", "csv"):
        file = tmp_path / DATASET / ABLATION / f"sat_lgr-basic-seed0.{kind}"
        file.rename(file.with_name(f"sat_lgr-basic-seed1.{kind}"))
    with pytest.raises(DataError, match=r"file: expected 'sat_lgr-basic-seed0\.json'"):
        read_ablation(DATASET, tmp_path)


def test_a_record_of_another_dataset_is_refused(tmp_path: Path) -> None:
    write(tmp_path, record(BASIC))
    other = (tmp_path / DATASET).rename(tmp_path / "mannequin").parent
    with pytest.raises(DataError, match="dataset: expected 'mannequin', got 'mannequin_street'"):
        read_ablation("mannequin", other)


def test_no_records(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"got none: scripts/run_ablation\.py"):
        read_ablation(DATASET, tmp_path)


def test_a_metric_that_records_do_not_have(tmp_path: Path) -> None:
    basic = record(BASIC)
    none = basic.scores[0].model_copy(
        update={"value": None, "low": None, "high": None, "interval": None, "reason": "no network"}
    )
    scores = [none, *basic.scores[1:]]
    ablation = read_ablation(DATASET, write(tmp_path, changed(basic, scores=scores)))
    with pytest.raises(UsageError, match=r"unknown metric of sat_lgr-basic-seed0\.json 'lpips'"):
        ablation.metrics(["lpips"])
    with pytest.raises(DataError, match=r"no value of ssim\.def_gan: no network"):
        ablation.metrics(["ssim.def_gan"])
