"""The ablation as a page of Markdown: table, records, intervals, and the paper's own figures."""

from __future__ import annotations

from collections.abc import Sequence

from recapbench.leaderboard.ablation import Ablation, Row, Run
from recapbench.leaderboard.figures import (
    arrow,
    cell,
    comparable,
    counterparts,
    gap,
    interval_kind,
    order,
    overlaps,
    reported_order,
)
from recapbench.leaderboard.table4 import BASIC, FULL, table4

_SHORT = 12
"""Digits of a digest in a table; the footnotes have it whole."""
_DATASETS = {"deepfashion": "DeepFashion", "market1501": "Market-1501"}


def ablation_page(ablation: Ablation, metrics: Sequence[str], picture: str) -> str:
    """The page.

    Args:
        ablation: the records.
        metrics: columns of the table.
        picture: name of the plot's file beside the page.

    Returns:
        Markdown.
    """
    sections = [
        _head(ablation, picture),
        _figures(ablation, metrics),
        _records(ablation),
        _differences(ablation, metrics),
        _intervals(ablation, metrics),
        _reported(ablation),
        _footnotes(ablation),
    ]
    return "\n\n".join(sections) + "\n"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(ablation: Ablation, picture: str) -> str:
    run = ablation.runs[0]
    training, manifest = run.training, run.result.manifest
    preset = f", preset `{training['preset']}`" if training.get("preset") else ""
    lines = [
        f"# Ablation on `{ablation.dataset}`",
        f"The rows of the paper's Table 4 ({table4().source}), trained and tested by this library "
        f"under one budget: {training['steps']} steps on the same images{preset}, the same "
        f"settings but for those of the row, and the same {manifest.n} test pairs. This page and "
        f"the plot are made from the records by `recapbench plot ablation --dataset "
        f"{ablation.dataset}`.",
        f"![{ablation.dataset}]({picture})",
    ]
    if ablation.missing:
        lines.append(f"Rows without a record: {', '.join(ablation.missing)}.")
    return "\n\n".join(lines)


def _figures(ablation: Ablation, metrics: Sequence[str]) -> str:
    headings = ["row", "parameters", *(f"{name} {arrow(ablation, name)}" for name in metrics)]
    numbers = {run.file: place for place, run in enumerate(ablation.runs, start=1)}
    rows = []
    for row in ablation.rows:
        notes = "".join(f"[^{numbers[run.file]}]" for run in row.runs)
        cells = [_marked(ablation, row, name) for name in metrics]
        rows.append([f"{row.paper.title}{notes}", f"{row.parameters:,}", *cells])
    seeds = (
        "A row with several seeds has their mean, and in brackets the lowest and the highest end "
        "of their intervals. "
        if any(len(row.runs) > 1 for row in ablation.rows)
        else "Every row is one training with one seed. "
    )
    text = (
        f"{seeds}Brackets: the interval in the record. Bold: the best figure of a column, whether "
        f"or not it is apart from the others."
    )
    return f"{table(headings, rows)}\n\n{text}"


def _marked(ablation: Ablation, row: Row, metric: str) -> str:
    text = cell(row, metric)
    if row.mean(metric) != ablation.best(metric):
        return text
    value, space, rest = text.partition(" ")
    return f"**{value}**{space}{rest}"


def _records(ablation: Ablation) -> str:
    headings = ["record", "row", "seed", "steps", "weights", "training images"]
    rows = [
        [
            f"`{run.file}`",
            row.paper.title,
            str(run.training["seed"]),
            str(run.training["steps"]),
            f"`{run.digest[:_SHORT]}`",
            f"`{run.training['data'][:_SHORT]}`",
        ]
        for row in ablation.rows
        for run in row.runs
    ]
    return f"## Records\n\n{table(headings, rows)}"


def _differences(ablation: Ablation, metrics: Sequence[str]) -> str:
    lines = [
        "## Differences on the same pairs",
        "Each row less another, as the mean over the test pairs with its 95% interval (bootstrap "
        "over persons); FID and KID as the difference of the whole sets, with 1.96 standard "
        "deviations of the differences of the same random halves of the persons. What makes a "
        "pair hard for every row falls out, so that these intervals are narrower than those of "
        "the figures themselves. Bold: zero is outside the interval. What another seed would "
        "change is not in it. IS has neither values of pairs nor of halves.",
    ]
    names = comparable(ablation, metrics)
    for method in (BASIC, FULL):
        reference = ablation.row(method)
        others = [row for row in ablation.rows if row is not reference]
        if reference is None or not others or not names:
            continue
        title = f"less {reference.paper.title}"
        headings = [title, *(f"{name} {arrow(ablation, name)}" for name in names)]
        rows = [[row.paper.title, *(gap(row, reference, name) for name in names)] for row in others]
        lines.append(table(headings, rows))
    return "\n\n".join(lines)


def _intervals(ablation: Ablation, metrics: Sequence[str]) -> str:
    lines = [
        "## Which intervals overlap",
        "Each interval is that of one figure by itself, on pairs that are the same for all rows: "
        "rows whose intervals overlap may still differ, which the table above shows.",
    ]
    for metric in metrics:
        kind = interval_kind(ablation, metric)
        lines.append(f"**{metric}** (interval: {kind})")
        said = [_said(ablation, metric, method) for method in (BASIC, FULL)]
        lines.append("\n".join(line for line in said if line) or "- no interval to compare")
    return "\n\n".join(lines)


def _said(ablation: Ablation, metric: str, method: str) -> str:
    reference, found = ablation.row(method), overlaps(ablation, metric, method)
    if reference is None or not (found[True] or found[False]):
        return ""
    words = [
        f"{what} {', '.join(found[which])}"
        for which, what in ((False, "apart from"), (True, "overlaps"))
        if found[which]
    ]
    return f"- {reference.paper.title} {'; '.join(words)}"


def _reported(ablation: Ablation) -> str:
    name = _DATASETS[ablation.settings]
    headings = list(table4().rows[0].reported(ablation.settings))
    rows = [
        [f"*{row.title}*", *(f"*{row.reported(ablation.settings)[head]:g}*" for head in headings)]
        for row in table4().rows
    ]
    text = (
        f"Reported by the paper on {name}: other images, other training, other figures by the same "
        f"name. Its order of rows can be compared with ours, its values cannot."
    )
    orders = [
        [
            f"{head} / {metric}",
            reported_order(ablation, head),
            order(ablation, metric),
        ]
        for head, metric in counterparts(ablation, table4().metrics)
    ]
    compared = (
        "Rows from best to worst, of those with a record. Where intervals overlap, the order here "
        "may be chance."
    )
    lines = [
        "## The paper's own figures, for the order only",
        text,
        table(["row (reported)", *headings], rows),
    ]
    if orders:
        lines += [compared, table(["figure", f"reported on {name}", "measured here"], orders)]
    return "\n\n".join(lines)


def _footnotes(ablation: Ablation) -> str:
    return "\n".join(f"[^{n}]: {_footnote(run)}" for n, run in enumerate(ablation.runs, start=1))


def _footnote(run: Run) -> str:
    training = run.training
    return (
        f"seed {training['seed']}, {training['steps']} steps, weights sha256 `{run.digest}`, "
        f"training images sha256 `{training['data']}`: `{training['command']}`"
    )
