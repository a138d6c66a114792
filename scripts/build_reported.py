"""Make ``leaderboards/*/reported/*.json`` of the figures in ``scripts/reported.toml``.

``python scripts/build_reported.py`` writes them; ``--check`` writes nothing and fails if a file is
not what the table says, or is too many. ``recapbench leaderboard index`` comes after it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recapbench.leaderboard.board import REPORTED
from recapbench.leaderboard.reported import NOT_STATED, SCHEMA, Reported

ROOT = Path(__file__).resolve().parent.parent
TABLES = Path(__file__).with_name("reported.toml")
SEED = "recapture"
_FIELDS = 6
"""Fields of a line before its figures."""


def records(typed: dict[str, Any]) -> Iterator[Reported]:
    """A record for each row and each dataset that the row has a figure of."""
    for table in typed["tables"]:
        for number, line in enumerate(table["rows"].strip().splitlines(), start=1):
            fields = [field.strip() for field in line.split("|")]
            columns = dict(zip(table["headings"], fields[_FIELDS:], strict=True))
            for dataset, numbers in columns.items():
                headings = table["headings"][dataset]
                figures = list(_figures(typed, headings, numbers.split()))
                if figures:
                    yield _record(typed, table["number"], number, dataset, fields, figures)


def _figures(
    typed: dict[str, Any], headings: list[str], numbers: list[str]
) -> Iterator[dict[str, Any]]:
    for heading, text in zip(headings, numbers, strict=True):
        if text != "-":
            yield {
                "heading": heading,
                "value": float(text),
                "decimals": len(text.partition(".")[2]),
                "higher_is_better": heading != "FID",
                "nearest": typed["nearest"][heading],
            }


def _record(
    typed: dict[str, Any],
    table: int,
    row: int,
    dataset: str,
    fields: list[str],
    figures: list[dict[str, Any]],
) -> Reported:
    slug, title, paper, kind_name, counterpart, parsing = fields[:_FIELDS]
    kind, own = typed["kinds"][kind_name], typed["datasets"][dataset]
    given = [word == "yes" for word in parsing.split()]
    document = {
        "schema": SCHEMA,
        "origin": kind["origin"],
        "table": table,
        "row": row,
        "dataset": dataset,
        "method": {
            "slug": slug,
            "title": title,
            "counterpart": None if counterpart == "-" else counterpart,
            "citation": _citation(typed, paper),
        },
        "parsing": None if parsing == "-" else dict(zip(("source", "target"), given, strict=True)),
        "protocol": {
            "split": own["split"] if kind["own_pairs"] else NOT_STATED,
            "pairs": own["pairs"] if kind["own_pairs"] else None,
            "resolution": own["resolution"] if kind["own_size"] else NOT_STATED,
            "ssim": NOT_STATED,
            "inception": NOT_STATED,
            "fid_real_images": NOT_STATED,
            "mask": NOT_STATED,
        },
        "source": {"citation": _citation(typed, SEED), "place": f"Table {table}"},
        "by": kind["by"],
        "figures": figures,
        "notes": kind["notes"],
    }
    return Reported.model_validate(document)


def _citation(typed: dict[str, Any], paper: str) -> dict[str, Any]:
    return {"venue": None} | typed["papers"][paper]


def files(root: Path) -> dict[Path, bytes]:
    """Every file of reported figures below a folder, with its content."""
    found = {}
    for record in records(tomllib.loads(TABLES.read_text())):
        text = json.dumps(record.document(), indent=2, ensure_ascii=False) + "\n"
        found[root / record.dataset / REPORTED / record.file_name] = text.encode()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--root", type=Path, default=ROOT / "leaderboards")
    arguments = parser.parse_args()
    wanted = files(arguments.root)
    there = {path: path.read_bytes() for path in arguments.root.glob(f"*/{REPORTED}/*.json")}
    if there == wanted:
        return 0
    if arguments.check:
        changed = {path for path in there.keys() | wanted if there.get(path) != wanted.get(path)}
        for path in sorted(changed):
            print(f"{path}: not what scripts/reported.toml says")
        return 1
    for path in there.keys() - wanted.keys():
        path.unlink()
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
