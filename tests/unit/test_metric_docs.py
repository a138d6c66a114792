"""docs/metrics.md is what the records say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from recapbench.evaluation.metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_that_of_the_records() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build_metric_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_says_everything_about_every_metric() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    for metric in METRICS.values():
        section = text.split(f"\n### {metric.name}\n", 1)[1].split("\n#", 1)[0]
        for part in (metric.description, metric.comparable, *metric.traps, *metric.papers):
            assert part in section
