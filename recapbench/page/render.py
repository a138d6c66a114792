"""Pages as HTML: templates filled in, links made relative."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import partial
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from recapbench.evaluation.base import Metric
from recapbench.evaluation.metrics import METRICS
from recapbench.leaderboard.board import Board
from recapbench.leaderboard.tables.paper import paper, paper_sheet
from recapbench.leaderboard.tables.sheet import Sheet
from recapbench.page.comparison import ComparisonPage, comparison_pages
from recapbench.page.links import INDEX, METRIC_LIST, PAPER, compare_page, dataset_title
from recapbench.page.measured_boards import measured_boards
from recapbench.page.methods import method_pages
from recapbench.page.reported_boards import reported_boards
from recapbench.page.samples import Samples
from recapbench.page.table import ORIGINS, Leaderboard
from recapbench.page.words import direction

STYLE = "assets/page.css"
SCRIPT = "assets/page.js"


def pages(board: Board, samples: Samples, sizes: dict[str, tuple[int, int]]) -> dict[str, bytes]:
    """Every page of the site but its pictures: path from the root -> content."""
    site = _Site(board, samples, sizes)
    texts = dict(site.texts())
    own = resources.files(__package__)
    for path in (STYLE, SCRIPT):
        texts[path] = (own / path).read_text(encoding="utf-8")
    return {path: text.encode() for path, text in texts.items()}


class _Site:
    """All pages of a board."""

    def __init__(self, board: Board, samples: Samples, sizes: dict[str, tuple[int, int]]) -> None:
        self.board = board
        self.samples = samples
        self.sizes = sizes
        self.boards = [
            *measured_boards(board.measured),
            *measured_boards(board.ablation, "ablation"),
            *reported_boards(board.reported),
        ]
        names = dict.fromkeys(one.dataset for one in self.boards)
        measured = {record.dataset for record in board.measured}
        self.datasets = sorted(names, key=lambda name: (name not in measured, name))
        self.comparisons = comparison_pages(self.datasets, samples, sizes)
        self.sheets = _sheets(board)
        self.templates = _environment()

    def texts(self) -> Iterator[tuple[str, str]]:
        """Path and content of each page."""
        yield INDEX, self._index()
        yield METRIC_LIST, self._filled(METRIC_LIST, "metrics.html", metrics=self._metrics())
        if self.sheets:
            yield (
                PAPER,
                self._filled(PAPER, "paper.html", sheets=self.sheets, source=paper().source),
            )
        for page in method_pages(self.board, self.samples):
            compare = self.comparisons.get(page.dataset)
            yield page.path, self._filled(page.path, "method.html", page=page, compare=compare)
        for comparison in self.comparisons.values():
            yield comparison.path, self._comparison(comparison)

    def _index(self) -> str:
        heads = [head for board in self.boards for head in board.heads]
        origins = {row.origin for board in self.boards for row in board.rows}
        by_dataset: dict[str, list[Leaderboard]] = {name: [] for name in self.datasets}
        for board in self.boards:
            by_dataset[board.dataset].append(board)
        return self._filled(
            INDEX,
            "index.html",
            datasets=by_dataset,
            comparisons=self.comparisons,
            families=sorted({head.family for head in heads}),
            protocols=sorted({head.protocol for head in heads}),
            origins={name: text for name, text in ORIGINS.items() if name in origins},
        )

    def _metrics(self) -> list[Metric]:
        """The metrics that stand on a leaderboard or on the page of a run."""
        records = (*self.board.measured, *self.board.ablation)
        there = {score.name for record in records for score in record.result.scores}
        return [metric for name, metric in METRICS.items() if name in there]

    def _comparison(self, page: ComparisonPage) -> str:
        link = partial(_relative, page.path)
        data = {
            str(pair.row): {
                "caption": pair.caption,
                "images": {key: link(path) for key, path in pair.images.items()},
            }
            for pair in page.pairs
        }
        return self._filled(page.path, "compare.html", page=page, data=data)

    def _filled(self, path: str, template: str, **values: object) -> str:
        return self.templates.get_template(template).render(
            here=path,
            link=partial(_relative, path),
            sizes=self.sizes,
            has_paper=bool(self.sheets),
            **values,
        )


def _sheets(board: Board) -> list[tuple[int, Sheet]]:
    """The paper's tables that the board has records of."""
    there = {record.table for record in board.reported}
    numbers = [table.number for table in paper().tables if table.number in there]
    return [(number, paper_sheet(board, number)) for number in numbers]


def _relative(here: str, path: str) -> str:
    """A path from the site's root as a link on a page."""
    return posixpath.relpath(path, posixpath.dirname(here) or ".")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("recapbench.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "direction": direction,
        "dataset_title": dataset_title,
        "compare_page": compare_page,
        "INDEX": INDEX,
        "PAPER": PAPER,
        "METRIC_LIST": METRIC_LIST,
        "STYLE": STYLE,
        "SCRIPT": SCRIPT,
    }
    return environment
