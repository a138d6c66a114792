"""A comparison as a table: metrics as rows, methods as columns, references beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from recapbench.comparison.record import Comparison, Figure, Gap, Metric, ToldApartBy
from recapbench.summary import figure_text, pairs_text


def comparison_table(comparison: Comparison) -> Table:
    """The table for a terminal; ``*`` and bold type mark the best figure of a row.

    Metrics that no method has a value of are left out.
    """
    table = Table(
        title=_title(comparison),
        title_justify="left",
        caption=Text("\n".join(caption(comparison)), "none"),
        caption_justify="left",
    )
    table.add_column("metric", no_wrap=True)
    for method in comparison.methods:
        table.add_column(Text(method.label), justify="right", overflow="fold")
    for name in _references(comparison):
        table.add_column(name, justify="right", style="dim", overflow="fold")
    for metric in _shown(comparison):
        cells = [
            Text(f"*{_cell(figure)}", "bold") if figure.best else Text(_cell(figure))
            for figure in metric.figures
        ]
        table.add_row(_heading(metric), *cells, *_reference_cells(comparison, metric))
    return table


def caption(comparison: Comparison, mark: str = "*") -> list[str]:
    """What the table's signs mean, and what a reader should know: lines to stand below it."""
    return [
        f"↑ higher is better, ↓ lower is better; ± half of the interval; {mark}: the best figure. "
        f"In brackets the rank: 1 plus the number of methods that are better and told apart, so "
        f"that methods that cannot be told apart share a rank.",
        *_told_apart(comparison),
        *comparison.notes,
    ]


def failures(comparison: Comparison) -> list[str]:
    """A line for each method that gave no result."""
    return [f"failed: {failure.reason}" for failure in comparison.failed]


def markdown(comparison: Comparison, grid: str | None = None) -> str:
    """The comparison as a page of Markdown.

    Args:
        comparison: the record.
        grid: name of the picture beside the page, if there is one.
    """
    sections = [f"# {_title(comparison)}", _figures(comparison)]
    sections += caption(comparison, "bold")
    sections += [_escaped(line) for line in failures(comparison)]
    if grid is not None:
        sections.append(f"![source, target pose, the methods' outputs, target]({grid})")
    sections += _differences(comparison)
    sections += ["## Methods", _methods(comparison), _task(comparison)]
    return "\n\n".join(sections) + "\n"


def _title(comparison: Comparison) -> str:
    count = len(comparison.methods)
    methods = "1 method" if count == 1 else f"{count} methods"
    return f"{methods} on {pairs_text(comparison.dataset, comparison.manifest)}"


def _references(comparison: Comparison) -> list[str]:
    """Names of the reference rows, in order."""
    names = (row.name for metric in comparison.metrics for row in metric.references)
    return list(dict.fromkeys(names))


def _heading(metric: Metric) -> str:
    return f"{metric.name} {'↑' if metric.higher_is_better else '↓'}"


def _cell(figure: Figure) -> str:
    text = figure_text(figure.value, figure.low, figure.high)
    return text if figure.rank is None else f"{text} ({figure.rank})"


def _reference_cells(comparison: Comparison, metric: Metric) -> list[str]:
    found = {row.name: figure_text(row.value, row.low, row.high) for row in metric.references}
    return [found.get(name, "") for name in _references(comparison)]


def _shown(comparison: Comparison) -> list[Metric]:
    """The metrics that at least one method has a value of."""
    return [
        metric
        for metric in comparison.metrics
        if any(figure.value is not None for figure in metric.figures)
    ]


_HOW: Final[dict[ToldApartBy, str]] = {
    "pairs": "if the 95% interval of their mean difference on the same pairs (bootstrap over "
    "persons) leaves out 0",
    "halves": "if 1.96 standard deviations of their differences on the same random halves of the "
    "persons leave out 0",
    "intervals": "if their intervals do not overlap, which is stricter, as there are no values to "
    "subtract",
    "value": "by the value alone, as there is no interval",
}


def _told_apart(comparison: Comparison) -> Iterator[str]:
    """By what methods are told apart: the usual way without the names of its metrics."""
    names: dict[ToldApartBy, list[str]] = {}
    for metric in comparison.metrics:
        if any(figure.rank is not None for figure in metric.figures):
            names.setdefault(metric.told_apart_by, []).append(metric.name)
    ways = [_HOW[way] for way in names if way == "pairs"]
    ways += [f"in {', '.join(names[way])} {_HOW[way]}" for way in names if way != "pairs"]
    if ways:
        yield f"Two methods are told apart {'; '.join(ways)}."


def _figures(comparison: Comparison) -> str:
    labels = [f"`{method.label}`" for method in comparison.methods]
    rows = []
    for metric in _shown(comparison):
        cells = [
            f"**{_cell(figure)}**" if figure.best else _cell(figure) for figure in metric.figures
        ]
        rows.append([f"`{metric.name}` {_heading(metric)[-1]}", *cells])
        rows[-1] += [f"*{cell}*" if cell else "" for cell in _reference_cells(comparison, metric)]
    references = [f"*{name}*" for name in _references(comparison)]
    return _table(["metric", *labels, *references], rows)


def _differences(comparison: Comparison) -> list[str]:
    """Each method less the best of the row, where that can be had."""
    rows = [
        [f"`{metric.name}`", *(_difference(figure) for figure in metric.figures)]
        for metric in comparison.metrics
        if any(figure.less_best for figure in metric.figures)
    ]
    if not rows:
        return []
    text = (
        "Each method less the best one of the row: the mean over the pairs with its 95% interval; "
        "of FID and KID the difference of the whole sets, with 1.96 standard deviations of that of "
        "random halves of the persons. Bold: 0 is outside. Of methods that are alike, one interval "
        "in twenty leaves out 0 by chance."
    )
    labels = [f"`{method.label}`" for method in comparison.methods]
    return ["## Differences on the same pairs", text, _table(["metric", *labels], rows)]


def _difference(figure: Figure) -> str:
    if figure.less_best is None:
        return "best" if figure.best else "-"
    gap: Gap = figure.less_best
    text = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
    return text if gap.low <= 0 <= gap.high else f"**{text}**"


def _methods(comparison: Comparison) -> str:
    rows = [
        [
            f"`{one.label}`",
            _escaped(one.title),
            one.distribution or "",
            "" if one.parameters is None else f"{one.parameters:,}",
            _escaped(one.training or ""),
            _digest(one.weights),
            _digest(one.outputs),
            "" if one.seed is None else str(one.seed),
        ]
        for one in comparison.methods
    ]
    headings = ["method", "what it is", "distribution", "parameters", "training", "weights"]
    return _table([*headings, "outputs", "seed"], rows)


def _task(comparison: Comparison) -> str:
    manifest, dataset = comparison.manifest, comparison.dataset
    images = f", images {_digest(dataset.images)}" if dataset and dataset.images else ""
    return (
        f"Pairs: {manifest.protocol or 'of no named protocol'}, {_digest(manifest.sha256)}{images}."
    )


def _digest(sha256: str | None) -> str:
    return f"`{sha256[:12]}`" if sha256 else ""


def _escaped(text: str) -> str:
    """Text of others: a bar or a line's end would break a table, a sign would become markup."""
    for sign in "\\|<*":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
