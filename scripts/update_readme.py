"""Write the tables of README.md anew from the records in ``leaderboards/``.

``python scripts/update_readme.py`` after a new record; ``--check`` writes nothing and fails if a
figure differs.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_RECORD = re.compile(r"\[record\]\((leaderboards/[^)]+\.json)\)\):\n\n((?:\|.*\n)+)")

Scores = dict[str, dict[str, Any]]


def table(record: dict[str, Any]) -> str:
    """The table of a result: a row per figure that the method has, a column per row of images."""
    columns: dict[str, Scores] = {record["method"]["name"]: _by_name(record["scores"])}
    for reference in record["references"]:
        columns[reference["name"]] = _by_name(reference["scores"])
    lines = [f"| metric | better | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for score in record["scores"]:
        if score["value"] is not None:
            better = "higher" if score["higher_is_better"] else "lower"
            cells = [_cell(scores.get(score["name"])) for scores in columns.values()]
            lines.append(f"| {score['name']} | {better} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _by_name(scores: list[dict[str, Any]]) -> Scores:
    return {score["name"]: score for score in scores}


def _cell(score: dict[str, Any] | None) -> str:
    """Value and half the interval's width; empty if not measured, a dash if it has no value."""
    if score is None:
        return ""
    value, low, high = score["value"], score["low"], score["high"]
    if value is None:
        return "–"
    text = f"{value:.4f}" if abs(value) < 10 else f"{value:.2f}"
    spread = (high - low) / 2 if low is not None and high is not None else 0.0
    return f"{text} ± {spread:.2g}" if spread > 1e-9 else text


def updated(text: str) -> str:
    """The README with every table as its record has it."""

    def replaced(match: re.Match[str]) -> str:
        record = json.loads((ROOT / match[1]).read_text())
        return f"[record]({match[1]})):\n\n{table(record)}"

    return _RECORD.sub(replaced, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    text = README.read_text()
    if updated(text) == text:
        return 0
    if check:
        print("README.md is not what the records say: run scripts/update_readme.py")
        return 1
    README.write_text(updated(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
