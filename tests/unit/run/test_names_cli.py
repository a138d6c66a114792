"""`recapbench list`: tables, and all there is to say about one name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from recapbench.evaluation.metrics import METRICS

Cli = Callable[..., subprocess.CompletedProcess[str]]


def test_the_table_of_metrics(cli: Cli) -> None:
    lines = cli("list", "metrics").stdout.splitlines()
    assert lines[0].split() == ["name", "better", "title", "needs"]
    assert [line.split()[0] for line in lines[1:]] == list(METRICS)
    assert "generated, target, keypoints" in next(i for i in lines if i.startswith("mask_ssim"))


def test_the_document_of_metrics_has_everything(cli: Cli) -> None:
    rows = json.loads(cli("list", "metrics", "--json").stdout)
    assert [row["name"] for row in rows] == list(METRICS)
    for row, metric in zip(rows, METRICS.values(), strict=True):
        assert row == {
            "name": metric.name,
            "better": "higher" if metric.higher_is_better else "lower",
            "title": metric.title,
            "needs": list(metric.needs),
            "description": metric.description,
            "comparable": metric.comparable,
            "traps": list(metric.traps),
            "papers": list(metric.papers),
        }


def test_one_metric_whole(cli: Cli) -> None:
    done = cli("list", "metrics", "pckh")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 100
    words = " ".join(done.stdout.replace("\n", " ").split())
    metric = METRICS["pckh"]
    for text in (metric.description, metric.comparable, *metric.traps, *metric.papers):
        assert text in words
    (row,) = json.loads(cli("list", "metrics", "pckh", "--json").stdout)
    assert row["name"] == "pckh"


def test_a_name_of_several_protocols(cli: Cli) -> None:
    rows = json.loads(cli("list", "protocols", "def_gan/1", "--json").stdout)
    assert {row["dataset"] for row in rows} == {"deepfashion", "market1501"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("metrics", "ssim.defgan"), "unknown metric 'ssim.defgan'. Did you mean 'ssim.def_gan'?"),
        (("datasets", "manequin"), "unknown dataset 'manequin'. Did you mean 'mannequin'?"),
    ],
)
def test_a_wrong_name(cli: Cli, words: tuple[str, str], hint: str) -> None:
    done = cli("list", *words)
    assert done.returncode == 2
    assert hint in " ".join(done.stderr.split())
